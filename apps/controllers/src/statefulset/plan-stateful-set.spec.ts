import fc from 'fast-check';

import { intOrString, timeFromMs } from '@navarch/api';
import type { StatefulSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isAvailable } from '../workload/pod-state';
import { ordinalOf, revisionLabel, revisionOf } from './identity';
import { cannotStart, planStatefulSet, type StatefulSetView } from './plan-stateful-set';
import { statusOf } from './stateful-set-status';

const nowMs = 1_000_000;

type State = 'ready' | 'starting' | 'stuck' | 'going' | 'failed';

function podOf(ordinal: number, revision: string, state: State = 'ready'): Pod {
  const phase = state === 'failed' ? 'Failed' : state === 'starting' || state === 'stuck' ? 'Pending' : 'Running';
  return {
    metadata: {
      name: `db-${ordinal}`, ...(state === 'going' && { deletionTimestamp: timeFromMs(nowMs) }),
      labels: { [revisionLabel]: revision, 'statefulset.kubernetes.io/pod-name': `db-${ordinal}`, 'apps.kubernetes.io/pod-index': String(ordinal) },
    },
    status: {
      phase, conditions: [{ type: 'Ready', status: state === 'ready' ? 'True' : 'False', lastTransitionTime: timeFromMs(0) }],
      ...(state === 'stuck' && { containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] }),
    },
  };
}

interface Wish {
  readonly replicas?: number;
  readonly first?: number;
  readonly parallel?: boolean;
  readonly partition?: number;
  readonly maxUnavailable?: number | string;
  readonly onDelete?: boolean;
}

const setOf = ({ replicas = 3, first = 0, parallel = false, partition = 0, maxUnavailable, onDelete = false }: Wish): StatefulSet => ({
  metadata: { namespace: 'default', name: 'db' },
  spec: {
    replicas, ordinals: { start: first }, podManagementPolicy: parallel ? 'Parallel' : 'OrderedReady',
    updateStrategy: onDelete ? { type: 'OnDelete' } : { type: 'RollingUpdate', rollingUpdate: { partition, ...(maxUnavailable !== undefined && { maxUnavailable: intOrString(maxUnavailable) }) } },
  },
});

const viewOf = (wish: Wish, pods: readonly Pod[]): StatefulSetView => ({ set: setOf(wish), pods, currentRevision: 'old', updateRevision: 'new', nowMs });
/** `+2 new` creates, `-2 outdated` deletes. */
const planned = (wish: Wish, pods: readonly Pod[]): string[] => planStatefulSet(viewOf(wish, pods)).map((action) => {
  switch (action.action) {
    case 'create': return `+${action.ordinal} ${action.revision}`;
    case 'delete': return `-${ordinalOf(setOf(wish), action.pod)} ${action.because}`;
    case 'label': return `~${ordinalOf(setOf(wish), action.pod)}`;
  }
});
/** `1:old!` is a pod of ordinal 1 and revision old that is stuck; `?` is starting, `-` is going, `x` has failed. */
const podsFrom = (text: string): Pod[] => text.split(' ').filter(Boolean).map((word) => {
  const [, ordinal = '', revision = '', mark = ''] = /^(\d+):(\w+?)([?!x-]?)$/.exec(word) ?? [];
  return podOf(Number(ordinal), revision, ({ '': 'ready', '?': 'starting', '!': 'stuck', '-': 'going', 'x': 'failed' } as const)[mark] ?? 'ready');
});

