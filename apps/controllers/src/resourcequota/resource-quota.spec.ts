import { configMaps, pods, quantity, resourceQuotas } from '@navarch/api';

import { ControllerCluster } from '../testing/cluster';

describe('the controller of quotas', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
    await cluster.api.client.resource(resourceQuotas).create({ metadata: { namespace: 'default', name: 'quota' }, spec: { hard: { pods: quantity(5), 'count/configmaps': quantity(5) } } });
    await cluster.clock.advance(1_000);
  });
  afterEach(() => cluster.close());

  const counts = (): number => cluster.api.writes.filter((write) => write === 'update resourcequotas default/quota').length;
  /** How often the quota is counted anew by what `work` does. */
  const countsIn = async (work: () => Promise<unknown>): Promise<number> => {
    const before = counts();
    await work();
    await cluster.clock.advance(1_000);
    return counts() - before;
  };

  it('has a new quota counted, and one whose limits change', async () => {
    expect(counts()).toBe(1);
    const client = cluster.api.client.resource(resourceQuotas);
    expect(await countsIn(() => client.patch('default', 'quota', 'application/merge-patch+json', { spec: { hard: { pods: '6' } } }))).toBe(2);
  });

  it('has it counted once for any number of objects that come and go at a time, and for none of another namespace', async () => {
    const client = cluster.api.client.resource(configMaps);
    expect(await countsIn(async () => { for (let n = 0; n < 20; n++) await client.create({ metadata: { namespace: 'default', name: `m-${n}` } }); })).toBe(1);
    expect(await countsIn(async () => { for (let n = 0; n < 20; n++) await client.delete('default', `m-${n}`); })).toBe(1);
    expect(await countsIn(() => client.create({ metadata: { namespace: 'other', name: 'm' } }))).toBe(0);
  });

  it('has it counted when a pod is over', async () => {
    const pod = await cluster.addPod('web', undefined);
    await cluster.clock.advance(1_000);
    expect(await countsIn(() => cluster.api.client.resource(pods).updateStatus({ ...pod, status: { ...pod.status, phase: 'Succeeded' } }))).toBe(1);
  });
});
