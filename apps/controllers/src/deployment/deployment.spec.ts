import { deployments, findCondition, intOrString, pods, replicaSets } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Deployment, DeploymentSpec, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import type { Controllers } from '../app';
import { ControllerCluster } from '../testing/cluster';

const labels = { app: 'web' };
const template = (image = 'web:1') => ({ metadata: { labels }, spec: { containers: [{ name: 'main', image }] } });

describe('Deployment', () => {
  let cluster: ControllerCluster;
  let leader: Controllers;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    leader = await cluster.start();
  });
  afterEach(() => cluster.close());

  const client = () => cluster.api.client.resource(deployments);
  const get = () => client().get('default', 'web');
  const create = async (spec: DeploymentSpec = {}, annotations?: Record<string, string>): Promise<Deployment> => {
    const made = await client().create({ metadata: { namespace: 'default', name: 'web', ...(annotations && { annotations }) }, spec: { replicas: 4, selector: { matchLabels: labels }, template: template(), ...spec } });
    await cluster.clock.advance(1_000);
    return made;
  };
  const update = async (change: (spec: DeploymentSpec, deployment: Deployment) => void, ms = 1_000): Promise<void> => {
    const deployment = structuredClone(await get());
    change(deployment.spec ?? {}, deployment);
    await client().update(deployment);
    await cluster.clock.advance(ms);
  };
  const sets = async (): Promise<ReplicaSet[]> => (await cluster.api.client.resource(replicaSets).list()).items;
  const sizes = async (): Promise<Record<string, number>> => Object.fromEntries((await sets()).map(({ spec }) => [spec?.template?.spec?.containers?.[0]?.image ?? '', spec?.replicas ?? 0]));
  const revisions = async (): Promise<Record<string, string | undefined>> =>
    Object.fromEntries((await sets()).map(({ spec, metadata }) => [spec?.template?.spec?.containers?.[0]?.image ?? '', metadata?.annotations?.['deployment.kubernetes.io/revision']]));
  const condition = async (type: string): Promise<string | undefined> => {
    const found = findCondition((await get()).status?.conditions, type);
    return found && `${found.status} ${found.reason}`;
  };
  const podList = async () => (await cluster.api.client.resource(pods).list()).items;

  it('makes a ReplicaSet named by the template’s hash, and through it the pods; kubectl rollout status is satisfied', async () => {
    await cluster.runPods();
    const made = await create();
    const [set] = await sets();
    const hash = set?.metadata?.labels?.['pod-template-hash'] ?? '';
    expect(hash).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{1,10}$/);
    expect(set?.metadata).toMatchObject({
      name: `web-${hash}`, labels: { app: 'web', 'pod-template-hash': hash }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: made.metadata?.uid, controller: true, blockOwnerDeletion: true }],
      annotations: { 'deployment.kubernetes.io/revision': '1', 'deployment.kubernetes.io/desired-replicas': '4', 'deployment.kubernetes.io/max-replicas': '5' },
    });
    expect(set?.spec).toMatchObject({ replicas: 4, selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } }, template: { metadata: { labels: { 'pod-template-hash': hash } } } });
    const deployment = await get();
    expect(deployment.metadata?.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' });
    expect(deployment.metadata?.generation).toBe(1);
    expect(deployment.status).toMatchObject({ observedGeneration: 1, replicas: 4, updatedReplicas: 4, readyReplicas: 4, availableReplicas: 4 });
    expect(deployment.status?.unavailableReplicas).toBeUndefined();
    expect(findCondition(deployment.status?.conditions, 'Progressing')).toMatchObject({ status: 'True', reason: 'NewReplicaSetAvailable', message: `ReplicaSet "web-${hash}" has successfully progressed.` });
    expect(findCondition(deployment.status?.conditions, 'Available')).toMatchObject({ status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' });
    expect((await cluster.events('ScalingReplicaSet')).map(({ message }) => message)).toEqual([`Scaled up replica set web-${hash} from 0 to 4`]);
  });

  it('at rest it writes nothing', async () => {
    await cluster.runPods();
    await create();
    const writes = cluster.api.writes.length;
    await cluster.clock.advance(20 * 60_000);
    expect(cluster.api.writes.slice(writes).filter((write) => !write.includes('leases'))).toEqual([]);
  });

  it('a rolling update goes in steps, never above maxSurge nor below maxUnavailable, and ends', async () => {
    await cluster.runPods(() => ({ readyAfterMs: 500, goneAfterMs: 200 }));
    await create({ replicas: 10, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: intOrString(2), maxUnavailable: intOrString(1) } } });
    await update(({ template: each }) => Object.assign(each?.spec?.containers?.[0] ?? {}, { image: 'web:2' }), 0);
    let [most, least] = [0, 10];
    for (let at = 0; at < 400; at++) {
      await cluster.clock.advance(25);
      const living = (await podList()).filter(({ metadata }) => !metadata?.deletionTimestamp);
      most = Math.max(most, living.length);
      least = Math.min(least, living.filter(({ status }) => findCondition(status?.conditions, 'Ready')?.status === 'True').length);
    }
    expect([most, least]).toEqual([12, 9]);
    expect(await sizes()).toEqual({ 'web:1': 0, 'web:2': 10 });
    expect(await revisions()).toEqual({ 'web:1': '1', 'web:2': '2' });
    expect(await condition('Progressing')).toBe('True NewReplicaSetAvailable');
  });

  it('rollback takes the ReplicaSet that is there, gives it the next revision and remembers the former', async () => {
    await cluster.runPods();
    await create();
    await update((spec) => Object.assign(spec, { template: template('web:2') }));
    await update((spec) => Object.assign(spec, { template: template('web:1') }));
    expect(await sizes()).toEqual({ 'web:1': 4, 'web:2': 0 });
    expect(await revisions()).toEqual({ 'web:1': '3', 'web:2': '2' });
    const [first] = await sets();
    expect(first?.metadata?.annotations?.['deployment.kubernetes.io/revision-history']).toBe('1');
    expect((await get()).metadata?.annotations?.['deployment.kubernetes.io/revision']).toBe('3');
  });

  it('annotations are handed on to the new ReplicaSet: the change cause per revision, never what kubectl apply notes', async () => {
    await cluster.runPods();
    await create({}, { 'kubernetes.io/change-cause': 'first', 'kubectl.kubernetes.io/last-applied-configuration': '{}' });
    await update((spec, { metadata }) => {
      Object.assign(spec, { template: template('web:2') });
      Object.assign(metadata?.annotations ?? {}, { 'kubernetes.io/change-cause': 'second' });
    });
    const causes = Object.fromEntries((await sets()).map(({ spec, metadata }) => [spec?.template?.spec?.containers?.[0]?.image, metadata?.annotations]));
    expect([causes['web:1']?.['kubernetes.io/change-cause'], causes['web:2']?.['kubernetes.io/change-cause']]).toEqual(['first', 'second']);
    expect(Object.keys(causes['web:2'] ?? {})).not.toContain('kubectl.kubernetes.io/last-applied-configuration');
  });

  it('keeps revisionHistoryLimit old ReplicaSets, and deletes the oldest beyond', async () => {
    await cluster.runPods();
    await create({ revisionHistoryLimit: 2 });
    for (const image of ['web:2', 'web:3', 'web:4', 'web:5']) await update((spec) => Object.assign(spec, { template: template(image) }));
    expect(await sizes()).toEqual({ 'web:3': 0, 'web:4': 0, 'web:5': 4 });
  });

  it('Recreate: the new pods come when the last of the old is gone', async () => {
    await cluster.runPods(() => ({ goneAfterMs: 5_000 }));
    await create({ strategy: { type: 'Recreate' } });
    await update((spec) => Object.assign(spec, { template: template('web:2') }), 4_000);
    expect(await sizes()).toEqual({ 'web:1': 0 });
    expect((await podList()).every(({ metadata }) => metadata?.deletionTimestamp)).toBe(true);
    await cluster.clock.advance(2_000);
    expect(await sizes()).toEqual({ 'web:1': 0, 'web:2': 4 });
    expect((await get()).status).toMatchObject({ availableReplicas: 4, updatedReplicas: 4 });
  });

  it('paused: a new template waits, a new size does not; resumed, it rolls out', async () => {
    await cluster.runPods();
    await create();
    await update((spec) => Object.assign(spec, { paused: true, template: template('web:2'), replicas: 6 }));
    expect(await sizes()).toEqual({ 'web:1': 6 });
    expect(await condition('Progressing')).toBe('Unknown DeploymentPaused');
    await update((spec) => Object.assign(spec, { paused: false }));
    expect(await sizes()).toEqual({ 'web:1': 0, 'web:2': 6 });
    expect(await condition('Progressing')).toBe('True NewReplicaSetAvailable');
  });

  it('paused in the middle of a rollout, a new size is shared in proportion', async () => {
    await cluster.runPods(({ spec }) => ({ broken: spec?.containers?.[0]?.image === 'web:2' }));
    await create({ replicas: 10, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: intOrString(3), maxUnavailable: intOrString(2) } } });
    await update((spec) => Object.assign(spec, { template: template('web:2') }));
    expect(await sizes()).toEqual({ 'web:1': 8, 'web:2': 5 });
    await update((spec) => Object.assign(spec, { replicas: 15 }));
    // Kubernetes' documented example: 5 more pods, three to the larger and two to the smaller.
    expect(await sizes()).toEqual({ 'web:1': 11, 'web:2': 7 });
  });

  it('minReadySeconds: a rollout waits for pods to have been ready so long', async () => {
    await cluster.runPods();
    await create({ replicas: 1, minReadySeconds: 10, progressDeadlineSeconds: 60 });
    await cluster.clock.advance(15_000);
    await update((spec) => Object.assign(spec, { template: template('web:2') }), 8_000);
    expect(await sizes()).toEqual({ 'web:1': 1, 'web:2': 1 });
    await cluster.clock.advance(5_000);
    expect(await sizes()).toEqual({ 'web:1': 0, 'web:2': 1 });
  });

  describe('a rollout that cannot succeed', () => {
    const stuck = async () => {
      await cluster.runPods(({ spec }) => ({ broken: spec?.containers?.[0]?.image === 'web:bad' }));
      await create({ progressDeadlineSeconds: 60 });
      await update((spec) => Object.assign(spec, { template: template('web:bad') }));
    };

    it('a template that never becomes ready: the old pods stay, and after the deadline the condition says so', async () => {
      await stuck();
      expect(await sizes()).toEqual({ 'web:1': 3, 'web:bad': 2 });
      expect(await condition('Progressing')).toBe('True ReplicaSetUpdated');
      await cluster.clock.advance(65_000);
      expect(await condition('Progressing')).toBe('False ProgressDeadlineExceeded');
      expect(findCondition((await get()).status?.conditions, 'Progressing')?.message).toMatch(/^ReplicaSet "web-.*" has timed out progressing\.$/);
      expect(await condition('Available')).toBe('True MinimumReplicasAvailable');
      const writes = cluster.api.writes.length;
      await cluster.clock.advance(30 * 60_000);
      expect(cluster.api.writes.slice(writes).filter((write) => !write.includes('leases'))).toEqual([]);
    });

    it('undone, it is well at once, and the condition no longer speaks of the deadline', async () => {
      await stuck();
      await cluster.clock.advance(65_000);
      await update((spec) => Object.assign(spec, { template: template() }));
      expect(await sizes()).toEqual({ 'web:1': 4, 'web:bad': 0 });
      expect(await condition('Progressing')).toBe('True NewReplicaSetAvailable');
    });

    it('pods that quota refuses show as ReplicaFailure', async () => {
      for (let at = 0; at < 3; at++) cluster.api.failNext('create', new ApiError('Forbidden', 'exceeded quota: small'), { plural: 'pods' });
      await create();
      await cluster.clock.advance(0);
      expect((await cluster.events('FailedCreate')).length).toBeGreaterThan(0);
      await cluster.clock.advance(60_000);
      expect(await condition('ReplicaFailure')).toBeUndefined();
      cluster.api.failNext('create', new ApiError('Forbidden', 'exceeded quota: small'), { plural: 'pods' });
      for (let at = 0; at < 1_000; at++) cluster.api.failNext('create', new ApiError('Forbidden', 'exceeded quota: small'), { plural: 'pods' });
      await update((spec) => Object.assign(spec, { replicas: 5 }));
      expect(await condition('ReplicaFailure')).toBe('True FailedCreate');
    });

    it('a ReplicaSet that is refused: condition and event, and another attempt later', async () => {
      cluster.api.failNext('create', new ApiError('Forbidden', 'no more of them'), { plural: 'replicasets' });
      await client().create({ metadata: { namespace: 'default', name: 'web' }, spec: { replicas: 1, selector: { matchLabels: labels }, template: template() } });
      await cluster.settle();
      const progressing = findCondition((await get()).status?.conditions, 'Progressing');
      expect(progressing).toMatchObject({ status: 'False', reason: 'ReplicaSetCreateError', message: expect.stringMatching(/^Failed to create new replica set "web-.*": no more of them$/) as string });
      await cluster.clock.advance(1_000);
      expect((await cluster.events('ReplicaSetCreateError')).map(({ type }) => type)).toEqual(['Warning']);
      expect(await sizes()).toEqual({ 'web:1': 1 });
      expect(await condition('Progressing')).toBe('True ReplicaSetUpdated');
    });
  });

  it('a name that is taken by another’s ReplicaSet: the collision is counted and the next hash taken', async () => {
    await cluster.runPods();
    await create();
    const [mine] = await sets();
    await client().delete('default', 'web');
    const { ownerReferences: _owners, resourceVersion: _version, uid: _uid, ...metadata } = mine?.metadata ?? {};
    await cluster.api.client.resource(replicaSets).delete('default', metadata.name ?? '');
    await cluster.api.client.resource(replicaSets).create({ ...mine, metadata: { ...metadata, labels: { app: 'stranger' } } });
    await create();
    expect((await get()).status).toMatchObject({ collisionCount: 1, availableReplicas: 4 });
    expect((await sets()).map(({ metadata: each }) => each?.name)).toHaveLength(2);
  });

  it('a ReplicaSet whose create was not answered is found, not made twice nor taken for a collision', async () => {
    cluster.api.failNext('create', new ApiError('Timeout', 'the outcome is unknown'), { plural: 'replicasets', landed: true });
    await create();
    expect(await sets()).toHaveLength(1);
    expect((await get()).status?.collisionCount).toBeUndefined();
  });

  it('adopts a ReplicaSet that matches, and gives it back when its labels change', async () => {
    await cluster.runPods();
    await cluster.api.client.resource(replicaSets).create({ metadata: { namespace: 'default', name: 'loose', labels }, spec: { replicas: 1, selector: { matchLabels: labels }, template: template() } });
    await create();
    expect(await sizes()).toEqual({ 'web:1': 4 });
    expect((await sets())[0]?.metadata?.ownerReferences?.[0]).toMatchObject({ kind: 'Deployment', name: 'web', controller: true });
    await cluster.api.client.resource(replicaSets).patch('default', 'loose', 'application/merge-patch+json', { metadata: { labels: { app: 'other' } } });
    await cluster.clock.advance(1_000);
    const loose = await cluster.api.client.resource(replicaSets).get('default', 'loose');
    expect(loose.metadata?.ownerReferences ?? []).toEqual([]);
    expect(await sets()).toHaveLength(2);
  });

  it('being deleted, it only counts', async () => {
    await cluster.runPods();
    await create();
    await update((_spec, { metadata }) => Object.assign(metadata ?? {}, { finalizers: ['example.com/hold'] }));
    await client().delete('default', 'web');
    await update((spec) => Object.assign(spec, { replicas: 9, template: template('web:2') }));
    expect(await sizes()).toEqual({ 'web:1': 4 });
  });

  it('several changes in a row end with the last (rollover)', async () => {
    await cluster.runPods(() => ({ readyAfterMs: 2_000, goneAfterMs: 500 }));
    await create({ replicas: 6 });
    for (const image of ['web:2', 'web:3', 'web:4']) await update((spec) => Object.assign(spec, { template: template(image) }), 1_000);
    await cluster.clock.advance(60_000);
    expect(await sizes()).toEqual({ 'web:1': 0, 'web:2': 0, 'web:3': 0, 'web:4': 6 });
    expect((await podList()).map(({ spec }) => spec?.containers?.[0]?.image)).toEqual(Array.from({ length: 6 }, () => 'web:4'));
  });

  it('controllers that die in the middle of a rollout: the next leader ends it', async () => {
    await cluster.runPods(() => ({ readyAfterMs: 1_000, goneAfterMs: 1_000 }));
    await create({ replicas: 8 });
    await cluster.clock.advance(5_000);
    await update((spec) => Object.assign(spec, { template: template('web:2') }), 1_500);
    await cluster.start();
    await cluster.stop(leader);
    await cluster.clock.advance(60_000);
    expect(await sizes()).toEqual({ 'web:1': 0, 'web:2': 8 });
  });
});
