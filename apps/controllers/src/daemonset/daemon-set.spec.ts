import { controllerRevisions, daemonSets, nodes, pods, type ApiObject } from '@navarch/api';
import { ApiError, seededRandom, silentLogger } from '@navarch/base';
import { createEventRecorder } from '@navarch/client';
import type { DaemonSet, DaemonSetSpec } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod, PodSpec, Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

import { defaultConfig } from '../config';
import { createInformers } from '../informers';
import { ControllerCluster } from '../testing/cluster';
import { PodRunner, type PodBehaviour } from '../testing/pod-runner';
import { nodeOf } from './daemon-pod';
import { startDaemonSets } from './daemon-set.controller';

const labels = { app: 'agent' };
const template = (image: string, spec: Partial<PodSpec> = {}) => ({ metadata: { labels }, spec: { containers: [{ name: 'main', image }], ...spec } });
const rolling = (maxUnavailable: number | string, maxSurge: number | string): DaemonSetSpec['updateStrategy'] => {
  const value = (of: number | string) => (typeof of === 'number' ? { type: 0, intVal: of } : { type: 1, strVal: of });
  return { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: value(maxUnavailable), maxSurge: value(maxSurge) } };
};
const imageOf = ({ spec }: Pod) => spec?.containers?.[0]?.image;
const ownersOf = ({ metadata }: ApiObject): string[] => (metadata?.ownerReferences ?? []).map(({ kind, name, controller }) => `${kind}/${name}${controller ? '!' : ''}`);

