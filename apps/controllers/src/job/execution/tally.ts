/**
 * How the pods of a job are counted exactly once (KEP-2307), whatever dies in between:
 *
 *   1. an ended pod's uid goes into the status (uncountedTerminatedPods), by compare-and-set;
 *   2. its finalizer is taken away;
 *   3. once it is known to bear none, the uid leaves the list and the counter goes up, in one write.
 *
 * Caches of pods and of the job are followed apart, so one may be behind the other, and then a pod that was counted long ago
 * looks new. Hence before 1 each pod is read from the API (`confirm`): where it still bears the finalizer, no version of the job that
 * we can have seen has counted it. Before 3 a uid that is not in the cache must be proven gone (`unproven`).
 */
import type { Job, UncountedTerminatedPods } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { counts, type Census } from './census';
import { hasFailed, hasSucceeded, indexOf, isIndexed, isTracked } from './tracked-pods';
import type { Verdict } from './verdict';

export interface Tally {
  readonly succeeded: number;
  readonly failed: number;
  readonly uncounted: UncountedTerminatedPods;
  /** Newly listed: to be confirmed before the status is written. */
  readonly confirm: readonly Pod[];
  /** Uids that could be counted if it were known that their pods are gone. */
  readonly unproven: readonly string[];
  /** Whose finalizers go once the status is written. */
  readonly release: readonly Pod[];
}

/** Uids listed, and finalizers taken away, at once. */
export const mostAtOnce = 500;

export function tallyPods(job: Job, census: Census, verdict: Verdict, goneUids: ReadonlySet<string>): Tally {
  const settled = settle(job, census.pods, goneUids);
  const leaving = census.pods.filter((pod) => isTracked(pod) && mayLeave(pod, job, census, verdict)).slice(0, mostAtOnce);
  const fresh = new Set([...census.newlySucceeded, ...census.newlyFailed]);
  const newlySucceeded = isIndexed(job) ? [] : leaving.filter((pod) => fresh.has(pod) && hasSucceeded(pod));
  const newlyFailed = leaving.filter((pod) => isNewFailure(pod, job, fresh, settled.listed, verdict));
  const uids = (pods: readonly Pod[]): string[] => pods.map(({ metadata }) => metadata?.uid ?? '');
  return {
    succeeded: isIndexed(job) ? census.succeededIndexes.size : settled.succeeded,
    failed: settled.failed,
    uncounted: { succeeded: [...settled.stillSucceeded, ...uids(newlySucceeded)], failed: [...settled.stillFailed, ...uids(newlyFailed)] },
    confirm: [...newlySucceeded, ...newlyFailed], unproven: settled.unproven, release: leaving,
  };
}

interface Settled {
  readonly succeeded: number;
  readonly failed: number;
  readonly stillSucceeded: readonly string[];
  readonly stillFailed: readonly string[];
  readonly unproven: readonly string[];
  readonly listed: ReadonlySet<string>;
}

/** Step 3: from the lists into the counters. */
function settle({ status = {} }: Job, pods: readonly Pod[], goneUids: ReadonlySet<string>): Settled {
  const { succeeded: listedSucceeded = [], failed: listedFailed = [] } = status.uncountedTerminatedPods ?? {};
  const byUid = new Map(pods.map((pod) => [pod.metadata?.uid ?? '', pod]));
  const isFree = (uid: string): boolean => {
    const pod = byUid.get(uid);
    return goneUids.has(uid) || (pod !== undefined && !isTracked(pod));
  };
  const still = (uids: readonly string[]): string[] => uids.filter((uid) => !isFree(uid));
  const [stillSucceeded, stillFailed] = [still(listedSucceeded), still(listedFailed)];
  return {
    stillSucceeded, stillFailed,
    succeeded: (status.succeeded ?? 0) + listedSucceeded.length - stillSucceeded.length,
    failed: (status.failed ?? 0) + listedFailed.length - stillFailed.length,
    unproven: [...stillSucceeded, ...stillFailed].filter((uid) => !byUid.has(uid)),
    listed: new Set([...listedSucceeded, ...listedFailed]),
  };
}

/** Whether the finalizer has done its service. */
function mayLeave(pod: Pod, job: Job, { lastFailed }: Census, verdict: Verdict): boolean {
  if (job.metadata?.deletionTimestamp || hasSucceeded(pod)) return true;
  if (verdict.type !== 'running') return pod.status?.phase === 'Failed' || pod.metadata?.deletionTimestamp !== undefined;
  if (!hasFailed(pod, job)) return false;
  const index = indexOf(pod, job);
  // Its successor is to take over how often its index has failed.
  return index === undefined || lastFailed.get(index) !== pod;
}

/** Of a job that fails, what is still going counts as failed: nobody waits to hear how it ends. */
function isNewFailure(pod: Pod, job: Job, fresh: ReadonlySet<Pod>, listed: ReadonlySet<string>, verdict: Verdict): boolean {
  if (hasSucceeded(pod) || !counts(pod, job)) return false;
  if (fresh.has(pod)) return true;
  return verdict.type === 'failing' && pod.metadata?.deletionTimestamp !== undefined && !listed.has(pod.metadata.uid ?? '');
}
