import { isPodReady } from '@navarch/api';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isActive } from '../../workload/pod-state';
import { judgeFailure } from './failure-policy';
import { IndexSet } from './indexes';
import { earlierFailures, hasFailed, hasLimitPerIndex, hasSucceeded, indexOf, isIndexed, isTerminating, isTracked } from './tracked-pods';

/** What is known of a job's pods, before anything is decided. */
export interface Census {
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly ready: number;
  /** Asked to go, not ended yet. */
  readonly terminating: readonly Pod[];
  /** Ended, and in no count of the status yet. */
  readonly newlySucceeded: readonly Pod[];
  readonly newlyFailed: readonly Pod[];
  /** All there ever were, whether the status has them yet or not. */
  readonly succeeded: number;
  readonly failed: number;
  readonly succeededIndexes: IndexSet;
  /** Only with a back-off limit per index. */
  readonly failedIndexes?: IndexSet;
  /** By index, the pod that failed last and has no successor yet: it remembers how often its index has failed. */
  readonly lastFailed: ReadonlyMap<number, Pod>;
}

/** Counts the pods that a job controls. A pod that still bears the finalizer and stands in no list of the status is not counted yet. */
export function takeCensus(job: Job, pods: readonly Pod[]): Census {
  const { uncountedTerminatedPods: uncounted = {}, succeeded = 0, failed = 0 } = job.status ?? {};
  const listed = new Set([...(uncounted.succeeded ?? []), ...(uncounted.failed ?? [])]);
  const fresh = pods.filter((pod) => isTracked(pod) && !listed.has(pod.metadata?.uid ?? ''));
  const newlySucceeded = fresh.filter(hasSucceeded);
  const newlyFailed = fresh.filter((pod) => hasFailed(pod, job));
  const counting = newlyFailed.filter((pod) => counts(pod, job));
  const succeededIndexes = succeededOf(job, pods);
  const failedIndexes = hasLimitPerIndex(job) ? failedOf(job, pods, succeededIndexes) : undefined;
  const active = pods.filter(isActive);
  const census = {
    pods, active, newlySucceeded, newlyFailed, succeededIndexes,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isTerminating),
    succeeded: isIndexed(job) ? succeededIndexes.size : succeeded + newlySucceeded.length + (uncounted.succeeded?.length ?? 0),
    failed: failed + counting.length + (uncounted.failed?.length ?? 0),
  };
  if (!failedIndexes) return { ...census, lastFailed: new Map() };
  return { ...census, failedIndexes, lastFailed: lastFailedOf(job, pods, census, failedIndexes) };
}

/** Whether this failure is one that the job counts: not where its policy ignores it, nor of an index that nobody wants. */
export function counts(pod: Pod, job: Job): boolean {
  return (!isIndexed(job) || indexOf(pod, job) !== undefined) && judgeFailure(job, pod).action !== 'Ignore';
}

function indexesOf(job: Job, pods: readonly Pod[]): IndexSet {
  return IndexSet.of(pods.flatMap((pod) => indexOf(pod, job) ?? []));
}

function succeededOf(job: Job, pods: readonly Pod[]): IndexSet {
  if (!isIndexed(job)) return IndexSet.none;
  const counted = IndexSet.parse(job.status?.completedIndexes, job.spec?.completions ?? 0);
  return counted.union(indexesOf(job, pods.filter((pod) => isTracked(pod) && hasSucceeded(pod))));
}

/** An index has failed when its policy says so, or when it has failed more often than its limit (KEP-3850). */
function failedOf(job: Job, pods: readonly Pod[], succeeded: IndexSet): IndexSet {
  const limit = job.spec?.backoffLimitPerIndex ?? 0;
  const givenUp = pods.filter((pod) => {
    if (!isTracked(pod) || !hasFailed(pod, job)) return false;
    const { action } = judgeFailure(job, pod);
    return action === 'FailIndex' || (action !== 'Ignore' && earlierFailures(pod).counted >= limit);
  });
  const known = IndexSet.parse(job.status?.failedIndexes, job.spec?.completions ?? 0);
  return known.union(indexesOf(job, givenUp.filter((pod) => !succeeded.has(indexOf(pod, job) ?? -1))));
}

function lastFailedOf(job: Job, pods: readonly Pod[], { active, succeededIndexes }: Pick<Census, 'active' | 'succeededIndexes'>, failed: IndexSet): Map<number, Pod> {
  const settled = succeededIndexes.union(failed).union(indexesOf(job, active));
  const total = (pod: Pod): number => earlierFailures(pod).counted + earlierFailures(pod).ignored;
  const last = new Map<number, Pod>();
  for (const pod of pods) {
    const index = indexOf(pod, job);
    if (index === undefined || !isTracked(pod) || !hasFailed(pod, job) || settled.has(index)) continue;
    const other = last.get(index);
    if (!other || total(other) <= total(pod)) last.set(index, pod);
  }
  return last;
}
