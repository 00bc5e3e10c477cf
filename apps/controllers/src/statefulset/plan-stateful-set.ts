import { findCondition, intOrPercent, isPodTerminal } from '@navarch/api';
import type { StatefulSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isAvailable } from '../workload/pod-state';
import { missingIdentity, ordinalOf, ordinalsOf, revisionOf } from './identity';

export interface StatefulSetView {
  readonly set: StatefulSet;
  /** The set's own, all of them. */
  readonly pods: readonly Pod[];
  /** Names of revisions: what pods below the partition have, and what the others are to have. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly nowMs: number;
}

export type DeleteReason =
  /** It ended, whatever its exit code: its place is free only when it is gone. */
  | 'finished'
  /** There are to be fewer. */
  | 'condemned'
  /** Its turn has come in a rolling update. */
  | 'outdated'
  /** It cannot become ready and bars the way of the template that would mend it. */
  | 'stuck';

export type StatefulSetAction =
  | { readonly action: 'create'; readonly ordinal: number; readonly revision: string }
  | { readonly action: 'delete'; readonly pod: Pod; readonly because: DeleteReason }
  | { readonly action: 'label'; readonly pod: Pod; readonly labels: Readonly<Record<string, string>> };

/** The set's pods by what is to become of them. */
export interface Places {
  /** By ordinal, those that are to be there and are. */
  readonly kept: ReadonlyMap<number, Pod>;
  /** Outside the wanted ordinals, highest first. */
  readonly condemned: readonly Pod[];
}

export function placesOf(set: StatefulSet, pods: readonly Pod[]): Places {
  const { first, count } = ordinalsOf(set);
  const kept = new Map<number, Pod>();
  const condemned: { readonly ordinal: number; readonly pod: Pod }[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal === undefined) continue;
    if (ordinal >= first && ordinal < first + count) kept.set(ordinal, pod);
    else condemned.push({ ordinal, pod });
  }
  condemned.sort((left, right) => right.ordinal - left.ordinal);
  return { kept, condemned: condemned.map(({ pod }) => pod) };
}

/**
 * What to do next, as Kubernetes documents it. OrderedReady makes pods from the lowest ordinal on, each when all before it are available,
 * and deletes from the highest on, one when the last is gone; Parallel does not wait. A place is taken until its pod is
 * really gone, so that no ordinal ever has two. Scaling comes before updating.
 */
export function planStatefulSet(view: StatefulSetView): StatefulSetAction[] {
  const places = placesOf(view.set, view.pods);
  const inOrder = view.set.spec?.podManagementPolicy !== 'Parallel';
  const filling = planFilling(view, places, inOrder);
  if (inOrder && filling.waits) return filling.actions;
  const shrinking = planShrinking(places, inOrder);
  if (inOrder && places.condemned.length > 0) return [...filling.actions, ...shrinking];
  return [...filling.actions, ...shrinking, ...planUpdate(view, places)];
}

interface Filling {
  readonly actions: StatefulSetAction[];
  /** Something must happen before anything that comes later in the order. */
  readonly waits: boolean;
}

function planFilling(view: StatefulSetView, { kept }: Places, inOrder: boolean): Filling {
  const { first, count } = ordinalsOf(view.set);
  const actions: StatefulSetAction[] = [];
  for (let ordinal = first; ordinal < first + count; ordinal++) {
    const pod = kept.get(ordinal);
    const action = pod ? planPlace(view, ordinal, pod, inOrder) : createAction(view, ordinal);
    if (action) actions.push(action);
    if (inOrder && !(pod && isSettled(view, pod))) return { actions, waits: true };
  }
  return { actions, waits: false };
}

function createAction({ set, currentRevision, updateRevision }: StatefulSetView, ordinal: number): StatefulSetAction {
  const belowPartition = set.spec?.updateStrategy?.type !== 'OnDelete' && ordinal - ordinalsOf(set).first < partitionOf(set);
  return { action: 'create', ordinal, revision: belowPartition ? currentRevision : updateRevision };
}