describe('DaemonSet', () => {
  let cluster: ControllerCluster;
  let runner: PodRunner;
  let behaviour: (pod: Pod) => PodBehaviour;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    behaviour = () => ({});
    await cluster.start();
    for (const name of ['a', 'b', 'c']) await cluster.addNode(name, { labels: { zone: name } });
    runner = new PodRunner(cluster, 'nowhere', (pod) => ({ node: nodeOf(pod), ...behaviour(pod) }));
  });
  afterEach(async () => {
    await runner.close();
    await cluster.close();
  });

  const sets = () => cluster.api.client.resource(daemonSets);
  const podClient = () => cluster.api.client.resource(pods);
  const create = async (spec: Partial<DaemonSetSpec> = {}): Promise<DaemonSet> => {
    const made = await sets().create({ metadata: { namespace: 'default', name: 'agent' }, spec: { selector: { matchLabels: labels }, template: template('agent:1'), ...spec } });
    await cluster.clock.advance(1_000);
    return made;
  };
  const change = async (spec: Partial<DaemonSetSpec>): Promise<void> => {
    const set = structuredClone(await sets().get('default', 'agent'));
    await sets().update({ ...set, spec: { ...set.spec, ...spec } });
    await cluster.clock.advance(1_000);
  };
  const status = async () => (await sets().get('default', 'agent')).status ?? {};
  const all = async () => (await podClient().list()).items;
  const podOn = async (node: string) => (await all()).find((pod) => nodeOf(pod) === node) ?? {};
  /** `node image` of each pod that is not going. */
  const placed = async () => (await all()).filter(({ metadata }) => !metadata?.deletionTimestamp).map((pod) => `${nodeOf(pod)} ${imageOf(pod)}`).sort();
  const taint = async (name: string, taints: Taint[]): Promise<void> => {
    const node = await cluster.node(name);
    await cluster.api.client.resource(nodes).update({ ...node, spec: { ...node.spec, taints } });
    await cluster.clock.advance(1_000);
  };
  const writesOf = (verb: string) => cluster.api.writes.filter((write) => write.startsWith(`${verb} pods `));

  describe('where it runs', () => {
    it('every node gets one pod, which the scheduler can put nowhere else', async () => {
      const set = await create();
      expect(await placed()).toEqual(['a agent:1', 'b agent:1', 'c agent:1']);
      const { metadata, spec } = await podOn('b');
      expect(spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution).toEqual({ nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }] });
      expect(metadata?.name).toMatch(/^agent-[a-z0-9]+$/);
      expect(metadata?.ownerReferences).toEqual([{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: set.metadata?.uid, controller: true, blockOwnerDeletion: true }]);
      expect(metadata?.labels).toMatchObject({ ...labels, 'pod-template-generation': '1' });
      expect(await status()).toEqual({ observedGeneration: 1, desiredNumberScheduled: 3, currentNumberScheduled: 3, updatedNumberScheduled: 3, numberReady: 3, numberAvailable: 3 });
    });

    it('its pods tolerate what nodes suffer from, with the host’s network also that there is none', async () => {
      await create({ template: template('agent:1', { hostNetwork: true, tolerations: [{ key: 'mine', operator: 'Exists' }] }) });
      const tolerations = ((await podOn('a')).spec?.tolerations ?? []).map(({ key, effect }) => `${key?.replace('node.kubernetes.io/', '')}:${effect ?? ''}`);
      expect(tolerations).toEqual([
        'mine:', 'not-ready:NoExecute', 'unreachable:NoExecute', 'disk-pressure:NoSchedule', 'memory-pressure:NoSchedule', 'pid-pressure:NoSchedule', 'unschedulable:NoSchedule', 'network-unavailable:NoSchedule',
      ]);
    });

    it('only nodes that nodeSelector and affinity name get a pod', async () => {
      await create({ template: template('agent:1', { nodeSelector: { zone: 'b' } }) });
      expect(await placed()).toEqual(['b agent:1']);
      expect((await status()).desiredNumberScheduled).toBe(1);
    });

    it('a node that comes gets a pod at once, one that goes is not counted', async () => {
      await create();
      await cluster.addNode('d');
      await cluster.clock.advance(100);
      expect(await placed()).toEqual(['a agent:1', 'b agent:1', 'c agent:1', 'd agent:1']);
      await cluster.api.client.resource(nodes).delete('', 'd');
      await cluster.clock.advance(100);
      expect((await status()).desiredNumberScheduled).toBe(3);
    });

    it('a node that is relabelled gains or loses its pod', async () => {
      await create({ template: template('agent:1', { nodeSelector: { zone: 'b' } }) });
      const relabel = async (name: string, zone: string) => {
        await cluster.api.client.resource(nodes).patch('', name, 'application/merge-patch+json', { metadata: { labels: { zone } } });
        await cluster.clock.advance(100);
      };
      await relabel('a', 'b');
      expect(await placed()).toEqual(['a agent:1', 'b agent:1']);
      await relabel('b', 'x');
      expect(await placed()).toEqual(['a agent:1']);
    });

    it('a NoSchedule taint keeps new pods away and counts what is there as misscheduled, a NoExecute taint drives it off', async () => {
      await create();
      await taint('a', [{ key: 'reserved', effect: 'NoSchedule' }]);
      expect([await placed(), await status()]).toEqual([['a agent:1', 'b agent:1', 'c agent:1'], expect.objectContaining({ desiredNumberScheduled: 2, numberMisscheduled: 1 })]);
      await podClient().delete('default', (await podOn('a')).metadata?.name ?? '', { deleteOptions: { gracePeriodSeconds: 0 } });
      await taint('b', [{ key: 'reserved', effect: 'NoExecute' }]);
      expect(await placed()).toEqual(['c agent:1']);
      await taint('a', []);
      expect(await placed()).toEqual(['a agent:1', 'c agent:1']);
    });

    it('a cordoned node keeps its pod and gets a new one', async () => {
      await create();
      await cluster.api.client.resource(nodes).patch('', 'a', 'application/merge-patch+json', { spec: { unschedulable: true } });
      await cluster.clock.advance(1_000);
      expect(await cluster.taintsOf('a')).toEqual(['unschedulable:NoSchedule']);
      await podClient().delete('default', (await podOn('a')).metadata?.name ?? '', { deleteOptions: { gracePeriodSeconds: 0 } });
      await cluster.clock.advance(1_000);
      expect(await placed()).toContain('a agent:1');
    });

    it('a selector that matches no node wants nothing and says so', async () => {
      await create({ template: template('agent:1', { nodeSelector: { zone: 'nowhere' } }) });
      expect([await placed(), await status()]).toEqual([[], { observedGeneration: 1 }]);
    });
  });

  describe('pods that are wrong', () => {
    it('of two on one node the older stays', async () => {
      await create();
      const first = await podOn('a');
      const { name: _name, uid: _uid, ...metadata } = first.metadata ?? {};
      await podClient().create({ metadata: { namespace: 'default', name: 'double', labels: metadata.labels ?? {}, ownerReferences: metadata.ownerReferences ?? [] }, spec: { ...first.spec, nodeName: 'a' } });
      await cluster.clock.advance(1_000);
      expect((await all()).filter((pod) => nodeOf(pod) === 'a').map((pod) => pod.metadata?.uid)).toEqual([first.metadata?.uid]);
    });

    it('one that fails is replaced at once, then ever more rarely, and events tell', async () => {
      await create();
      const fail = async (): Promise<string | undefined> => {
        const pod = await podOn('a');
        await podClient().updateStatus({ ...pod, status: { ...pod.status, phase: 'Failed' } });
        await cluster.clock.advance(100);
        return pod.metadata?.uid;
      };
      const first = await fail();
      expect((await podOn('a')).metadata?.uid).not.toBe(first);
      const second = await fail();
      expect((await podOn('a')).metadata?.uid).toBe(second);
      await cluster.clock.advance(1_000);
      expect((await podOn('a')).metadata?.uid).not.toBe(second);
      const third = await fail();
      await cluster.clock.advance(1_000);
      expect((await podOn('a')).metadata?.uid).toBe(third);
      await cluster.clock.advance(1_000);
      expect((await podOn('a')).metadata?.uid).not.toBe(third);
      expect((await cluster.events('FailedDaemonPod'))[0]?.message).toMatch(/^Found failed daemon pod default\/agent-.* on node a, will try to kill it$/);
    });

    it('one that ended well is made anew', async () => {
      await create();
      const before = await podOn('a');
      await podClient().updateStatus({ ...before, status: { ...before.status, phase: 'Succeeded' } });
      await cluster.clock.advance(1_000);
      expect((await podOn('a')).metadata?.uid).not.toBe(before.metadata?.uid);
      expect(await cluster.events('SucceededDaemonPod')).toHaveLength(1);
    });

    it('one meant for a node that went before it got there is deleted', async () => {
      await runner.close();
      await create();
      const waiting = (await all()).length;
      await cluster.api.client.resource(nodes).delete('', 'c');
      await cluster.clock.advance(1_000);
      expect([waiting, (await all()).map(nodeOf).sort()]).toEqual([3, ['a', 'b']]);
    });

    it('foreign pods and those of another controller are left alone', async () => {
      const ownerReferences = [{ apiVersion: 'x/v1', kind: 'X', name: 'x', uid: 'x', controller: true }];
      await podClient().create({ metadata: { namespace: 'default', name: 'foreign', labels, ownerReferences }, spec: { nodeName: 'a', containers: [{ name: 'main', image: 'x' }] } });
      await create();
      expect(await placed()).toEqual(['a agent:1', 'a x', 'b agent:1', 'c agent:1']);
      expect(ownersOf(await podClient().get('default', 'foreign'))).toEqual(['X/x!']);
    });
  });

  describe('updates', () => {
    it('RollingUpdate replaces maxUnavailable pods at a time, the next when those are available', async () => {
      await create();
      behaviour = () => ({ readyAfterMs: 10_000 });
      await change({ template: template('agent:2') });
      expect([await placed(), await status()]).toEqual([['a agent:2', 'b agent:1', 'c agent:1'], expect.objectContaining({ updatedNumberScheduled: 1, numberAvailable: 2, numberUnavailable: 1, observedGeneration: 2 })]);
      await cluster.clock.advance(10_000);
      expect(await placed()).toEqual(['a agent:2', 'b agent:2', 'c agent:1']);
      await cluster.clock.advance(20_000);
      expect([await placed(), await status()]).toEqual([['a agent:2', 'b agent:2', 'c agent:2'], { observedGeneration: 2, desiredNumberScheduled: 3, currentNumberScheduled: 3, updatedNumberScheduled: 3, numberReady: 3, numberAvailable: 3 }]);
    });

    it('pods that are not available are replaced at once, and count', async () => {
      behaviour = (pod) => ({ broken: nodeOf(pod) === 'c' });
      await create();
      behaviour = () => ({ readyAfterMs: 10_000 });
      await change({ template: template('agent:2') });
      expect(await placed()).toEqual(['a agent:1', 'b agent:1', 'c agent:2']);
    });

    it('with surge a new pod comes beside the old, which goes when the new one is available for minReadySeconds', async () => {
      await create({ updateStrategy: rolling(0, 1), minReadySeconds: 5 });
      await cluster.clock.advance(10_000);
      await change({ template: template('agent:2') });
      expect([await placed(), (await status()).numberAvailable]).toEqual([['a agent:1', 'a agent:2', 'b agent:1', 'c agent:1'], 3]);
      await cluster.clock.advance(4_500);
      expect(await placed()).toEqual(['a agent:2', 'b agent:1', 'b agent:2', 'c agent:1']);
      await cluster.clock.advance(15_000);
      expect([await placed(), (await status()).updatedNumberScheduled]).toEqual([['a agent:2', 'b agent:2', 'c agent:2'], 3]);
    });

    it('a broken template takes no more than maxUnavailable pods', async () => {
      await create({ updateStrategy: rolling('50%', 0) });
      behaviour = (pod) => ({ broken: imageOf(pod) === 'broken' });
      await change({ template: template('broken') });
      await cluster.clock.advance(600_000);
      expect(await placed()).toEqual(['a broken', 'b broken', 'c agent:1']);
      await change({ template: template('agent:1') });
      await cluster.clock.advance(5_000);
      expect(await placed()).toEqual(['a agent:1', 'b agent:1', 'c agent:1']);
    });

    it('OnDelete replaces a pod only when somebody deletes it', async () => {
      await create({ updateStrategy: { type: 'OnDelete' } });
      await change({ template: template('agent:2') });
      await cluster.clock.advance(60_000);
      expect(await placed()).toEqual(['a agent:1', 'b agent:1', 'c agent:1']);
      await podClient().delete('default', (await podOn('b')).metadata?.name ?? '', { deleteOptions: { gracePeriodSeconds: 0 } });
      await cluster.clock.advance(1_000);
      expect(await placed()).toEqual(['a agent:1', 'b agent:2', 'c agent:1']);
    });

    it('history is kept to its limit, and a state that comes back is the latest again', async () => {
      await create({ revisionHistoryLimit: 1 });
      const revisions = async () => (await cluster.api.client.resource(controllerRevisions).list()).items.sort((left, right) => (left.revision ?? 0) - (right.revision ?? 0));
      for (const image of ['agent:2', 'agent:3', 'agent:2']) {
        await change({ template: template(image) });
        await cluster.clock.advance(10_000);
      }
      expect((await revisions()).map(({ revision }) => revision)).toEqual([3, 4]);
      const [, latest] = await revisions();
      expect(latest?.metadata?.labels).toMatchObject(labels);
      expect(latest && ownersOf(latest)).toEqual(['DaemonSet/agent!']);
      expect((await podOn('a')).metadata?.labels?.['controller-revision-hash']).toBe(latest?.metadata?.labels?.['controller-revision-hash']);
    });
  });

  describe('faults', () => {
    it('refused pods are told by event and condition, and tried again ever more rarely', async () => {
      for (let n = 0; n < 500; n++) cluster.api.failNext('create', new ApiError('Forbidden', 'exceeded quota: few'), { plural: 'pods' });
      await create();
      await cluster.clock.advance(300_000);
      expect((await status()).conditions?.[0]).toMatchObject({ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota: few' });
      const attempts = (await cluster.events('FailedCreate')).reduce((sum, { count = 1 }) => sum + count, 0);
      expect(attempts).toBeGreaterThan(3);
      expect(attempts).toBeLessThan(40);
    });

    it('a create whose answer is lost makes one pod', async () => {
      cluster.api.failNext('create', new ApiError('Timeout', 'lost'), { plural: 'pods', landed: true });
      await create();
      expect([writesOf('create').length, (await placed()).length]).toEqual([3, 3]);
    });

    it('two leaders at once never make two pods for one node and revision', async () => {
      const stop = new AbortController();
      const { api: { client }, clock } = cluster;
      const common = { client, clock, random: seededRandom(7), logger: silentLogger };
      const informers = createInformers(common);
      for (const informer of Object.values(informers)) informer.start(stop.signal);
      const recorder = createEventRecorder({ ...common, component: 'second' });
      const second = startDaemonSets({ ...common, informers, recorder, config: defaultConfig, resources: () => [] }, stop.signal);
      await create();
      await change({ template: template('agent:2') });
      await cluster.clock.advance(30_000);
      expect([await placed(), writesOf('create').length]).toEqual([['a agent:2', 'b agent:2', 'c agent:2'], 6]);
      stop.abort(new Error('over'));
      await second.done;
    });
  });
});
