import { controllerRevisions, persistentVolumeClaims, pods, statefulSets, type ApiObject } from '@navarch/api';
import { ApiError, seededRandom, silentLogger } from '@navarch/base';
import { createEventRecorder, type ResourceClient } from '@navarch/client';
import type { StatefulSet, StatefulSetSpec } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { defaultConfig } from '../config';
import { createInformers } from '../informers';
import { ControllerCluster } from '../testing/cluster';
import type { PodBehaviour } from '../testing/pod-runner';
import { startStatefulSets } from './stateful-set.controller';

const labels = { app: 'db' };
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'main', image }] } });
const data = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: { string: '1Gi' } } } } };
const ownersOf = ({ metadata }: ApiObject): string[] => (metadata?.ownerReferences ?? []).map(({ kind, name, controller }) => `${kind}/${name}${controller ? '!' : ''}`);
/** The client's methods, still bound to it when they are spread. */
function bound<T extends ApiObject>(client: ResourceClient<T>): ResourceClient<T> {
  return {
    get: (...args) => client.get(...args), list: (...args) => client.list(...args), watch: (...args) => client.watch(...args), create: (...args) => client.create(...args),
    update: (...args) => client.update(...args), updateStatus: (...args) => client.updateStatus(...args), patch: (...args) => client.patch(...args), delete: (...args) => client.delete(...args),
  };
}

