import { clusterRoles } from '@navarch/api';
import type { PolicyRule } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { ControllerCluster } from '../../testing/cluster';
import { aggregatedRules } from './aggregation.controller';

const rule = (resource: string): PolicyRule => ({ verbs: ['get'], apiGroups: [''], resources: [resource] });
const part = (name: string, resource: string, group = 'to-view') => ({ metadata: { name, labels: { [group]: 'true' } }, rules: [rule(resource)] });
const whole = (name = 'view', group = 'to-view') => ({ metadata: { name }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [group]: 'true' } }] } });

describe('an aggregated cluster role', () => {
  it('says what the selected roles say, in the order of their names, each rule once, and nothing of its own', () => {
    expect(aggregatedRules(whole(), [part('b', 'pods'), part('a', 'services'), part('c', 'pods'), part('other', 'secrets', 'elsewhere'), { ...whole(), rules: [rule('old')] }])).toEqual([rule('services'), rule('pods')]);
    expect(aggregatedRules({ metadata: { name: 'plain' } }, [part('a', 'pods')])).toBeUndefined();
  });

  it('follows roles that come, change and go, also through another aggregated role, and a change of its own rules is undone', async () => {
    const cluster = new ControllerCluster();
    const client = cluster.api.client.resource(clusterRoles);
    const rulesOf = async (name: string): Promise<readonly PolicyRule[]> => {
      await cluster.clock.advance(1_000);
      return (await client.get('', name)).rules ?? [];
    };
    await cluster.start();
    await client.create({ ...whole('view'), metadata: { name: 'view', labels: { 'to-edit': 'true' } } });
    await client.create(whole('edit', 'to-edit'));
    await client.create(part('a', 'pods'));
    expect([await rulesOf('view'), await rulesOf('edit')]).toEqual([[rule('pods')], [rule('pods')]]);
    await client.update({ ...(await client.get('', 'a')), rules: [rule('services')] });
    expect([await rulesOf('view'), await rulesOf('edit')]).toEqual([[rule('services')], [rule('services')]]);
    await client.update({ ...(await client.get('', 'edit')), rules: [rule('secrets')] });
    expect(await rulesOf('edit')).toEqual([rule('services')]);
    await client.delete('', 'a');
    expect([await rulesOf('view'), await rulesOf('edit')]).toEqual([[], []]);
    await cluster.close();
  });
});
