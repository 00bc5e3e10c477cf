import { deployments, pods, replicaSets } from '@navarch/api';
import { ApiError } from '@navarch/base';
import { createMemoryApi } from '@navarch/client/testing';
import { seededRandom, VirtualClock } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { planClaims } from './claim';
import { deletionCost, deletionOrder } from './deletion-order';
import { controllerUid } from './owned';
import { createOwned, generatedName, podFromTemplate } from './pod-from-template';
import { isActive, isAvailable, msUntilAvailable, nextAvailableMs } from './pod-state';
import { slowStart } from './slow-start';

const nowMs = 1_700_000_000_000;
const secondsAgo = (seconds: number) => ({ seconds: nowMs / 1000 - seconds });

interface PodFacts {
  node?: string;
  phase?: string;
  /** Seconds since it became ready; undefined: not ready. */
  ready?: number;
  cost?: string;
  restarts?: number;
  created?: number;
  uid?: string;
  deleting?: boolean;
  owners?: OwnerReference[];
}

const pod = (name: string, { node = 'a', phase = 'Running', ready, cost, restarts = 0, created = 1_000, uid = name, deleting, owners }: PodFacts = {}): Pod => ({
  metadata: {
    namespace: 'default', name, uid, creationTimestamp: secondsAgo(created), labels: { app: 'web' },
    ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }), ...(deleting && { deletionTimestamp: secondsAgo(0) }), ...(owners && { ownerReferences: owners }),
  },
  spec: node === '' ? {} : { nodeName: node },
  status: { phase, conditions: [{ type: 'Ready', status: ready === undefined ? 'False' : 'True', ...(ready !== undefined && { lastTransitionTime: secondsAgo(ready) }) }], containerStatuses: [{ name: 'main', restartCount: restarts }] },
});
const order = (...some: Pod[]): string[] => deletionOrder(some, nowMs).map(({ metadata }) => metadata?.name ?? '');

describe('which pods go first', () => {
  it.each<[string, Pod, Pod]>([
    ['without a node before one that has one', pod('first', { node: '', phase: 'Pending' }), pod('last', { phase: 'Pending' })],
    ['pending before unknown', pod('first', { phase: 'Pending' }), pod('last', { phase: 'Unknown', node: 'b' })],
    ['unknown before running', pod('first', { phase: 'Unknown' }), pod('last', { node: 'b' })],
    ['not ready before ready', pod('first'), pod('last', { ready: 10, node: 'b' })],
    ['cheaper before dearer, though it has been ready for longer', pod('first', { cost: '-1', ready: 900 }), pod('last', { ready: 1, node: 'b' })],
    ['ready for a shorter time first', pod('first', { ready: 5 }), pod('last', { ready: 500, node: 'b' })],
    ['restarted more often first', pod('first', { ready: 10, restarts: 3 }), pod('last', { ready: 10, node: 'b' })],
    ['younger first', pod('first', { ready: 10, created: 20 }), pod('last', { ready: 10, created: 2_000, node: 'b' })],
  ])('%s', (_name, first, last) => {
    expect(order(last, first)).toEqual(['first', 'last']);
    expect(order(first, last)).toEqual(['first', 'last']);
  });

  it('of a node with more of them before of a node with fewer', () => {
    expect(order(pod('alone', { ready: 1, node: 'b' }), pod('one', { ready: 500 }), pod('two', { ready: 500 }))).toEqual(['one', 'two', 'alone']);
  });

  it('times of one magnitude are as good as equal: then by uid, not always the latest', () => {
    expect(order(pod('x', { ready: 1_000, uid: '1' }), pod('y', { ready: 900, uid: '2', node: 'b' }))).toEqual(['x', 'y']);
  });

  it.each([['5', 5], ['-5', -5], ['0', 0], ['+5', 0], ['05', 0], ['2147483648', 0], ['much', 0], ['', 0]])('a deletion cost of %s counts as %d', (cost, counts) => expect(deletionCost(pod('p', { cost }))).toBe(counts));
});

describe('states of pods', () => {
  it('active: neither ended nor told to go', () => {
    expect([pod('p'), pod('p', { phase: 'Pending' }), pod('p', { phase: 'Succeeded' }), pod('p', { phase: 'Failed' }), pod('p', { deleting: true })].map(isActive)).toEqual([true, true, false, false, false]);
  });

  it('available: ready for minReadySeconds, to the millisecond', () => {
    expect(isAvailable(pod('p'), 0, nowMs)).toBe(false);
    expect(isAvailable(pod('p', { ready: 0 }), 0, nowMs)).toBe(true);
    expect(isAvailable(pod('p', { ready: 9 }), 10, nowMs + 999)).toBe(false);
    expect(isAvailable(pod('p', { ready: 9 }), 10, nowMs + 1_000)).toBe(true);
    expect(msUntilAvailable(pod('p', { ready: 4 }), 10, nowMs)).toBe(6_000);
  });

  it('time to look again: the next that becomes available, none where time changes nothing', () => {
    expect(nextAvailableMs([pod('a', { ready: 1 }), pod('b', { ready: 7 }), pod('c', { ready: 50 }), pod('d')], 10, nowMs)).toBe(3_000);
    expect(nextAvailableMs([pod('a', { ready: 50 }), pod('d')], 10, nowMs)).toBeUndefined();
  });
});