describe('StatefulSet', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
  });
  afterEach(() => cluster.close());

  const sets = () => cluster.api.client.resource(statefulSets);
  const podClient = () => cluster.api.client.resource(pods);
  const claims = () => cluster.api.client.resource(persistentVolumeClaims);
  const revisions = () => cluster.api.client.resource(controllerRevisions);
  const create = async (spec: Partial<StatefulSetSpec> = {}): Promise<StatefulSet> => {
    const made = await sets().create({
      metadata: { namespace: 'default', name: 'db' },
      spec: { replicas: 3, serviceName: 'dbs', selector: { matchLabels: labels }, template: template('db:1'), ...spec },
    });
    await cluster.clock.advance(1_000);
    return made;
  };
  const change = async (spec: Partial<StatefulSetSpec>): Promise<void> => {
    const set = structuredClone(await sets().get('default', 'db'));
    await sets().update({ ...set, spec: { ...set.spec, ...spec } });
    await cluster.clock.advance(1_000);
  };
  const status = async () => (await sets().get('default', 'db')).status ?? {};
  const pod = (name: string) => podClient().get('default', name);
  const imageOf = ({ spec }: Pod) => spec?.containers?.[0]?.image;
  const images = async () => Object.fromEntries((await podClient().list()).items.map((one) => [one.metadata?.name, imageOf(one)]));
  const claimNames = async () => (await claims().list()).items.map(({ metadata }) => metadata?.name).sort();
  const history = async () => (await revisions().list()).items.map(({ revision, metadata }) => `${revision} ${metadata?.name}`).sort();
  const started = () => cluster.api.writes.filter((write) => write.startsWith('create pods ')).map((write) => write.split('/')[1]);

  describe('identity', () => {
    it('each pod has its ordinal’s name, host name, subdomain, labels and claim', async () => {
      await cluster.runPods();
      const set = await create({ replicas: 1, ordinals: { start: 5 }, volumeClaimTemplates: [data] });
      const made = await pod('db-5');
      expect(made.spec).toMatchObject({ hostname: 'db-5', subdomain: 'dbs', volumes: [{ name: 'data', volumeSource: { persistentVolumeClaim: { claimName: 'data-db-5' } } }] });
      expect(made.metadata?.labels).toEqual({
        ...labels, 'statefulset.kubernetes.io/pod-name': 'db-5', 'apps.kubernetes.io/pod-index': '5', 'controller-revision-hash': (await status()).updateRevision,
      });
      expect(made.metadata?.ownerReferences).toEqual([{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: set.metadata?.uid, controller: true, blockOwnerDeletion: true }]);
      expect((await claims().get('default', 'data-db-5')).metadata?.labels).toEqual(labels);
      expect((await cluster.events('SuccessfulCreate')).map(({ message }) => message).sort()).toEqual(['create Claim data-db-5 in StatefulSet db success', 'create Pod db-5 in StatefulSet db successful']);
    });

    it('a claim takes the place of the template’s volume of its name, and is made before the pod', async () => {
      await create({ replicas: 1, volumeClaimTemplates: [data], template: { ...template('db:1'), spec: { ...template('db:1').spec, volumes: [{ name: 'data', volumeSource: { emptyDir: {} } }, { name: 'tmp', volumeSource: { emptyDir: {} } }] } } });
      expect((await pod('db-0')).spec?.volumes?.map(({ name, volumeSource }) => [name, Object.keys(volumeSource ?? {})])).toEqual([['data', ['persistentVolumeClaim']], ['tmp', ['emptyDir']]]);
      const writes = cluster.api.writes.filter((write) => /create (pods|persistentvolumeclaims)/.test(write));
      expect(writes).toEqual(['create persistentvolumeclaims default/data-db-0', 'create pods default/db-0']);
    });

    it('labels of identity that are lost come back', async () => {
      await cluster.runPods();
      await create({ replicas: 1 });
      await podClient().patch('default', 'db-0', 'application/merge-patch+json', { metadata: { labels: { 'apps.kubernetes.io/pod-index': null } } });
      await cluster.clock.advance(1_000);
      expect((await pod('db-0')).metadata?.labels?.['apps.kubernetes.io/pod-index']).toBe('0');
    });

    it('an orphan with a name of the set’s making is adopted, others and those of a foreign owner are left alone', async () => {
      await cluster.runPods();
      const orphan = (name: string, owner?: string) => podClient().create({
        metadata: { namespace: 'default', name, labels, ...(owner && { ownerReferences: [{ apiVersion: 'x/v1', kind: 'X', name: owner, uid: owner, controller: true }] }) },
        spec: { containers: [{ name: 'main', image: 'x' }] },
      });
      await orphan('db-0');
      await orphan('db-01');
      await orphan('other');
      await orphan('db-1', 'foreign');
      await create({ replicas: 2, updateStrategy: { type: 'OnDelete' } });
      expect(ownersOf(await pod('db-0'))).toEqual(['StatefulSet/db!']);
      expect([ownersOf(await pod('db-01')), ownersOf(await pod('other')), ownersOf(await pod('db-1'))]).toEqual([[], [], ['X/foreign!']]);
      expect((await cluster.events('FailedCreate'))[0]?.message).toContain('create Pod db-1 in StatefulSet db failed error');
      expect((await status()).conditions?.[0]).toMatchObject({ type: 'ReplicaFailure', status: 'True' });
      expect((await status()).replicas).toBe(1);
    });
  });

  describe('order', () => {
    it('OrderedReady makes each pod when the one before is ready, and deletes from the top, one after the other', async () => {
      await cluster.runPods(() => ({ readyAfterMs: 10_000, goneAfterMs: 10_000 }));
      await create();
      expect(await cluster.podNames()).toEqual(['db-0']);
      await cluster.clock.advance(10_000);
      expect(await cluster.podNames()).toEqual(['db-0', 'db-1']);
      await cluster.clock.advance(30_000);
      expect(await cluster.podNames()).toEqual(['db-0', 'db-1', 'db-2']);
      await change({ replicas: 1 });
      const going = async () => (await podClient().list()).items.filter(({ metadata }) => metadata?.deletionTimestamp).map(({ metadata }) => metadata?.name);
      expect(await going()).toEqual(['db-2']);
      await cluster.clock.advance(10_000);
      expect([await cluster.podNames(), await going()]).toEqual([['db-0', 'db-1'], ['db-1']]);
      await cluster.clock.advance(20_000);
      expect(await cluster.podNames()).toEqual(['db-0']);
    });

    it('OrderedReady waits until a pod has been ready for minReadySeconds, and looks again by itself', async () => {
      await cluster.runPods();
      await create({ replicas: 2, minReadySeconds: 30 });
      await cluster.clock.advance(20_000);
      expect([await cluster.podNames(), (await status()).readyReplicas, (await status()).availableReplicas]).toEqual([['db-0'], 1, undefined]);
      await cluster.clock.advance(12_000);
      expect([await cluster.podNames(), (await status()).availableReplicas]).toEqual([['db-0', 'db-1'], 1]);
    });

    it('Parallel makes and deletes all at once, however slow they are', async () => {
      await cluster.runPods(() => ({ broken: true, goneAfterMs: 60_000 }));
      await create({ podManagementPolicy: 'Parallel' });
      expect(await cluster.podNames()).toEqual(['db-0', 'db-1', 'db-2']);
      await change({ replicas: 0 });
      expect((await podClient().list()).items.every(({ metadata }) => metadata?.deletionTimestamp)).toBe(true);
    });

    it('other ordinals take over when their start moves', async () => {
      await cluster.runPods();
      await create({ replicas: 2 });
      await change({ ordinals: { start: 1 } });
      await cluster.clock.advance(1_000);
      expect(await cluster.podNames()).toEqual(['db-1', 'db-2']);
    });

    it.each(['Failed', 'Succeeded'])('a pod that %s is deleted and made anew', async (phase) => {
      await cluster.runPods();
      await create({ replicas: 1 });
      const before = await pod('db-0');
      await podClient().updateStatus({ ...before, status: { ...before.status, phase } });
      await cluster.clock.advance(1_000);
      const after = await pod('db-0');
      expect([after.metadata?.uid === before.metadata?.uid, after.status?.phase]).toEqual([false, 'Running']);
    });

    it('a pod on a lost node keeps its place until it is really gone', async () => {
      await cluster.runPods(() => ({ goneAfterMs: 3_600_000 }));
      await create({ replicas: 2 });
      const before = await pod('db-0');
      await podClient().delete('default', 'db-0');
      await cluster.clock.advance(600_000);
      expect([(await pod('db-0')).metadata?.uid, started()]).toEqual([before.metadata?.uid, ['db-0', 'db-1']]);
      await podClient().delete('default', 'db-0', { deleteOptions: { gracePeriodSeconds: 0 } });
      await cluster.clock.advance(1_000);
      expect((await pod('db-0')).metadata?.uid).not.toBe(before.metadata?.uid);
    });
  });

  describe('updates', () => {
    let behaviour: (pod: Pod) => PodBehaviour;
    beforeEach(async () => {
      behaviour = () => ({});
      await cluster.runPods((one) => behaviour(one));
    });
    const brokenBy = (image: string) => (one: Pod): PodBehaviour => ({ broken: imageOf(one) === image });
    const waiting = async (name: string, reason: string): Promise<void> => {
      const broken = await pod(name);
      await podClient().updateStatus({ ...broken, status: { ...broken.status, containerStatuses: [{ name: 'main', ready: false, state: { waiting: { reason } } }] } });
      await cluster.clock.advance(1_000);
    };

    it('a rolling update replaces pods from the top, each when the one above is available, and ends with one revision', async () => {
      await create();
      const before = await status();
      behaviour = () => ({ readyAfterMs: 10_000 });
      await change({ template: template('db:2') });
      expect(await images()).toEqual({ 'db-0': 'db:1', 'db-1': 'db:1', 'db-2': 'db:2' });
      expect(await status()).toMatchObject({ currentRevision: before.currentRevision, updatedReplicas: 1, currentReplicas: 2, readyReplicas: 2, observedGeneration: 2 });
      await cluster.clock.advance(10_000);
      expect(await images()).toEqual({ 'db-0': 'db:1', 'db-1': 'db:2', 'db-2': 'db:2' });
      await cluster.clock.advance(30_000);
      const after = await status();
      expect(after.updateRevision).not.toBe(before.updateRevision);
      expect(after).toEqual({ observedGeneration: 2, replicas: 3, readyReplicas: 3, availableReplicas: 3, currentReplicas: 3, updatedReplicas: 3, currentRevision: after.updateRevision, updateRevision: after.updateRevision });
      expect(await images()).toEqual({ 'db-0': 'db:2', 'db-1': 'db:2', 'db-2': 'db:2' });
    });

    it('below the partition pods keep their revision, also when they are made anew', async () => {
      await create({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } });
      await change({ template: template('db:2') });
      await podClient().delete('default', 'db-0', { deleteOptions: { gracePeriodSeconds: 0 } });
      await cluster.clock.advance(1_000);
      expect(await images()).toEqual({ 'db-0': 'db:1', 'db-1': 'db:1', 'db-2': 'db:2' });
      expect((await status()).currentRevision).not.toBe((await status()).updateRevision);
      await change({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } });
      await cluster.clock.advance(1_000);
      expect(await images()).toEqual({ 'db-0': 'db:2', 'db-1': 'db:2', 'db-2': 'db:2' });
    });

    it('OnDelete replaces a pod only when somebody deletes it', async () => {
      await create({ updateStrategy: { type: 'OnDelete' } });
      await change({ template: template('db:2') });
      await cluster.clock.advance(60_000);
      expect(await images()).toEqual({ 'db-0': 'db:1', 'db-1': 'db:1', 'db-2': 'db:1' });
      await podClient().delete('default', 'db-1', { deleteOptions: { gracePeriodSeconds: 0 } });
      await cluster.clock.advance(1_000);
      expect(await images()).toEqual({ 'db-0': 'db:1', 'db-1': 'db:2', 'db-2': 'db:1' });
    });

    it('maxUnavailable pods are replaced at a time', async () => {
      await create({ replicas: 4, podManagementPolicy: 'Parallel', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: { type: 1, strVal: '50%' } } } });
      behaviour = () => ({ readyAfterMs: 10_000 });
      await change({ template: template('db:2') });
      expect([await images(), (await status()).readyReplicas]).toEqual([{ 'db-0': 'db:1', 'db-1': 'db:1', 'db-2': 'db:2', 'db-3': 'db:2' }, 2]);
      await cluster.clock.advance(20_000);
      expect(Object.values(await images())).toEqual(['db:2', 'db:2', 'db:2', 'db:2']);
    });

    it('a broken template goes no further than one pod', async () => {
      await create();
      behaviour = brokenBy('broken');
      await change({ template: template('broken') });
      await cluster.clock.advance(600_000);
      expect(await images()).toEqual({ 'db-0': 'db:1', 'db-1': 'db:1', 'db-2': 'broken' });
    });

    it.each(['ImagePullBackOff', 'CrashLoopBackOff'])('a pod stuck in %s is replaced when the template is mended', async (reason) => {
      await create();
      behaviour = brokenBy('broken');
      await change({ template: template('broken') });
      await waiting('db-2', reason);
      expect((await images())['db-2']).toBe('broken');
      await change({ template: template('db:1') });
      await cluster.clock.advance(1_000);
      expect(await images()).toEqual({ 'db-0': 'db:1', 'db-1': 'db:1', 'db-2': 'db:1' });
      expect((await status()).readyReplicas).toBe(3);
    });

    it('rollback makes the earlier revision the latest, and the history is kept to its limit', async () => {
      await create({ revisionHistoryLimit: 1 });
      const first = (await status()).updateRevision;
      for (const image of ['db:2', 'db:3']) {
        await change({ template: template(image) });
        await cluster.clock.advance(5_000);
      }
      expect((await history()).map((line) => line.split(' ')[0])).toEqual(['2', '3']);
      const second = (await history())[0]?.split(' ')[1] ?? '';
      await change({ template: template('db:2') });
      await cluster.clock.advance(5_000);
      expect((await status()).updateRevision).toBe(second);
      expect((await history()).map((line) => line.split(' ')[0])).toEqual(['3', '4']);
      expect(first).not.toBe(second);
      expect(Object.values(await images())).toEqual(['db:2', 'db:2', 'db:2']);
    });

    it('revisions bear the template’s labels, the set’s annotations and its ownership, for kubectl rollout history', async () => {
      await sets().create({
        metadata: { namespace: 'default', name: 'db', annotations: { 'kubernetes.io/change-cause': 'because' } },
        spec: { replicas: 0, selector: { matchLabels: labels }, template: template('db:1') },
      });
      await cluster.clock.advance(1_000);
      const [revision] = (await revisions().list()).items;
      expect(revision?.metadata).toMatchObject({ labels, annotations: { 'kubernetes.io/change-cause': 'because' } });
      expect(revision && ownersOf(revision)).toEqual(['StatefulSet/db!']);
    });
  });

  describe('claims', () => {
    beforeEach(() => cluster.runPods(() => ({ goneAfterMs: 5_000 })));
    const policy = (whenDeleted: string, whenScaled: string): Partial<StatefulSetSpec> => ({ volumeClaimTemplates: [data], persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } });
    const owners = async () => Object.fromEntries((await claims().list()).items.map((claim) => [claim.metadata?.name, ownersOf(claim)]));

    it('outlive their pods and wait for those that come later', async () => {
      await create({ volumeClaimTemplates: [data] });
      await change({ replicas: 1 });
      await cluster.clock.advance(20_000);
      expect([await cluster.podNames(), await claimNames(), await owners()]).toEqual([['db-0'], ['data-db-0', 'data-db-1', 'data-db-2'], { 'data-db-0': [], 'data-db-1': [], 'data-db-2': [] }]);
    });

    it.each([
      ['Retain', 'Retain', [], []],
      ['Delete', 'Retain', ['StatefulSet/db!'], ['StatefulSet/db!']],
      ['Retain', 'Delete', [], ['Pod/db-1!']],
      ['Delete', 'Delete', ['StatefulSet/db!'], ['Pod/db-1!']],
    ])('whenDeleted %s and whenScaled %s: a claim belongs to %j, that of a pod to go to %j', async (whenDeleted, whenScaled, kept, condemned) => {
      await create({ replicas: 2, ...policy(whenDeleted, whenScaled) });
      expect((await owners())['data-db-1']).toEqual(kept);
      await change({ replicas: 1 });
      expect((await pod('db-1')).metadata?.deletionTimestamp).toBeDefined();
      expect(await owners()).toEqual({ 'data-db-0': kept, 'data-db-1': condemned });
    });

    it('the policy can change while pods run', async () => {
      await create({ replicas: 1, ...policy('Delete', 'Retain') });
      await change(policy('Retain', 'Retain'));
      expect(await owners()).toEqual({ 'data-db-0': [] });
    });

    it('a pod waits while the claim of its ordinal is being deleted, and says so', async () => {
      await claims().create({ metadata: { namespace: 'default', name: 'data-db-0', finalizers: ['example.com/hold'] }, spec: data.spec });
      await claims().delete('default', 'data-db-0');
      await create({ replicas: 1, volumeClaimTemplates: [data] });
      expect([await cluster.podNames(), (await status()).conditions?.[0]?.message]).toEqual([[], expect.stringContaining('data-db-0')]);
      await claims().patch('default', 'data-db-0', 'application/merge-patch+json', { metadata: { finalizers: null } });
      await cluster.clock.advance(1_000);
      expect([await cluster.podNames(), (await status()).conditions]).toEqual([['db-0'], undefined]);
    });

    it('a claim of another controller is used and left as it is', async () => {
      const ownerReferences = [{ apiVersion: 'x/v1', kind: 'X', name: 'x', uid: 'x', controller: true }];
      await claims().create({ metadata: { namespace: 'default', name: 'data-db-0', ownerReferences }, spec: data.spec });
      await create({ replicas: 1, ...policy('Delete', 'Delete') });
      expect([await cluster.podNames(), await owners()]).toEqual([['db-0'], { 'data-db-0': ['X/x!'] }]);
    });
  });

  describe('faults', () => {
    it('a refused pod is told by event and condition, tried again ever more rarely, and made when there is room', async () => {
      await cluster.runPods();
      const refuse = () => cluster.api.failNext('create', new ApiError('Forbidden', 'exceeded quota: few'), { plural: 'pods' });
      for (let n = 0; n < 200; n++) refuse();
      await create({ replicas: 1 });
      await cluster.clock.advance(300_000);
      const { conditions } = await status();
      expect(conditions?.[0]).toMatchObject({ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: few' });
      expect((await cluster.events('FailedCreate'))[0]?.message).toBe('create Pod db-0 in StatefulSet db failed error: exceeded quota: few');
      expect((await cluster.events('FailedCreate')).reduce((sum, { count = 1 }) => sum + count, 0)).toBeLessThan(40);
    });

    it('a create whose answer is lost makes one pod', async () => {
      await cluster.runPods();
      cluster.api.failNext('create', new ApiError('Timeout', 'lost'), { plural: 'pods', landed: true });
      await create({ replicas: 1 });
      expect(started()).toEqual(['db-0']);
      expect((await status()).readyReplicas).toBe(1);
    });

    it('nothing is deleted, and no claim given away, for a size that is no longer wanted when the API is asked', async () => {
      await cluster.close();
      cluster = new ControllerCluster();
      const { client } = cluster.api;
      let onRead: (() => Promise<unknown>) | undefined;
      await cluster.start({}, {
        ...client,
        resource: (kind) => {
          const real = client.resource(kind);
          if (kind.plural !== 'statefulsets') return real;
          const get: typeof real.get = async (...args) => {
            await onRead?.();
            onRead = undefined;
            return real.get(...args);
          };
          return { ...bound(real), get };
        },
      });
      await cluster.runPods();
      await create({ volumeClaimTemplates: [data], persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Delete' } });
      await cluster.clock.advance(5_000);
      const scaledUpMeanwhile = jest.fn(() => sets().patch('default', 'db', 'application/merge-patch+json', { spec: { replicas: 3 } }));
      onRead = scaledUpMeanwhile;
      await change({ replicas: 1 });
      await cluster.clock.advance(5_000);
      expect(scaledUpMeanwhile).toHaveBeenCalledTimes(1);
      expect(await cluster.podNames()).toEqual(['db-0', 'db-1', 'db-2']);
      expect((await claims().list()).items.flatMap(ownersOf)).toEqual([]);
      expect(cluster.api.writes.filter((write) => write.startsWith('delete pods'))).toEqual([]);
    });

    it('two leaders at once never make two pods of one ordinal, and never delete one for the other', async () => {
      const stop = new AbortController();
      const { api: { client }, clock } = cluster;
      const common = { client, clock, random: seededRandom(7), logger: silentLogger };
      const informers = createInformers(common);
      for (const informer of Object.values(informers)) informer.start(stop.signal);
      const recorder = createEventRecorder({ ...common, component: 'second' });
      const second = startStatefulSets({ ...common, informers, recorder, config: defaultConfig, resources: () => [] }, stop.signal);
      await cluster.runPods(() => ({ readyAfterMs: 2_000, goneAfterMs: 2_000 }));
      await create();
      await cluster.clock.advance(10_000);
      await change({ template: template('db:2') });
      await cluster.clock.advance(30_000);
      expect(await images()).toEqual({ 'db-0': 'db:2', 'db-1': 'db:2', 'db-2': 'db:2' });
      expect(started()).toEqual(['db-0', 'db-1', 'db-2', 'db-2', 'db-1', 'db-0']);
      expect((await history()).map((line) => line.split(' ')[0])).toEqual(['1', '2']);
      stop.abort(new Error('over'));
      await second.done;
    });

    it('a set that is being deleted makes nothing', async () => {
      await sets().create({ metadata: { namespace: 'default', name: 'db', finalizers: ['example.com/hold'] }, spec: { replicas: 0, selector: { matchLabels: labels }, template: template('db:1') } });
      await sets().delete('default', 'db');
      await change({ replicas: 2 });
      expect(await cluster.podNames()).toEqual([]);
    });
  });
});
