import { configMaps, matcherOf, pods, replicaSets, type ApiObject } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Informer } from '@navarch/client';
import type { ReplicaSet, ReplicaSetSpec } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ControllerCluster } from '../testing/cluster';
import { claimObjects } from '../workload/claim';

const labels = { app: 'web' };
const template = { metadata: { labels, annotations: { team: 'a', 'navarch.io/trace-id': 'copied' }, finalizers: ['example.com/hold'] }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };

describe('ReplicaSet', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
  });
  afterEach(() => cluster.close());

  const sets = () => cluster.api.client.resource(replicaSets);
  const podClient = () => cluster.api.client.resource(pods);
  const create = async (replicas: number, over: Partial<ReplicaSetSpec> = {}, name = 'web'): Promise<ReplicaSet> => {
    const { finalizers: _none, ...metadata } = template.metadata;
    const set = await sets().create({ metadata: { namespace: 'default', name }, spec: { replicas, selector: { matchLabels: labels }, template: { ...template, metadata }, ...over } });
    await cluster.clock.advance(100);
    return set;
  };
  const update = async (change: (set: ReplicaSet) => void, name = 'web'): Promise<void> => {
    const set = structuredClone(await sets().get('default', name));
    change(set);
    await sets().update(set);
    await cluster.clock.advance(100);
  };
  const setOf = (name = 'web') => sets().get('default', name);
  const allPods = async () => (await podClient().list()).items;
  const active = async () => (await allPods()).filter(({ metadata }) => !metadata?.deletionTimestamp);
  const owners = ({ metadata }: ApiObject): string[] => (metadata?.ownerReferences ?? []).map(({ kind, name, controller, blockOwnerDeletion }) => `${kind}/${name}${controller && blockOwnerDeletion ? '!' : ''}`);
  const orphan = (name: string, over: Partial<Pod['metadata']> = {}): Promise<Pod> => podClient().create({ metadata: { namespace: 'default', name, labels, ...over }, spec: { containers: [{ name: 'main', image: 'x' }] } });

  it('makes pods of its template, owned and named by it, never with the template’s trace id', async () => {
    await cluster.runPods();
    const set = await create(3, { template });
    const made = await allPods();
    expect(made).toHaveLength(3);
    for (const { metadata, spec } of made) {
      expect(metadata?.name).toMatch(/^web-[a-z0-9]{5}$/);
      expect(metadata).toMatchObject({ generateName: 'web-', labels, annotations: { team: 'a' }, finalizers: ['example.com/hold'] });
      expect(metadata?.ownerReferences).toEqual([{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: set.metadata?.uid, controller: true, blockOwnerDeletion: true }]);
      expect(Object.keys(metadata?.annotations ?? {})).not.toContain('navarch.io/trace-id');
      expect(spec?.containers?.[0]?.image).toBe('web:1');
    }
    expect((await cluster.events('SuccessfulCreate')).map(({ message }) => message)).toEqual(expect.arrayContaining([`Created pod: ${made[0]?.metadata?.name}`]));
  });

  it('its status counts pods: all, those with the template’s labels, ready and available ones', async () => {
    await cluster.runPods(({ metadata }) => ({ broken: metadata?.name === 'adopted' }));
    await orphan('adopted');
    await create(3, { template: { ...template, metadata: { labels: { ...labels, tier: 'front' } } } });
    expect((await setOf()).status).toEqual({ replicas: 3, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 2, observedGeneration: 1 });
  });

  it('a pod that is deleted, or that failed, is replaced at once', async () => {
    await cluster.runPods();
    await create(2);
    const [first, second] = await allPods();
    await podClient().delete('default', first?.metadata?.name ?? '');
    const failing = await podClient().get('default', second?.metadata?.name ?? '');
    await podClient().updateStatus({ ...failing, status: { ...failing.status, phase: 'Failed' } });
    await cluster.clock.advance(100);
    expect((await active()).filter(({ status }) => status?.phase !== 'Failed')).toHaveLength(2);
    expect((await setOf()).status).toMatchObject({ replicas: 2, readyReplicas: 2 });
  });

  it('scaled down, those go first that are missed least, and events say so', async () => {
    const runner = await cluster.runPods();
    await create(3);
    const [unready] = await allPods();
    await runner.setReady('default', unready?.metadata?.name ?? '', false);
    await update((set) => Object.assign(set.spec ?? {}, { replicas: 2 }));
    expect((await active()).map(({ metadata }) => metadata?.name)).not.toContain(unready?.metadata?.name);
    expect((await cluster.events('SuccessfulDelete')).map(({ message }) => message)).toEqual([`Deleted pod: ${unready?.metadata?.name}`]);
    await update((set) => Object.assign(set.spec ?? {}, { replicas: 0 }));
    expect(await allPods()).toEqual([]);
    expect((await setOf()).status).toEqual({ observedGeneration: 3 });
  });

  it('minReadySeconds: ready pods become available when their time has come, without any event', async () => {
    await cluster.runPods();
    await create(2, { minReadySeconds: 30 });
    expect((await setOf()).status).toMatchObject({ readyReplicas: 2 });
    expect((await setOf()).status?.availableReplicas).toBeUndefined();
    await cluster.clock.advance(29_000);
    expect((await setOf()).status?.availableReplicas).toBeUndefined();
    await cluster.clock.advance(2_000);
    expect((await setOf()).status?.availableReplicas).toBe(2);
  });

  it('adopts orphans that match; lets go of pods whose labels changed, and makes others', async () => {
    await orphan('lonely');
    await orphan('other', { labels: { app: 'db' } });
    await create(1);
    expect(owners(await podClient().get('default', 'lonely'))).toEqual(['ReplicaSet/web!']);
    expect(owners(await podClient().get('default', 'other'))).toEqual([]);
    await podClient().patch('default', 'lonely', 'application/merge-patch+json', { metadata: { labels: { app: 'debug' } } });
    await cluster.clock.advance(100);
    expect(owners(await podClient().get('default', 'lonely'))).toEqual([]);
    expect(await allPods()).toHaveLength(3);
  });

  it('two sets with one selector: each pod has one controller, nothing flaps', async () => {
    await orphan('lonely');
    await cluster.runPods();
    await Promise.all([create(2), create(3, {}, 'twin')]);
    const made = await allPods();
    expect(made.map((pod) => owners(pod).length)).toEqual(Array.from({ length: 5 }, () => 1));
    expect([(await setOf()).status?.replicas, (await setOf('twin')).status?.replicas]).toEqual([2, 3]);
    const writes = cluster.api.writes.length;
    await cluster.clock.advance(60_000);
    expect(cluster.api.writes.slice(writes).filter((write) => !write.includes('leases'))).toEqual([]);
  });

  it('never touches pods of another controller', async () => {
    const other = await cluster.api.client.resource(configMaps).create({ metadata: { namespace: 'default', name: 'other' } });
    await orphan('foreign', { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: other.metadata?.uid, controller: true }] });
    await create(1);
    expect(owners(await podClient().get('default', 'foreign'))).toEqual(['ConfigMap/other']);
    expect(await allPods()).toHaveLength(2);
  });

  it('a set that is being deleted makes and adopts nothing', async () => {
    await create(0, {}, 'web');
    await update((set) => Object.assign(set.metadata ?? {}, { finalizers: ['example.com/hold'] }));
    await sets().delete('default', 'web');
    await update((set) => Object.assign(set.spec ?? {}, { replicas: 2 }));
    await orphan('lonely');
    await cluster.clock.advance(1_000);
    expect((await allPods()).map(owners)).toEqual([[]]);
  });

  it('before it adopts, it asks the API whether it is still the one: a stale cache adopts nothing', async () => {
    const present = await create(0);
    const lonely = await orphan('lonely', { labels: { app: 'other' } });
    const informer = { resource: pods, by: (_index: string, value: string) => (value === 'orphans/default' ? [lonely] : []) } as unknown as Informer<Pod>;
    const claimAs = (object: ReplicaSet) => claimObjects({ client: cluster.api.client, owner: { resource: replicaSets, object }, informer, selector: matcherOf({}), wrote: () => Promise.resolve() });
    await expect(claimAs({ ...present, metadata: { ...present.metadata, uid: 'predecessor' } })).rejects.toMatchObject({ reason: 'Conflict' });
    await update((set) => Object.assign(set.metadata ?? {}, { finalizers: ['example.com/hold'] }));
    await sets().delete('default', 'web');
    await expect(claimAs(present)).rejects.toMatchObject({ reason: 'Conflict' });
    expect(owners(await podClient().get('default', 'lonely'))).toEqual([]);
  });

  it('a pod whose create was not answered is found, not made twice', async () => {
    cluster.api.failNext('create', new ApiError('Timeout', 'the outcome is unknown'), { plural: 'pods', landed: true });
    await create(2);
    expect(await allPods()).toHaveLength(2);
    expect(cluster.api.writes.filter((write) => write.startsWith('create pods'))).toHaveLength(2);
  });

  it('acts on nothing older than its own writes: however late the events, no further pods', async () => {
    await cluster.close();
    let resume = (): void => undefined;
    const { client } = cluster.api;
    await cluster.start({}, {
      ...client,
      resource: (resource) => {
        const real = client.resource(resource);
        if (resource.plural !== 'pods') return real;
        const create: typeof real.create = (object, options) => {
          resume = cluster.api.pauseWatches();
          return real.create(object, options);
        };
        return Object.assign(Object.create(real), { create });
      },
    });
    await cluster.clock.advance(30_000);
    await create(1);
    await cluster.clock.advance(40_000);
    expect(await allPods()).toHaveLength(1);
    resume();
    await cluster.clock.advance(60_000);
    expect(await allPods()).toHaveLength(1);
    expect((await setOf()).status?.replicas).toBe(1);
  });

  describe('refused pods', () => {
    const refuse = (times: number): void => {
      for (let at = 0; at < times; at++) cluster.api.failNext('create', new ApiError('Forbidden', 'pods "web" is forbidden: exceeded quota: small'), { plural: 'pods' });
    };

    it('quota exhausted: condition ReplicaFailure and event FailedCreate, one request per attempt, no hot loop', async () => {
      refuse(1_000);
      await create(10);
      await cluster.clock.advance(60_000);
      expect((await setOf()).status?.conditions).toEqual([expect.objectContaining({ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'pods "web" is forbidden: exceeded quota: small' })]);
      expect((await cluster.events('FailedCreate')).map(({ type, message }) => `${type} ${message}`)).toContain('Warning Error creating: pods "web" is forbidden: exceeded quota: small');
      // 5 ms doubled up to a minute: not even twenty attempts in the first.
      const attempts = (await cluster.events('FailedCreate')).reduce((sum, { count = 1 }) => sum + count, 0);
      expect(attempts).toBeLessThan(20);
      expect(cluster.api.writes.filter((write) => write.startsWith('update replicasets'))).toHaveLength(1);
    });

    it('when there is room again the pods come within a minute, and the condition goes', async () => {
      refuse(20);
      await create(2);
      await cluster.clock.advance(10 * 60_000);
      expect(await allPods()).toHaveLength(2);
      expect((await setOf()).status?.conditions).toBeUndefined();
    });

    it('a namespace that is being deleted is left alone: no event, no condition, no retries', async () => {
      for (let at = 0; at < 5; at++) cluster.api.failNext('create', new ApiError('Forbidden', 'terminating', { causes: [{ reason: 'NamespaceTerminating', field: 'metadata.namespace', message: 'x' }] }), { plural: 'pods' });
      await create(3);
      await cluster.clock.advance(60_000);
      expect(await allPods()).toEqual([]);
      expect(await cluster.events('FailedCreate')).toEqual([]);
      expect((await setOf()).status?.conditions).toBeUndefined();
    });
  });

  it('makes at most 500 pods at once, and goes on until all are there', async () => {
    await create(1_100);
    await cluster.clock.advance(1_000);
    expect(await allPods()).toHaveLength(1_100);
    expect((await setOf()).status?.replicas).toBe(1_100);
  });

  it('a leader that takes over goes on where the other stopped', async () => {
    await cluster.close();
    await create(2);
    expect(await allPods()).toEqual([]);
    await cluster.start();
    await cluster.clock.advance(30_000);
    expect(await allPods()).toHaveLength(2);
  });
});