describe('claims', () => {
  const owner = { metadata: { namespace: 'default', name: 'web', uid: 'me' } };
  const by = (uid: string): PodFacts => ({ owners: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'x', uid, controller: true }] });
  const plan = (of: typeof owner & { metadata: { deletionTimestamp?: object } }, candidates: Pod[], mine: (each: Pod) => boolean) => {
    const names = (some: readonly Pod[]) => some.map(({ metadata }) => metadata?.name);
    const { kept, adopted, released } = planClaims(of, candidates, mine);
    return { kept: names(kept), adopted: names(adopted), released: names(released) };
  };
  const all = [pod('mine', by('me')), pod('foreign', by('other')), pod('orphan'), pod('dying orphan', { deleting: true }), pod('dying mine', { ...by('me'), deleting: true })];

  it('keeps its own, adopts orphans, never touches another’s; what is being deleted is not adopted', () => {
    expect(plan(owner, all, () => true)).toEqual({ kept: ['mine', 'dying mine'], adopted: ['orphan'], released: [] });
  });

  it('lets go of what no longer matches, unless it goes anyway', () => {
    expect(plan(owner, all, () => false)).toEqual({ kept: [], adopted: [], released: ['mine'] });
  });

  it('an owner that is being deleted adopts nothing and lets nothing go', () => {
    const deleted = { metadata: { ...owner.metadata, deletionTimestamp: secondsAgo(1) } };
    expect(plan(deleted, all, () => true)).toEqual({ kept: ['mine', 'dying mine'], adopted: [], released: [] });
    expect(plan(deleted, all, () => false)).toEqual({ kept: [], adopted: [], released: [] });
  });

  it('the index finds an owner’s objects by its uid, and a namespace’s orphans', () => {
    expect([controllerUid(pod('p', by('me'))), controllerUid(pod('p'))]).toEqual([['me'], ['orphans/default']]);
  });
});

describe('pods from a template', () => {
  const owner = { resource: replicaSets, object: { metadata: { namespace: 'default', name: 'web', uid: 'u' } } };
  const template = { metadata: { name: 'ignored', labels: { app: 'web', tier: 'x' }, annotations: { a: '1', 'navarch.io/trace-id': 'other' }, finalizers: ['f'] }, spec: { containers: [{ name: 'main' }], hostname: 'h' } };

  it('labels, annotations, finalizers and spec, controlled by the owner; another pod’s trace id is not copied, nothing is shared', () => {
    const made = podFromTemplate(template, owner, { generateName: 'web-', labels: { tier: 'y' }, spec: { hostname: 'own' } });
    expect(made).toEqual({
      metadata: {
        namespace: 'default', generateName: 'web-', labels: { app: 'web', tier: 'y' }, annotations: { a: '1' }, finalizers: ['f'],
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u', controller: true, blockOwnerDeletion: true }],
      },
      spec: { containers: [{ name: 'main' }], hostname: 'own' },
    });
    expect(made.spec?.containers).not.toBe(template.spec.containers);
  });

  it('names are cut so that they stay labels, and end in five letters', () => {
    expect(generatedName(`${'x'.repeat(80)}-`, seededRandom(1))).toMatch(/^x{58}[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  describe('createOwned', () => {
    const harness = () => createMemoryApi({ clock: new VirtualClock(nowMs, () => Promise.resolve()), random: seededRandom(1) });
    const wanted = (uid = 'u'): Pod => ({ ...podFromTemplate({ spec: { containers: [{ name: 'main', image: 'x' }] } }, { resource: deployments, object: { metadata: { namespace: 'default', name: 'web', uid } } }, { name: 'web-1' }) });

    it('a create whose answer was lost is found to have landed', async () => {
      const api = harness();
      api.failNext('create', new ApiError('Timeout', 'unknown'), { landed: true });
      expect((await createOwned(api.client.resource(pods), wanted())).metadata?.name).toBe('web-1');
    });

    it('one that did not land fails as it failed', async () => {
      const api = harness();
      api.failNext('create', new ApiError('Timeout', 'unknown'));
      await expect(createOwned(api.client.resource(pods), wanted())).rejects.toMatchObject({ reason: 'Timeout' });
    });

    it('another’s object of the same name is not taken for its own', async () => {
      const api = harness();
      await createOwned(api.client.resource(pods), wanted('someone'));
      await expect(createOwned(api.client.resource(pods), wanted())).rejects.toMatchObject({ reason: 'AlreadyExists' });
    });
  });
});

describe('slow start', () => {
  it('in batches of 1, 2, 4, …', async () => {
    const running: number[] = [];
    let now = 0;
    const result = await slowStart(Array.from({ length: 10 }, (_, at) => at), async (item) => {
      running.push(++now);
      await Promise.resolve();
      now--;
      return item;
    });
    expect(result.values).toHaveLength(10);
    expect(running).toEqual([1, 1, 2, 1, 2, 3, 4, 1, 2, 3]);
  });

  it('stops after the batch in which one failed, and says what was not tried', async () => {
    const tried: number[] = [];
    const { values, failures, skipped } = await slowStart([0, 1, 2, 3, 4, 5, 6, 7, 8], (item) => {
      tried.push(item);
      return item === 2 ? Promise.reject(new Error('no')) : Promise.resolve(item);
    });
    expect([tried, values, failures, skipped]).toEqual([[0, 1, 2], [0, 1], [new Error('no')], [3, 4, 5, 6, 7, 8]]);
  });
});
