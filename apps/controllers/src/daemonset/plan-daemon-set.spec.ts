import fc from 'fast-check';

import { intOrString, timeFromMs } from '@navarch/api';
import type { DaemonSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Node, Pod, PodSpec, Taint, Toleration } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isAvailable } from '../workload/pod-state';
import { daemonSpec, fitOf, hashLabel, nodeOf, podFor } from './daemon-pod';
import { FailedPods } from './failed-pods';
import { placesOf, planDaemonSet, type DaemonSetView } from './plan-daemon-set';

const nowMs = 1_000_000;
const nodeNamed = (name: string, taints: Taint[] = [], labels: Record<string, string> = {}): Node => ({ metadata: { name, labels }, spec: { taints } });
const setWith = (spec: PodSpec, strategy: DaemonSet['spec'] = {}): DaemonSet => ({ metadata: { namespace: 'default', name: 'agent', uid: 'u' }, spec: { ...strategy, template: { spec } } });

describe('which nodes a DaemonSet wants', () => {
  const both = { wanted: true, mayStay: true };
  const neither = { wanted: false, mayStay: false };
  const affinity = (values: string[]): PodSpec['affinity'] => ({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values }] }] } } });
  const suffering = ['not-ready:NoExecute', 'unreachable:NoExecute', 'disk-pressure:NoSchedule', 'memory-pressure:NoSchedule', 'pid-pressure:NoSchedule', 'unschedulable:NoSchedule']
    .map((taint): Taint => ({ key: `node.kubernetes.io/${taint.split(':')[0]}`, effect: taint.split(':')[1] }));
  const offline: Taint = { key: 'node.kubernetes.io/network-unavailable', effect: 'NoSchedule' };
  const tolerating = (toleration: Toleration): PodSpec => ({ tolerations: [toleration] });

  it.each<[string, PodSpec, Taint[], { wanted: boolean; mayStay: boolean }]>([
    ['any', {}, [], both],
    ['one that its nodeSelector names', { nodeSelector: { zone: 'x' } }, [], both],
    ['not one that its nodeSelector does not', { nodeSelector: { zone: 'y' } }, [], neither],
    ['one that its affinity names', { affinity: affinity(['w', 'x']) }, [], both],
    ['not one that its affinity does not', { affinity: affinity(['y']) }, [], neither],
    ['the one that its template names', { nodeName: 'n' }, [], both],
    ['no other than the one that its template names', { nodeName: 'm' }, [], neither],
    ['one that suffers', {}, suffering, both],
    ['not one without a network', {}, [offline], { wanted: false, mayStay: true }],
    ['one without a network, where it uses the host’s', { hostNetwork: true }, [offline], both],
    ['not one with a taint, but stays there', {}, [{ key: 'k', effect: 'NoSchedule' }], { wanted: false, mayStay: true }],
    ['not one with a taint that drives off', {}, [{ key: 'k', effect: 'NoExecute' }], neither],
    ['one that would rather not', {}, [{ key: 'k', effect: 'PreferNoSchedule' }], both],
    ['one whose taint it tolerates', tolerating({ key: 'k', operator: 'Exists' }), [{ key: 'k', effect: 'NoExecute' }], both],
  ])('%s', (_case, spec, taints, expected) => {
    expect(fitOf(daemonSpec(setWith(spec)), nodeNamed('n', taints, { zone: 'x' }))).toEqual(expected);
  });
});

describe('the pod for a node', () => {
  const set = setWith({ affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }] } } });
  const made = (node: string, hash: string, taken: readonly string[] = []) => podFor(set, daemonSpec(set), node, hash, (name) => taken.includes(name));

  it('is bound to it by affinity, beside what the template prefers', () => {
    expect(nodeOf(made('n', 'h'))).toBe('n');
    expect(made('n', 'h').spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution).toHaveLength(1);
  });

  it('has a name that follows from set, node and revision, and another where that is taken', () => {
    const name = made('n', 'h').metadata?.name ?? '';
    expect(made('n', 'h').metadata?.name).toBe(name);
    expect(new Set([name, made('m', 'h').metadata?.name, made('n', 'i').metadata?.name, made('n', 'h', [name]).metadata?.name]).size).toBe(4);
  });
});

interface Wish {
  readonly maxUnavailable?: number | string;
  readonly maxSurge?: number | string;
  readonly onDelete?: boolean;
  readonly backsOff?: boolean;
}

const marks = { '': 'ready', '?': 'starting', '-': 'going', 'x': 'failed', '.': 'succeeded' } as const;
type State = (typeof marks)[keyof typeof marks];
let born = 0;

function podOn(node: string, hash: string, state: State = 'ready'): Pod {
  const phase = { ready: 'Running', starting: 'Pending', going: 'Running', failed: 'Failed', succeeded: 'Succeeded' }[state];
  return {
    metadata: { name: `${node}-${hash}-${++born}`, labels: { [hashLabel]: hash }, creationTimestamp: timeFromMs(born * 1000), ...(state === 'going' && { deletionTimestamp: timeFromMs(nowMs) }) },
    spec: { nodeName: node },
    status: { phase, conditions: [{ type: 'Ready', status: state === 'ready' ? 'True' : 'False', lastTransitionTime: timeFromMs(0) }] },
  };
}

