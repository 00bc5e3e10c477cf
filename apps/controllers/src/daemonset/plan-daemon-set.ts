import { intOrPercent, isPodTerminal, timeToMs } from '@navarch/api';
import type { DaemonSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isAvailable } from '../workload/pod-state';
import { daemonSpec, fitOf, hashLabel, nodeOf, type NodeFit } from './daemon-pod';

export interface DaemonSetView {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** The set's own, all of them. */
  readonly pods: readonly Pod[];
  /** Of the revision that pods are to have. */
  readonly hash: string;
  readonly nowMs: number;
  /** Whether a pod that failed on this node is still left as it is, so that one that always fails does not come and go. */
  readonly backsOff: (node: string) => boolean;
}

export type RemoveReason = 'failed' | 'succeeded' | 'duplicate' | 'misplaced' | 'outdated';

export interface DaemonSetPlan {
  /** Names of nodes that get a pod. */
  readonly create: readonly string[];
  readonly remove: readonly { readonly pod: Pod; readonly because: RemoveReason }[];
}

/** A node and the set's pods on it or meant for it. */
export interface Place extends NodeFit {
  readonly node: string;
  /** But those that ended and are going: their place is free. */
  readonly pods: readonly Pod[];
}

export interface Places {
  readonly places: readonly Place[];
  /** Meant for nodes that are gone, and on none. */
  readonly strays: readonly Pod[];
}

const isGoing = ({ metadata }: Pod): boolean => metadata?.deletionTimestamp !== undefined;
const isUpdated = (hash: string) => ({ metadata }: Pod): boolean => metadata?.labels?.[hashLabel] === hash;

export function placesOf({ set, nodes, pods }: DaemonSetView): Places {
  const spec = daemonSpec(set);
  const byNode = new Map<string, Pod[]>(nodes.map(({ metadata }) => [metadata?.name ?? '', []]));
  const strays: Pod[] = [];
  for (const pod of pods) {
    if (isPodTerminal(pod) && isGoing(pod)) continue;
    const node = nodeOf(pod);
    const there = node === undefined ? undefined : byNode.get(node);
    if (there) there.push(pod);
    // One that was adopted may be meant for no node in particular: it belongs where it comes to be.
    else if (node !== undefined && !pod.spec?.nodeName && !isGoing(pod)) strays.push(pod);
  }
  const places = nodes.map((node): Place => ({ node: node.metadata?.name ?? '', ...fitOf(spec, node), pods: byNode.get(node.metadata?.name ?? '') ?? [] }));
  places.sort((left, right) => (left.node < right.node ? -1 : 1));
  return { places, strays };
}

/** What to do next, as Kubernetes documents it: a pod on every node that is wanted, none where it may not stay, and the update strategy for those of old. */
export function planDaemonSet(view: DaemonSetView, { places, strays }: Places = placesOf(view)): DaemonSetPlan {
  const surge = maxSurge(view.set, places);
  const tidied = places.map((place) => tidy(view, place, surge > 0));
  const create = tidied.filter(({ place: { wanted, pods } }) => wanted && pods.length === 0).map(({ place }) => place.node);
  const remove = [...strays.map((pod) => ({ pod, because: 'misplaced' as const })), ...tidied.flatMap((one) => one.remove)];
  if (view.set.spec?.updateStrategy?.type === 'OnDelete') return { create, remove };
  const wanted = tidied.filter(({ place }) => place.wanted);
  const update = surge > 0 ? planSurge(view, wanted, surge) : planReplacing(view, wanted);
  return { create: [...create, ...update.create], remove: [...remove, ...update.remove] };
}

interface Tidied {
  readonly place: Place;
  readonly remove: DaemonSetPlan['remove'];
  /** That run or will, and stay: at most one of each revision with surge, else at most one. */
  readonly kept: readonly Pod[];
}