describe('what a StatefulSet does next', () => {
  it.each<[string, string, Wish, string[]]>([
    // OrderedReady: deployment and scaling guarantees.
    ['the first pod comes first', '', {}, ['+0 new']],
    ['a later pod waits for one that starts', '0:new?', {}, []],
    ['a later pod waits for one that is going', '0:new-', {}, []],
    ['a later pod comes when all before it are ready', '0:new 1:new', {}, ['+2 new']],
    ['a gap is filled before anything else', '0:new 2:new', { replicas: 4 }, ['+1 new']],
    ['a pod that ended is deleted, its successors wait', '0:newx', {}, ['-0 finished']],
    ['the highest pod goes first', '0:new 1:new 2:new 3:new', { replicas: 2 }, ['-3 condemned']],
    ['the next waits until that is gone', '0:new 1:new 2:new 3:new-', { replicas: 2 }, []],
    ['nothing goes while one that stays is not ready', '0:new? 1:new', { replicas: 1 }, []],
    ['all go, ready or not, when none is to stay', '0:new? 1:new?', { replicas: 0 }, ['-1 condemned']],
    ['scaling comes before updating', '0:old 1:old', { replicas: 1 }, ['-1 condemned']],
    ['ordinals begin where they are told to', '', { first: 5, replicas: 1 }, ['+5 new']],
    ['those before the first are too many', '0:new 1:new 2:new', { first: 1, replicas: 2 }, ['-0 condemned']],
    // Parallel.
    ['in parallel all come at once', '1:new?', { parallel: true }, ['+0 new', '+2 new']],
    ['in parallel all go at once', '0:new 1:new? 2:new', { parallel: true, replicas: 0 }, ['-2 condemned', '-1 condemned', '-0 condemned']],
    // Rolling updates.
    ['the highest is updated first', '0:old 1:old 2:old', {}, ['-2 outdated']],
    ['the next waits until it is ready', '0:old 1:old 2:new?', {}, []],
    ['then comes the next', '0:old 1:old 2:new', {}, ['-1 outdated']],
    ['the partition stays as it is', '0:old 1:old 2:new', { partition: 2 }, []],
    ['a partition beyond all updates nothing', '0:old 1:old 2:old', { partition: 9 }, []],
    ['below the partition a lost pod comes back as it was', '1:old 2:new', { partition: 2 }, ['+0 old']],
    ['a partition counts from the first ordinal', '5:old 6:old 7:new', { first: 5, partition: 2 }, []],
    ['a percentage is rounded up', '0:old 1:old 2:old', { maxUnavailable: '34%' }, ['-2 outdated', '-1 outdated']],
    ['so many at a time', '0:old 1:old 2:old', { maxUnavailable: 2 }, ['-2 outdated', '-1 outdated']],
    ['in parallel one that is unavailable counts', '0:old? 1:old 2:new?', { parallel: true }, []],
    ['in parallel one that is unavailable goes before one that is not', '0:old? 1:old 2:old', { parallel: true }, ['-0 outdated']],
    ['OnDelete leaves all as they are', '0:old 1:old 2:old', { onDelete: true }, []],
    ['OnDelete makes what is missing as it is to be', '0:old 2:old', { onDelete: true }, ['+1 new']],
    // A template that never becomes ready.
    ['a pod that cannot start is replaced by the template that mends it', '0:new 1:new 2:bad!', {}, ['-2 stuck']],
    ['one that may yet start is waited for', '0:new 1:new 2:bad?', {}, []],
    ['one that cannot start as wanted is left', '0:new!', {}, []],
    ['one that cannot start below the partition is left', '0:old!', { partition: 1 }, []],
    ['OnDelete leaves one that cannot start', '0:old!', { onDelete: true }, []],
  ])('%s', (_case, pods, wish, expected) => {
    expect(planned(wish, podsFrom(pods))).toEqual(expected);
  });

  it.each([
    ['no node takes it', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] }, true],
    ['it waits for a gate', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }, false],
    ['an init container keeps failing', { initContainerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }] }, true],
    ['its containers are being made', { containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }] }, false],
    ['it runs and is not ready', { phase: 'Running', containerStatuses: [{ state: { running: {} } }] }, false],
  ])('a pod cannot start where %s', (_case, status, expected) => {
    expect(cannotStart({ status })).toBe(expected);
  });
});

describe('what a StatefulSet says of itself', () => {
  it('the update is complete only when every pod has the revision and is ready', () => {
    const status = (pods: string, wish: Wish = {}) => statusOf(viewOf(wish, podsFrom(pods)), 0);
    expect(status('0:old 1:new 2:new?')).toEqual({ replicas: 3, readyReplicas: 2, availableReplicas: 2, currentReplicas: 1, updatedReplicas: 2, currentRevision: 'old', updateRevision: 'new' });
    expect(status('0:new 1:new 2:new').currentRevision).toBe('new');
    expect(status('0:new 1:new 2:new', { replicas: 2 }).currentRevision).toBe('old');
    expect(status('0:new 1:new 2:new', { onDelete: true }).currentRevision).toBe('new');
    expect(status('', { replicas: 0 })).toEqual({ currentRevision: 'new', updateRevision: 'new' });
  });
});