/** `a:new? b:` is a node with a pod that starts, and a node without one; `c*:old` has a NoSchedule taint, `d!:old` a NoExecute one. */
function viewFrom(text: string, { maxUnavailable = 1, maxSurge = 0, onDelete = false, backsOff = false }: Wish): DaemonSetView {
  const [nodes, pods] = [new Map<string, Node>(), [] as Pod[]];
  for (const word of text.split(' ').filter(Boolean)) {
    const [, name = '', taint = '', hash = '', mark = ''] = /^(\w+)([*!~]?):(\w*?)([?.x-]?)$/.exec(word) ?? [];
    if (taint !== '~') nodes.set(name, nodeNamed(name, taint ? [{ key: 'k', effect: taint === '*' ? 'NoSchedule' : 'NoExecute' }] : []));
    if (hash) pods.push(podOn(name, hash, marks[mark as keyof typeof marks]));
  }
  const updateStrategy = onDelete ? { type: 'OnDelete' } : { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: intOrString(maxUnavailable), maxSurge: intOrString(maxSurge) } };
  return { set: setWith({}, { updateStrategy }), nodes: [...nodes.values()], pods, hash: 'new', nowMs, backsOff: () => backsOff };
}

const planned = (text: string, wish: Wish): string[] => {
  const { create, remove } = planDaemonSet(viewFrom(text, wish));
  return [...create.map((node) => `+${node}`), ...remove.map(({ pod, because }) => `-${nodeOf(pod)}:${pod.metadata?.labels?.[hashLabel]} ${because}`)].sort();
};

describe('what a DaemonSet does next', () => {
  const surge = { maxUnavailable: 0, maxSurge: 1 };

  it.each<[string, string, Wish, string[]]>([
    ['a node without a pod gets one', 'a: b:new', {}, ['+a']],
    ['a node whose pod is going waits until it is gone', 'a:new-', {}, []],
    ['a tainted node gets none and keeps what it has', 'a*: b*:old', {}, []],
    ['a node that drives off loses what it has', 'a!:new b:new', {}, ['-a:new misplaced']],
    ['of two, the updated one that is available stays', 'a:old a:new', {}, ['-a:old duplicate']],
    ['of two, the one that is available stays', 'a:old a:new?', {}, ['-a:new duplicate']],
    ['a pod that failed is deleted', 'a:newx', {}, ['-a:new failed']],
    ['not while its node backs off', 'a:newx', { backsOff: true }, []],
    ['a pod that ended well is deleted', 'a:new.', {}, ['-a:new succeeded']],
    ['one pod at a time is replaced', 'a:old b:old', {}, ['-a:old outdated']],
    ['the next waits for the last', 'a:new? b:old', {}, []],
    ['a node that waits for its pod counts', 'a: b:old', {}, ['+a']],
    ['those that are not available go at once', 'a:old? b:old? c:old', {}, ['-a:old outdated', '-b:old outdated']],
    ['a share is rounded up', 'a:old b:old c:old', { maxUnavailable: '34%' }, ['-a:old outdated', '-b:old outdated']],
    ['OnDelete leaves what is old', 'a:old b:', { onDelete: true }, ['+b']],
    ['with surge the new one comes first', 'a:old b:old', surge, ['+a']],
    ['the old one goes when it is available', 'a:old a:new b:old', surge, ['+b', '-a:old outdated']],
    ['not before, and no other comes', 'a:old a:new? b:old', surge, []],
    ['an old one that is not available gets its successor at once', 'a:old? b:old', surge, ['+a', '+b']],
    ['an old one that is going too', 'a:old- b:new', surge, ['+a']],
    ['a successor that is going has the place', 'a:old a:new-', surge, []],
    ['with surge two of one revision are still one too many', 'a:old a:old', surge, ['+a', '-a:old duplicate']],
  ])('%s', (_case, text, wish, expected) => {
    expect(planned(text, wish)).toEqual([...expected].sort());
  });

  it('a pod meant for a node that is gone goes, one that was there is for the pod collector, one meant for none stays', () => {
    const view = viewFrom('a:new b~:old', {});
    const meant = podFor(view.set, daemonSpec(view.set), 'gone', 'new', () => false);
    const adopted: Pod = { metadata: { name: 'adopted' }, spec: {} };
    expect(planDaemonSet({ ...view, pods: [...view.pods, meant, adopted] }).remove).toEqual([{ pod: meant, because: 'misplaced' }]);
  });
});