function tidy(view: DaemonSetView, place: Place, surges: boolean): Tidied {
  const { nowMs, hash } = view;
  const staying = place.pods.filter((pod) => !isGoing(pod));
  if (!place.mayStay) return { place, remove: staying.map((pod) => ({ pod, because: 'misplaced' })), kept: [] };
  const ended = staying.flatMap((pod): DaemonSetPlan['remove'] => {
    if (pod.status?.phase === 'Succeeded') return [{ pod, because: 'succeeded' }];
    return pod.status?.phase === 'Failed' && !view.backsOff(place.node) ? [{ pod, because: 'failed' }] : [];
  });
  const running = bestFirst(staying.filter((pod) => !isPodTerminal(pod)), (pod) => isAvailable(pod, view.set.spec?.minReadySeconds ?? 0, nowMs), isUpdated(hash));
  const kept = surges ? [running.find(isUpdated(hash)), running.find((pod) => !isUpdated(hash)(pod))].filter((pod) => pod !== undefined) : running.slice(0, 1);
  return { place, kept, remove: [...ended, ...running.filter((pod) => !kept.includes(pod)).map((pod) => ({ pod, because: 'duplicate' as const }))] };
}

/** The one to keep is first: available, updated, on its node, older. */
function bestFirst(pods: readonly Pod[], available: (pod: Pod) => boolean, updated: (pod: Pod) => boolean): Pod[] {
  const rank = (pod: Pod): number => (available(pod) ? 0 : 4) + (updated(pod) ? 0 : 2) + (pod.spec?.nodeName ? 0 : 1);
  const born = ({ metadata }: Pod): number => timeToMs(metadata?.creationTimestamp) ?? 0;
  const name = ({ metadata }: Pod): string => metadata?.name ?? '';
  return [...pods].sort((left, right) => rank(left) - rank(right) || born(left) - born(right) || (name(left) < name(right) ? -1 : 1));
}

const wantedCount = (places: readonly Place[]): number => places.filter(({ wanted }) => wanted).length;

function maxSurge({ spec }: DaemonSet, places: readonly Place[]): number {
  const surge = spec?.updateStrategy?.rollingUpdate?.maxSurge;
  return spec?.updateStrategy?.type !== 'OnDelete' && surge ? intOrPercent(surge, wantedCount(places), true) : 0;
}

/** Of so many wanted, how many may be without an available pod; a share is rounded up. */
export function maxUnavailable({ spec }: DaemonSet, wanted: number): number {
  const unavailable = spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
  return unavailable ? intOrPercent(unavailable, wanted, true) : 1;
}

/** Old pods go first, new ones come after: those that are not available at once, of the others as many as may be missing. */
function planReplacing(view: DaemonSetView, wanted: readonly Tidied[]): DaemonSetPlan {
  const minReadySeconds = view.set.spec?.minReadySeconds ?? 0;
  let unavailable = 0;
  const [idle, serving]: [Pod[], Pod[]] = [[], []];
  for (const { kept: [pod], remove } of wanted) {
    const available = pod !== undefined && isAvailable(pod, minReadySeconds, view.nowMs);
    if (!available) unavailable++;
    // One thing at a time: where a second pod goes, the first stays.
    if (pod && remove.length === 0 && !isUpdated(view.hash)(pod)) (available ? serving : idle).push(pod);
  }
  const room = Math.max(0, maxUnavailable(view.set, wanted.length) - unavailable);
  return { create: [], remove: [...idle, ...serving.slice(0, room)].map((pod) => ({ pod, because: 'outdated' })) };
}

/** New pods come beside the old ones, which go when the new ones are available. A node whose old pod is not available does not count (KEP-1591). */
function planSurge(view: DaemonSetView, wanted: readonly Tidied[], atMost: number): DaemonSetPlan {
  const available = (pod: Pod): boolean => isAvailable(pod, view.set.spec?.minReadySeconds ?? 0, view.nowMs);
  const updated = isUpdated(view.hash);
  let surging = 0;
  const [create, candidates, remove]: [string[], string[], Pod[]] = [[], [], []];
  for (const { place, kept } of wanted) {
    const old = kept.find((pod) => !updated(pod));
    const successor = kept.find(updated);
    if (old && successor && available(successor)) remove.push(old);
    else if (old && successor && available(old)) surging++;
    // A successor that is going, or has ended, still has the place.
    else if (!successor && !place.pods.some(updated) && place.pods.length > 0) (old && available(old) ? candidates : create).push(place.node);
  }
  return { create: [...create, ...candidates.slice(0, Math.max(0, atMost - surging))], remove: remove.map((pod) => ({ pod, because: 'outdated' })) };
}
