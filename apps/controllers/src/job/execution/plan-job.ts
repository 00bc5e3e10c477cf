import { isConditionTrue, timeFromMs } from '@navarch/api';
import type { Job, JobStatus } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { nextRecord, type BackoffRecord, type EndedPod } from './backoff';
import { takeCensus, type Census } from './census';
import { nextConditions } from './conditions';
import { IndexSet } from './indexes';
import { planPods, type PodPlan } from './plan-pods';
import { tallyPods, type Tally } from './tally';
import { endedMs, hasFailed, hasSucceeded, indexOf, isIndexed, isTracked } from './tracked-pods';
import { judgeJob, msToDeadline, type Verdict } from './verdict';

export interface JobMemory {
  /** Absent after a restart: then the pods that are still there tell it. */
  readonly backoff?: BackoffRecord | undefined;
  /** Uids listed as uncounted whose pods are known to bear no finalizer, though the cache does not show them. */
  readonly goneUids: ReadonlySet<string>;
}

export interface JobPlan extends PodPlan, Pick<Tally, 'confirm' | 'unproven' | 'release'> {
  readonly status: JobStatus;
  /** Active pods of a job that is to end. They keep the finalizer: their end may count. */
  readonly stop: readonly Pod[];
  readonly backoff: BackoffRecord;
  readonly events: readonly JobEvent[];
}

export interface JobEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

const noPods: PodPlan = { create: [], remove: [], track: [] };

/** What to do for a job that is not finished, given the pods it controls. Pure; see tally.ts for the order in which it is to be done. */
export function planJob(job: Job, pods: readonly Pod[], { backoff: previous, goneUids }: JobMemory, nowMs: number): JobPlan {
  const census = takeCensus(job, pods);
  const verdict = judgeJob(job, census, nowMs);
  const tally = tallyPods(job, census, verdict, goneUids);
  const backoff = nextRecord(previous, endedPods(job, census, tally, previous === undefined));
  const goesOn = verdict.type === 'running';
  const podPlan = goesOn ? planPods(job, census, backoff, nowMs) : noPods;
  const status = nextStatus(job, census, verdict, tally, nowMs);
  const lookAgainMs = least(podPlan.lookAgainMs, goesOn ? msToDeadline({ ...job, status }, nowMs) : undefined);
  return {
    ...podPlan, ...(lookAgainMs !== undefined && { lookAgainMs }),
    status, backoff, stop: goesOn ? [] : census.active,
    confirm: tally.confirm, unproven: tally.unproven, release: tally.release,
    events: eventsOf(job, status, verdict),
  };
}

const least = (...values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

/** Pods whose end is news for the back-off. */
function endedPods(job: Job, census: Census, { confirm }: Tally, all: boolean): EndedPod[] {
  const counted = IndexSet.parse(job.status?.completedIndexes, job.spec?.completions ?? 0);
  const newIndexes = isIndexed(job) ? census.newlySucceeded.filter((pod) => !counted.has(indexOf(pod, job) ?? -1)) : [];
  const ended = all ? census.pods.filter((pod) => hasSucceeded(pod) || hasFailed(pod, job)) : [...confirm, ...newIndexes];
  return ended.map((pod) => ({ endedMs: endedMs(pod), failed: !hasSucceeded(pod) }));
}

function nextStatus(job: Job, census: Census, verdict: Verdict, tally: Tally, nowMs: number): JobStatus {
  const { succeeded: listedSucceeded = [], failed: listedFailed = [] } = tally.uncounted;
  const open = listedSucceeded.length + listedFailed.length + census.active.length + census.terminating.length;
  const isOver = verdict.type !== 'running' && open === 0 && !census.pods.some(isTracked);
  const conditions = nextConditions(job, verdict, isOver, nowMs);
  const startTime = nextStart(job, verdict, isOver, nowMs);
  const complete = isConditionTrue(conditions, 'Complete');
  const { completionTime } = job.status ?? {};
  return {
    ...(conditions.length > 0 && { conditions: [...conditions] }),
    ...(startTime && { startTime }),
    ...((completionTime || complete) && { completionTime: completionTime ?? timeFromMs(nowMs) }),
    ...(census.active.length > 0 && { active: census.active.length }),
    ...(tally.succeeded > 0 && { succeeded: tally.succeeded }),
    ...(tally.failed > 0 && { failed: tally.failed }),
    ready: census.ready, terminating: census.terminating.length,
    ...(census.succeededIndexes.size > 0 && { completedIndexes: String(census.succeededIndexes) }),
    ...(census.failedIndexes && { failedIndexes: String(census.failedIndexes) }),
    uncountedTerminatedPods: { ...(listedSucceeded.length > 0 && { succeeded: listedSucceeded }), ...(listedFailed.length > 0 && { failed: listedFailed }) },
  };
}

/** The time starts with the job, stops while it is suspended, and begins anew when it is resumed. */
function nextStart({ spec, status }: Job, verdict: Verdict, isOver: boolean, nowMs: number): JobStatus['startTime'] {
  const now = timeFromMs(nowMs);
  if (verdict.type !== 'running') return status?.startTime ?? (isOver ? now : undefined);
  if (spec?.suspend) return undefined;
  return isConditionTrue(status?.conditions, 'Suspended') ? now : (status?.startTime ?? now);
}

function eventsOf(job: Job, next: JobStatus, verdict: Verdict): JobEvent[] {
  const became = (type: string): boolean => isConditionTrue(next.conditions, type) && !isConditionTrue(job.status?.conditions, type);
  const event = (type: JobEvent['type'], reason: string, message: string): JobEvent => ({ type, reason, message });
  return [
    ...(became('Suspended') ? [event('Normal', 'Suspended', 'Job suspended')] : []),
    ...(isConditionTrue(job.status?.conditions, 'Suspended') && !isConditionTrue(next.conditions, 'Suspended') ? [event('Normal', 'Resumed', 'Job resumed')] : []),
    ...(became('Complete') ? [event('Normal', 'Completed', 'Job completed')] : []),
    ...(became('Failed') && verdict.type !== 'running' ? [event('Warning', verdict.reason, verdict.message)] : []),
  ];
}
