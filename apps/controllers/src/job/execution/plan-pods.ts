import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { deletionOrder } from '../../workload/deletion-order';
import { remainingDelayMs, type BackoffRecord } from './backoff';
import type { Census } from './census';
import { judgeFailure } from './failure-policy';
import { IndexSet } from './indexes';
import { earlierFailures, endedMs, hasLimitPerIndex, indexOf, isIndexed, isTracked, replacesOnlyFailed } from './tracked-pods';

export interface WantedPod {
  /** Of an indexed job. */
  readonly index?: number;
  /** With a back-off limit per index: how its index has failed before. */
  readonly earlier?: { readonly counted: number; readonly ignored: number };
}

export interface PodPlan {
  readonly create: readonly WantedPod[];
  /** Not wanted any longer; their end is no failure, so they lose their finalizer first. */
  readonly remove: readonly Pod[];
  /** Active pods that nobody would count: adopted ones, and such as were to be removed when a controller died. */
  readonly track: readonly Pod[];
  /** When a pod whose turn has not come may be made. */
  readonly lookAgainMs?: number;
}

const none: PodPlan = { create: [], remove: [], track: [] };
/** Pods made or removed in one reconcile. */
export const mostPodsAtOnce = 500;

/** Which pods a job that goes on should gain or lose; never both at once. */
export function planPods(job: Job, census: Census, backoff: BackoffRecord, nowMs: number): PodPlan {
  if (job.metadata?.deletionTimestamp) return none;
  const { active } = census;
  if (job.spec?.suspend) return { ...none, remove: active.slice(0, mostPodsAtOnce) };
  const wanted = wantedActive(job, census);
  const remove = surplus(job, active, Math.max(0, active.length - wanted), nowMs).slice(0, mostPodsAtOnce);
  const removed = new Set(remove);
  const track = active.filter((pod) => !isTracked(pod) && !removed.has(pod));
  if (remove.length > 0) return { ...none, remove, track };
  const going = replacesOnlyFailed(job) ? census.terminating.length : 0;
  const missing = Math.min(mostPodsAtOnce, wanted - active.length - going);
  return missing > 0 ? { ...none, track, ...planNew(job, census, missing, backoff, nowMs) } : { ...none, track };
}

/** How many pods should be active. */
function wantedActive({ spec }: Job, { succeeded, active }: Census): number {
  const { parallelism = 1, completions } = spec ?? {};
  // The first worker of a queue that is done says that there is nothing new in it.
  if (completions === undefined) return succeeded > 0 ? Math.min(active.length, parallelism) : parallelism;
  return Math.max(0, Math.min(parallelism, completions - succeeded));
}

function planNew(job: Job, census: Census, missing: number, backoff: BackoffRecord, nowMs: number): Pick<PodPlan, 'create' | 'lookAgainMs'> {
  if (hasLimitPerIndex(job)) return planByIndex(job, census, missing, nowMs);
  const delayMs = remainingDelayMs(backoff, nowMs);
  if (delayMs > 0) return { create: [], lookAgainMs: delayMs };
  if (!isIndexed(job)) return { create: Array.from({ length: missing }, () => ({})) };
  return { create: pendingIndexes(job, census).firstMissing(missing, job.spec?.completions ?? 0).map((index) => ({ index })) };
}

/** Each index waits for itself (KEP-3850). */
function planByIndex(job: Job, census: Census, missing: number, nowMs: number): Pick<PodPlan, 'create' | 'lookAgainMs'> {
  const taken = pendingIndexes(job, census);
  const delays = new Map([...census.lastFailed].map(([index, pod]) => [index, delayAfter(pod, nowMs)]));
  const waiting = [...delays].filter(([, delayMs]) => delayMs > 0);
  const indexes = taken.union(IndexSet.of(waiting.map(([index]) => index))).firstMissing(missing, job.spec?.completions ?? 0);
  const create = indexes.map((index): WantedPod => ({ index, earlier: failuresBy(job, census.lastFailed.get(index)) }));
  return waiting.length === 0 ? { create } : { create, lookAgainMs: Math.min(...waiting.map(([, delayMs]) => delayMs)) };
}

function delayAfter(pod: Pod, nowMs: number): number {
  const { counted, ignored } = earlierFailures(pod);
  return remainingDelayMs({ failures: counted + ignored + 1, lastFailureMs: endedMs(pod) }, nowMs);
}

/** What the successor of this pod notes as its index's failures. */
function failuresBy(job: Job, pod: Pod | undefined): { readonly counted: number; readonly ignored: number } {
  if (!pod) return { counted: 0, ignored: 0 };
  const { counted, ignored } = earlierFailures(pod);
  return judgeFailure(job, pod).action === 'Ignore' ? { counted, ignored: ignored + 1 } : { counted: counted + 1, ignored };
}

/** Indexes for which no pod should be made. */
function pendingIndexes(job: Job, { active, terminating, succeededIndexes, failedIndexes }: Census): IndexSet {
  const busy = [...active, ...(replacesOnlyFailed(job) ? terminating : [])];
  return succeededIndexes.union(failedIndexes ?? IndexSet.none).union(IndexSet.of(busy.flatMap((pod) => indexOf(pod, job) ?? [])));
}

/** Pods of an index that another has already, or that nobody wants; then those that are cheapest to lose, up to `atLeast`. */
function surplus(job: Job, active: readonly Pod[], atLeast: number, nowMs: number): Pod[] {
  const ordered = deletionOrder(active, nowMs);
  if (!isIndexed(job)) return ordered.slice(0, atLeast);
  const kept = new Map<number, Pod>();
  const removed = new Set<Pod>();
  // From the most valuable on, so that of two with one index the better stays.
  for (const pod of [...ordered].reverse()) {
    const index = indexOf(pod, job);
    if (index === undefined || kept.has(index)) removed.add(pod);
    else kept.set(index, pod);
  }
  const left = ordered.filter((pod) => !removed.has(pod));
  return [...removed, ...left.slice(0, Math.max(0, atLeast - removed.size))];
}