describe('whatever happens to its pods', () => {
  const states = fc.constantFrom<State>('ready', 'starting', 'going', 'failed', 'succeeded');
  const place = fc.record({ taint: fc.constantFrom('', '', '', '*', '!'), pods: fc.array(fc.record({ hash: fc.constantFrom('old', 'new'), state: states }), { maxLength: 3 }) });
  const clusters = fc.array(place, { maxLength: 8 });
  type Cluster = readonly { readonly taint: string; readonly pods: readonly { readonly hash: string; readonly state: State }[] }[];
  const viewOf = (cluster: Cluster, wish: Wish): DaemonSetView => {
    const view = viewFrom(cluster.map(({ taint }, at) => `n${at}${taint}:`).join(' '), wish);
    return { ...view, pods: cluster.flatMap(({ pods }, at) => pods.map(({ hash, state }) => podOn(`n${at}`, hash, state))) };
  };
  const serves = (pod: Pod): boolean => isAvailable(pod, 0, nowMs) && !pod.metadata?.deletionTimestamp;
  const isNew = ({ metadata }: Pod): boolean => metadata?.labels?.[hashLabel] === 'new';
  const runs = { numRuns: 500 };

  it('an update never leaves more than maxUnavailable nodes without an available pod', () => {
    fc.assert(fc.property(clusters, fc.integer({ min: 1, max: 4 }), (cluster, maxUnavailable) => {
      const view = viewOf(cluster, { maxUnavailable });
      const { remove } = planDaemonSet(view);
      const wanted = placesOf(view).places.filter((one) => one.wanted);
      const served = (removed: readonly Pod[]): number => wanted.filter(({ pods }) => pods.some((pod) => serves(pod) && !removed.includes(pod))).length;
      const [before, after] = [served([]), served(remove.map(({ pod }) => pod))];
      if (after < before) expect(after).toBeGreaterThanOrEqual(wanted.length - maxUnavailable);
    }), runs);
  });

  it('with surge no node loses its last available pod to an update, and no more than maxSurge nodes with an available pod get a second', () => {
    fc.assert(fc.property(clusters, fc.integer({ min: 1, max: 4 }), (cluster, maxSurge) => {
      const view = viewOf(cluster, { maxUnavailable: 0, maxSurge });
      const { create, remove } = planDaemonSet(view);
      const removed = remove.map(({ pod }) => pod);
      const wanted = placesOf(view).places.filter((one) => one.wanted);
      for (const { pods } of wanted) if (pods.some(serves)) expect(pods.some((pod) => serves(pod) && !removed.includes(pod))).toBe(true);
      const oldServes = (pods: readonly Pod[]): boolean => pods.some((pod) => serves(pod) && !isNew(pod) && !removed.includes(pod));
      const doubled = wanted.filter(({ node, pods }) => oldServes(pods) && (create.includes(node) || pods.some((pod) => isNew(pod) && !removed.includes(pod) && !pod.metadata?.deletionTimestamp && pod.status?.phase !== 'Failed')));
      const before = wanted.filter(({ pods }) => oldServes(pods) && pods.some((pod) => isNew(pod) && !pod.metadata?.deletionTimestamp)).length;
      expect(doubled.length).toBeLessThanOrEqual(Math.max(before, maxSurge));
    }), runs);
  });

  it('every history ends: when pods do as they are told, each node that is wanted has one new pod, the others what they may keep', () => {
    fc.assert(fc.property(clusters, fc.constantFrom<Wish>({}, { maxUnavailable: 3 }, { maxUnavailable: 0, maxSurge: 1 }, { maxUnavailable: 0, maxSurge: 3 }), (cluster, wish) => {
      let view = viewOf(cluster, wish);
      for (let step = 0; step < 60; step++) {
        const { create, remove } = planDaemonSet(view);
        const removed = remove.map(({ pod }) => pod);
        const kept = view.pods.filter((pod) => !removed.includes(pod) && !pod.metadata?.deletionTimestamp);
        view = { ...view, pods: [...kept.map((pod) => (pod.status?.phase === 'Pending' ? podOn(nodeOf(pod) ?? '', pod.metadata?.labels?.[hashLabel] ?? '') : pod)), ...create.map((node) => podOn(node, 'new'))] };
      }
      expect(planDaemonSet(view)).toEqual({ create: [], remove: [] });
      for (const { wanted, mayStay, pods } of placesOf(view).places) {
        if (wanted) expect(pods.map(isNew)).toEqual([true]);
        else if (!mayStay) expect(pods).toEqual([]);
      }
    }), runs);
  });
});

describe('pods that fail', () => {
  it('are replaced at once, then after 1 s, doubling to 15 min, and as at first after half an hour without', () => {
    const failed = new FailedPods();
    const waits: number[] = [];
    let now = 0;
    for (let n = 0; n < 12; n++) {
      const waitMs = failed.waitMs('p', now);
      waits.push(waitMs / 1000);
      now += waitMs;
      failed.replaced('p', now);
    }
    expect(waits).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
    expect(failed.waitMs('other', now)).toBe(0);
    now += 900_000 + 1_800_001;
    failed.replaced('p', now);
    expect(failed.waitMs('p', now)).toBe(1_000);
  });
});