function planPlace(view: StatefulSetView, ordinal: number, pod: Pod, inOrder: boolean): StatefulSetAction | undefined {
  if (pod.metadata?.deletionTimestamp) return undefined;
  if (isPodTerminal(pod)) return { action: 'delete', pod, because: 'finished' };
  if (inOrder && isOutdated(view, ordinal, pod) && cannotStart(pod)) return { action: 'delete', pod, because: 'stuck' };
  const labels = missingIdentity(view.set, ordinal, pod);
  return Object.keys(labels).length > 0 ? { action: 'label', pod, labels } : undefined;
}

function planShrinking({ condemned }: Places, inOrder: boolean): StatefulSetAction[] {
  const doomed = inOrder ? condemned.slice(0, 1) : condemned;
  return doomed.filter(({ metadata }) => !metadata?.deletionTimestamp).map((pod) => ({ action: 'delete', pod, because: 'condemned' }));
}

/**
 * From the highest ordinal down to the partition. At most maxUnavailable pods are being replaced at a time, and none that is available goes when
 * so many are unavailable already, for whatever reason (KEP-961); those that are unavailable anyway go first.
 */
function planUpdate(view: StatefulSetView, { kept }: Places): StatefulSetAction[] {
  const { first, count } = ordinalsOf(view.set);
  const atMost = maxUnavailable(view.set);
  let [unavailable, inReplacement] = [count - kept.size, count - kept.size];
  const candidates: { readonly pod: Pod; readonly settled: boolean }[] = [];
  for (let ordinal = first + count - 1; ordinal >= first; ordinal--) {
    const pod = kept.get(ordinal);
    if (!pod) continue;
    const settled = isSettled(view, pod);
    const replaceable = isOutdated(view, ordinal, pod) && !pod.metadata?.deletionTimestamp && !isPodTerminal(pod);
    if (replaceable) candidates.push({ pod, settled });
    if (!settled) unavailable++;
    if (!settled && !replaceable) inReplacement++;
  }
  const actions: StatefulSetAction[] = [];
  for (const { pod, settled } of [...candidates.filter((one) => !one.settled), ...candidates.filter((one) => one.settled)]) {
    if (inReplacement >= atMost || (settled && unavailable >= atMost)) break;
    actions.push({ action: 'delete', pod, because: 'outdated' });
    inReplacement++;
    if (settled) unavailable++;
  }
  return actions;
}

const partitionOf = ({ spec }: StatefulSet): number => spec?.updateStrategy?.rollingUpdate?.partition ?? 0;

/** How many pods may be unavailable during an update: a share of all is rounded up; at least one. */
export function maxUnavailable(set: StatefulSet): number {
  const wanted = set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
  return Math.max(1, wanted ? intOrPercent(wanted, ordinalsOf(set).count, true) : 1);
}

/** A rolling update is to replace it. */
function isOutdated({ set, updateRevision }: StatefulSetView, ordinal: number, pod: Pod): boolean {
  return set.spec?.updateStrategy?.type !== 'OnDelete' && ordinal - ordinalsOf(set).first >= partitionOf(set) && revisionOf(pod) !== updateRevision;
}

/** Running, ready for long enough, and to stay. */
function isSettled({ set, nowMs }: StatefulSetView, pod: Pod): boolean {
  return pod.metadata?.deletionTimestamp === undefined && isRunning(pod) && isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs);
}

export const isRunning = ({ status }: Pod): boolean => status?.phase === 'Running';

const failures = new Set([
  'CrashLoopBackOff', 'ImagePullBackOff', 'ErrImagePull', 'ErrImageNeverPull', 'InvalidImageName', 'CreateContainerConfigError', 'CreateContainerError', 'RunContainerError',
]);

/**
 * It will not become ready by waiting, as far as anybody can tell: no node takes it, or a container cannot be started or keeps failing. Kubernetes leaves such a
 * pod in place, so that a broken template of an ordered set can be mended only by hand (kubernetes/kubernetes#67250).
 */
export function cannotStart({ status }: Pod): boolean {
  const scheduled = findCondition(status?.conditions, 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') return true;
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].some(({ state }) => failures.has(state?.waiting?.reason ?? ''));
}