describe('whatever happens to its pods', () => {
  const wishes = fc.record({
    replicas: fc.nat(5), first: fc.nat(2), parallel: fc.boolean(), partition: fc.nat(5), maxUnavailable: fc.constantFrom(1, 2, 3, '40%'), onDelete: fc.boolean(),
  });
  const pods = fc.uniqueArray(fc.record({ ordinal: fc.nat(6), revision: fc.constantFrom('old', 'new', 'bad'), state: fc.constantFrom<State>('ready', 'starting', 'stuck', 'going', 'failed') }), { selector: ({ ordinal }) => ordinal })
    .map((all) => all.map(({ ordinal, revision, state }) => podOf(ordinal, revision, state)));
  const settled = (pod: Pod): boolean => isAvailable(pod, 0, nowMs) && !pod.metadata?.deletionTimestamp && pod.status?.phase === 'Running';
  const runs = { numRuns: 500 };

  it('a StatefulSet never makes a pod of an ordinal that has one, not even one that is going', () => {
    fc.assert(fc.property(wishes, pods, (wish, present) => {
      const taken = new Set(present.map((pod) => ordinalOf(setOf(wish), pod)));
      const made = planStatefulSet(viewOf(wish, present)).flatMap((action) => (action.action === 'create' ? [action.ordinal] : []));
      expect(made.filter((ordinal) => taken.has(ordinal))).toEqual([]);
      expect(new Set(made).size).toBe(made.length);
    }), runs);
  });

  it('OrderedReady never starts a pod before all before it are ready, and never ends one before all after it are gone', () => {
    fc.assert(fc.property(wishes, pods, (wish, present) => {
      const ordered = { ...wish, parallel: false };
      const at = new Map(present.map((pod) => [ordinalOf(setOf(ordered), pod) ?? -1, pod]));
      for (const action of planStatefulSet(viewOf(ordered, present))) {
        if (action.action === 'create') {
          for (let before = wish.first; before < action.ordinal; before++) expect(settled(at.get(before) ?? {})).toBe(true);
        }
        if (action.action === 'delete' && action.because === 'condemned') {
          const ordinal = ordinalOf(setOf(ordered), action.pod) ?? -1;
          const tooMany = [...at.keys()].filter((other) => other < wish.first || other >= wish.first + wish.replicas);
          expect(ordinal).toBe(Math.max(...tooMany));
        }
      }
    }), runs);
  });

  it('no pod below the partition is updated, and none at all with OnDelete', () => {
    fc.assert(fc.property(wishes, pods, (wish, present) => {
      for (const action of planStatefulSet(viewOf(wish, present))) {
        if (action.action === 'create') {
          const below = !wish.onDelete && action.ordinal < wish.first + wish.partition;
          expect(action.revision).toBe(below ? 'old' : 'new');
        }
        if (action.action !== 'delete' || (action.because !== 'outdated' && action.because !== 'stuck')) continue;
        expect(wish.onDelete).toBe(false);
        expect(revisionOf(action.pod)).not.toBe('new');
        expect(ordinalOf(setOf(wish), action.pod)).toBeGreaterThanOrEqual(wish.first + wish.partition);
      }
    }), runs);
  });

  it('an update never makes more than maxUnavailable pods unavailable', () => {
    fc.assert(fc.property(wishes, pods, (wish, present) => {
      const wanted = present.filter((pod) => {
        const ordinal = ordinalOf(setOf(wish), pod) ?? -1;
        return ordinal >= wish.first && ordinal < wish.first + wish.replicas;
      });
      const allowed = typeof wish.maxUnavailable === 'number' ? wish.maxUnavailable : Math.max(1, Math.ceil(wish.replicas * 0.4));
      const before = wanted.filter(settled).length;
      const taken = planStatefulSet(viewOf(wish, present)).filter((action) => action.action === 'delete' && action.because === 'outdated' && settled(action.pod)).length;
      if (taken > 0) expect(before - taken).toBeGreaterThanOrEqual(wish.replicas - allowed);
    }), runs);
  });

  it('every history ends: when pods do as they are told, all are there, ready and of the wanted revision', () => {
    fc.assert(fc.property(wishes, pods, (wish, present) => {
      let now = [...present];
      for (let step = 0; step < 100; step++) {
        const actions = planStatefulSet(viewOf(wish, now));
        const deleted = new Set(actions.flatMap((action) => (action.action === 'delete' ? [action.pod] : [])));
        const made = actions.flatMap((action) => (action.action === 'create' ? [podOf(action.ordinal, action.revision)] : []));
        // Who was going is gone, who started is ready unless it cannot be.
        const kept = now.filter((pod) => !deleted.has(pod) && !pod.metadata?.deletionTimestamp);
        const next = [...kept.map((pod) => (cannotStart(pod) || pod.status?.phase === 'Failed' ? pod : podOf(ordinalOf(setOf(wish), pod) ?? 0, revisionOf(pod) ?? ''))), ...made];
        if (actions.length === 0 && next.length === now.length && next.every((pod, at) => settled(pod) === settled(now[at] ?? {}))) break;
        now = next;
      }
      const barred = now.some((pod) => cannotStart(pod) && pod.status?.phase !== 'Failed');
      if (barred) return;
      const { replicas, first, partition, onDelete } = wish;
      expect(now.map((pod) => ordinalOf(setOf(wish), pod)).sort()).toEqual(Array.from({ length: replicas }, (_, at) => first + at));
      expect(now.every(settled)).toBe(true);
      if (!onDelete) for (const pod of now) if ((ordinalOf(setOf(wish), pod) ?? 0) >= first + partition) expect(revisionOf(pod)).toBe('new');
    }), runs);
  });
});
