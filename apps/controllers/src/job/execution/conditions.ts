import { findCondition, isConditionTrue, timeFromMs } from '@navarch/api';
import type { Job, JobCondition } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import type { Verdict } from './verdict';

/** Complete or Failed: nothing will change any more. */
export function isFinished({ status }: Job): boolean {
  return isConditionTrue(status?.conditions, 'Complete') || isConditionTrue(status?.conditions, 'Failed');
}

/** The list with this condition; the same list where it says so already. */
function withCondition(conditions: readonly JobCondition[], condition: JobCondition, nowMs: number): readonly JobCondition[] {
  const present = findCondition(conditions, condition.type ?? '');
  if (present?.status === condition.status && present?.reason === condition.reason && present?.message === condition.message) return conditions;
  const time = timeFromMs(nowMs);
  const lastTransitionTime = present?.status === condition.status ? present?.lastTransitionTime : time;
  const next = { ...condition, lastProbeTime: time, lastTransitionTime };
  return present ? conditions.map((each) => (each === present ? next : each)) : [...conditions, next];
}

/**
 * First what the job is to become (SuccessCriteriaMet, FailureTarget), and when its last pod has gone and is counted, what it is
 * (Complete, Failed). Only of a job that goes on it is said whether it is suspended.
 */
export function nextConditions(job: Job, verdict: Verdict, isOver: boolean, nowMs: number): readonly JobCondition[] {
  const conditions = job.status?.conditions ?? [];
  if (verdict.type === 'running') return suspension(conditions, job.spec?.suspend ?? false, nowMs);
  const { reason, message } = verdict;
  const [target, end] = verdict.type === 'succeeding' ? ['SuccessCriteriaMet', 'Complete'] : ['FailureTarget', 'Failed'];
  const aimed = withCondition(conditions, { type: target, status: 'True', reason, message }, nowMs);
  return isOver ? withCondition(aimed, { type: end, status: 'True', reason, message }, nowMs) : aimed;
}

function suspension(conditions: readonly JobCondition[], suspend: boolean, nowMs: number): readonly JobCondition[] {
  if (suspend) return withCondition(conditions, { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }, nowMs);
  if (!findCondition(conditions, 'Suspended')) return conditions;
  return withCondition(conditions, { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }, nowMs);
}
