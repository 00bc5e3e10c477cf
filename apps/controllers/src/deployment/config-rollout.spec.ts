import { configMaps, deployments, replicaSets, secrets } from '@navarch/api';
import type { Deployment, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Controllers } from '../app';
import { ControllerCluster } from '../testing/cluster';

const labels = { app: 'web' };
const optIn = { 'navarch.io/rollout-on-config-change': 'true' };
const usesBoth: PodSpec = {
  containers: [{ name: 'main', image: 'web:1', envFrom: [{ configMapRef: { localObjectReference: { name: 'app' } } }], env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef: { localObjectReference: { name: 'db' }, key: 'password' } } }] }],
  volumes: [{ name: 'extra', volumeSource: { configMap: { localObjectReference: { name: 'extra' }, optional: true } } }],
};

describe('Rollouts on configuration change', () => {
  let cluster: ControllerCluster;
  let leader: Controllers;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    leader = await cluster.start();
    await cluster.runPods();
    await setConfig('app', { colour: 'blue' });
    await cluster.api.client.resource(secrets).create({ metadata: { namespace: 'default', name: 'db' }, data: { password: Buffer.from('one'), other: Buffer.from('x') } });
  });
  afterEach(() => cluster.close());

  const setConfig = async (name: string, data: Record<string, string>): Promise<void> => {
    const client = cluster.api.client.resource(configMaps);
    const present = await client.get('default', name).catch(() => undefined);
    if (present) await client.update({ ...present, data });
    else await client.create({ metadata: { namespace: 'default', name }, data });
  };
  const setPassword = async (data: Record<string, string>): Promise<void> => {
    const client = cluster.api.client.resource(secrets);
    const present = await client.get('default', 'db');
    await client.update({ ...present, data: { ...present.data, ...Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value)])) } });
  };
  const deployment = () => cluster.api.client.resource(deployments).get('default', 'web');
  const create = async (annotations: Record<string, string> | undefined = optIn, spec = usesBoth): Promise<Deployment> => {
    const made = await cluster.api.client.resource(deployments).create({
      metadata: { namespace: 'default', name: 'web', ...(annotations && { annotations }) },
      spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
    });
    await cluster.clock.advance(1_000);
    return made;
  };
  const update = async (change: (deployment: Deployment) => void): Promise<void> => {
    const next = structuredClone(await deployment());
    change(next);
    await cluster.api.client.resource(deployments).update(next);
    await cluster.clock.advance(10_000);
  };
  const sets = async (): Promise<ReplicaSet[]> => {
    const revision = ({ metadata }: ReplicaSet) => Number(metadata?.annotations?.['deployment.kubernetes.io/revision']);
    return (await cluster.api.client.resource(replicaSets).list()).items.sort((left, right) => revision(left) - revision(right));
  };
  const sizes = async (): Promise<number[]> => (await sets()).map(({ spec }) => spec?.replicas ?? 0);
  const settled = () => cluster.clock.advance(10_000);

  it('a change of a ConfigMap rolls out the Deployments that use it and ask for it; spec, generation and template stay as the user wrote them', async () => {
    await create();
    const before = await deployment();
    await setConfig('app', { colour: 'green' });
    await settled();
    expect(await sizes()).toEqual([0, 2]);
    const [first, second] = await sets();
    const after = await deployment();
    expect([after.spec, after.metadata?.generation]).toEqual([before.spec, before.metadata?.generation]);
    const withoutHash = ({ spec }: ReplicaSet) => ({ ...spec?.template, metadata: { ...spec?.template?.metadata, labels: { ...spec?.template?.metadata?.labels, 'pod-template-hash': '' } } });
    expect(withoutHash(second as ReplicaSet)).toEqual(withoutHash(first as ReplicaSet));
    expect((await cluster.events('ConfigurationChanged')).map(({ message }) => message)).toEqual(['Rolling out the change of configmap/app']);
  });

  it('a change of the Secret’s key that is used rolls out; of a key that nobody uses, or of labels only, it does not', async () => {
    await create();
    await setPassword({ other: 'y' });
    await cluster.api.client.resource(configMaps).patch('default', 'app', 'application/merge-patch+json', { metadata: { labels: { seen: 'yes' } } });
    await settled();
    expect(await sizes()).toEqual([2]);
    await setPassword({ password: 'two' });
    await settled();
    expect(await sizes()).toEqual([0, 2]);
  });

  it('without the annotation nothing happens', async () => {
    await create({});
    await setConfig('app', { colour: 'green' });
    await settled();
    expect(await sizes()).toEqual([2]);
    expect((await sets())[0]?.metadata?.annotations?.['navarch.io/config']).toBeUndefined();
  });

  it('asking for it later rolls nothing out by itself: changes count from then on; nor does asking no longer', async () => {
    await create({});
    await setConfig('app', { colour: 'green' });
    await update(({ metadata }) => Object.assign(metadata ?? {}, { annotations: { ...metadata?.annotations, ...optIn } }));
    expect(await sizes()).toEqual([2]);
    await setConfig('app', { colour: 'red' });
    await settled();
    expect(await sizes()).toEqual([0, 2]);
    await update(({ metadata }) => Object.assign(metadata ?? {}, { annotations: {} }));
    await setConfig('app', { colour: 'black' });
    await settled();
    expect(await sizes()).toEqual([0, 2]);
  });

  it('each change is a revision: rollout history names its cause, and what was used, never a value', async () => {
    await create({ ...optIn, 'kubernetes.io/change-cause': 'by hand' });
    await setPassword({ password: 'two' });
    await settled();
    const notes = (await sets()).map(({ metadata }) => metadata?.annotations ?? {});
    expect(notes.map((each) => [each['deployment.kubernetes.io/revision'], each['kubernetes.io/change-cause']])).toEqual([['1', 'by hand'], ['2', 'configuration changed: secret/db']]);
    expect(Object.keys(JSON.parse(notes[1]?.['navarch.io/config'] ?? '') as object)).toEqual(['configmap/app', 'configmap/extra', 'secret/db']);
    expect(JSON.stringify(notes)).not.toContain('two');
  });

  it('the configuration put back: the ReplicaSet of then is taken again, as in a rollback', async () => {
    await create();
    await setConfig('app', { colour: 'green' });
    await settled();
    await setConfig('app', { colour: 'blue' });
    await settled();
    const all = await sets();
    expect(all.map(({ spec, metadata }) => [spec?.replicas, metadata?.annotations?.['deployment.kubernetes.io/revision']])).toEqual([[0, '2'], [2, '3']]);
    expect(all[1]?.metadata?.annotations?.['kubernetes.io/change-cause']).toBe('configuration changed: configmap/app');
  });

  it('undo goes back to the former template, with the configuration as it is now', async () => {
    await create();
    await update(({ spec }) => Object.assign(spec?.template?.spec?.containers?.[0] ?? {}, { image: 'web:2' }));
    await setConfig('app', { colour: 'green' });
    await settled();
    expect(await sizes()).toEqual([0, 0, 2]);
    await update(({ spec }) => Object.assign(spec?.template?.spec?.containers?.[0] ?? {}, { image: 'web:1' }));
    const all = await sets();
    const last = all.at(-1);
    expect([last?.spec?.replicas, last?.spec?.template?.spec?.containers?.[0]?.image]).toEqual([2, 'web:1']);
    expect(await sizes()).toEqual([0, 0, 0, 2]);
  });

  it('a storm of changes makes one rollout; one that does not end makes one a minute', async () => {
    await create();
    for (let at = 0; at < 10; at++) {
      await setConfig('app', { colour: String(at) });
      await setPassword({ password: String(at) });
      await cluster.clock.advance(500);
    }
    await settled();
    expect(await sizes()).toEqual([0, 2]);
    for (let at = 0; at < 130; at++) {
      await setConfig('app', { colour: `again ${at}` });
      await cluster.clock.advance(1_000);
    }
    expect(await sizes()).toHaveLength(4);
  });

  it('a required object that is deleted rolls out nothing; made again with the same content neither, with another it does', async () => {
    await create();
    await cluster.api.client.resource(configMaps).delete('default', 'app');
    await settled();
    expect(await sizes()).toEqual([2]);
    await setConfig('app', { colour: 'blue' });
    await settled();
    expect(await sizes()).toEqual([2]);
    await cluster.api.client.resource(configMaps).delete('default', 'app');
    await setConfig('app', { colour: 'green' });
    await settled();
    expect(await sizes()).toEqual([0, 2]);
  });

  it('an object that was missing from the start and comes: its pods start with it, no second rollout', async () => {
    await cluster.api.client.resource(configMaps).delete('default', 'app');
    await create();
    await setConfig('app', { colour: 'blue' });
    await settled();
    expect(await sizes()).toEqual([2]);
    await setConfig('app', { colour: 'green' });
    await settled();
    expect(await sizes()).toEqual([0, 2]);
  });

  it('an optional object that comes or goes is a change', async () => {
    await create();
    await setConfig('extra', { a: 'b' });
    await settled();
    expect(await sizes()).toEqual([0, 2]);
    await cluster.api.client.resource(configMaps).delete('default', 'extra');
    await settled();
    expect((await sets()).map(({ spec }) => spec?.replicas)).toEqual([0, 2]);
  });

  it('paused, it waits; resumed, it rolls out', async () => {
    await create();
    await update(({ spec }) => Object.assign(spec ?? {}, { paused: true }));
    await setConfig('app', { colour: 'green' });
    await cluster.clock.advance(120_000);
    expect(await sizes()).toEqual([2]);
    await update(({ spec }) => Object.assign(spec ?? {}, { paused: false }));
    expect(await sizes()).toEqual([0, 2]);
  });

  it('changed while no controller ran: rolled out by the next', async () => {
    await create();
    await cluster.stop(leader);
    await setConfig('app', { colour: 'green' });
    await cluster.start();
    await cluster.clock.advance(60_000);
    expect((await sets()).map(({ spec }) => spec?.replicas)).toEqual([0, 2]);
  });

  it('the history keeps templates one can go back to before it keeps configurations', async () => {
    await create();
    await update(({ spec }) => Object.assign(spec ?? {}, { revisionHistoryLimit: 2, template: { ...spec?.template, spec: { ...usesBoth, containers: [{ ...usesBoth.containers?.[0], name: 'main', image: 'web:2' }] } } }));
    for (const colour of ['green', 'red', 'black']) {
      await setConfig('app', { colour });
      await settled();
    }
    expect((await sets()).map(({ spec }) => spec?.template?.spec?.containers?.[0]?.image)).toEqual(['web:1', 'web:2', 'web:2']);
  });
});
