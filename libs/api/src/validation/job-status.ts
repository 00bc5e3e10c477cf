import type { Job, JobStatus } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import { isConditionTrue } from '../meta/conditions';
import type { FieldError } from '../resource';
import { deepEqual } from '../deep-equal';
import { timeToMs, timeToText } from '../scalars/time';
import { validateCounts } from './counts';
import { duplicate, invalid, required } from './field-error';
import { firstOverlap, parseIndexes } from './job-indexes';
import { invalidWhole } from './job-policies';

const is = ({ status }: Job, type: string): boolean => isConditionTrue(status?.conditions, type);
const text = (time: JobStatus['startTime']): string | undefined => time && timeToText(time);

/** What a job tells of itself must agree with itself and with what it told before. */
export function validateJobStatus(next: Job, previous: Job): FieldError[] {
  return [
    ...validateCounts(next.status, 'status', ['active', 'succeeded', 'failed', 'ready', 'terminating']),
    ...validateUncounted(next.status), ...validateConditions(next), ...validateTimes(next), ...validateFinished(next), ...validateIndexes(next),
    ...validateTransition(next, previous),
  ];
}

function validateUncounted({ uncountedTerminatedPods }: JobStatus = {}): FieldError[] {
  const seen = new Set<string>();
  return (['succeeded', 'failed'] as const).flatMap((list) => (uncountedTerminatedPods?.[list] ?? []).flatMap((uid, index) => {
    const field = `status.uncountedTerminatedPods.${list}[${index}]`;
    if (uid === '') return [invalid(field, uid, 'must not be empty')];
    if (seen.has(uid)) return [duplicate(field, uid)];
    seen.add(uid);
    return [];
  }));
}

function validateConditions(job: Job): FieldError[] {
  const [complete, failed, failing, succeeded] = ['Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet'].map((type) => is(job, type));
  const wrong = (when: boolean | undefined, what: string): FieldError[] => (when ? [invalidWhole('status.conditions', what)] : []);
  return [
    ...wrong(complete && failed, 'cannot set Complete=True and Failed=true conditions'),
    ...wrong(complete && failing, 'cannot set Complete=True and FailureTarget=true conditions'),
    ...wrong(failed && !failing, 'cannot set Failed=True condition without the FailureTarget=true condition'),
    ...wrong(complete && !succeeded, 'cannot set Complete=True condition without the SuccessCriteriaMet=true condition'),
    ...wrong(succeeded && failed, 'cannot set SuccessCriteriaMet=True and Failed=true conditions'),
    ...wrong(succeeded && failing, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions'),
    ...wrong(complete && !succeeded && job.spec?.successPolicy !== undefined, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'),
  ];
}

function validateTimes(job: Job): FieldError[] {
  const { startTime, completionTime } = job.status ?? {};
  const complete = is(job, 'Complete');
  const field = 'status.completionTime';
  const errors: FieldError[] = [];
  if (completionTime && !complete) errors.push(invalid(field, text(completionTime), 'cannot set completionTime when there is no Complete=True condition'));
  if (!completionTime && complete) errors.push(required(field, 'completionTime is required for Complete jobs'));
  if (startTime && completionTime && (timeToMs(completionTime) ?? 0) < (timeToMs(startTime) ?? 0)) errors.push(invalid(field, text(completionTime), 'completionTime cannot be set before startTime'));
  return errors;
}

function validateFinished(job: Job): FieldError[] {
  const { active = 0, ready = 0, terminating = 0, startTime, uncountedTerminatedPods: uncounted } = job.status ?? {};
  const errors: FieldError[] = ready > active ? [invalid('status.ready', ready, 'cannot set more ready pods than active')] : [];
  if (!is(job, 'Complete') && !is(job, 'Failed')) return errors;
  if (active > 0) errors.push(invalid('status.active', active, 'active>0 is invalid for finished job'));
  if (!startTime) errors.push(required('status.startTime', 'startTime is required for finished job'));
  if ((uncounted?.succeeded?.length ?? 0) + (uncounted?.failed?.length ?? 0) > 0) {
    errors.push(invalid('status.uncountedTerminatedPods', uncounted, 'uncountedTerminatedPods needs to be empty for finished job'));
  }
  if (terminating > 0) errors.push(invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'));
  return errors;
}

function validateIndexes({ spec = {}, status = {} }: Job): FieldError[] {
  const { completedIndexes = '', failedIndexes } = status;
  const errors: FieldError[] = [];
  if (completedIndexes !== '' && spec.completionMode !== 'Indexed') {
    errors.push(invalid('status.completedIndexes', completedIndexes, 'cannot set non-empty completedIndexes when non-indexed completion mode'));
  }
  if (failedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.push(invalid('status.failedIndexes', failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'));
  }
  if (spec.completions === undefined) return errors;
  const completed = parseIndexes(completedIndexes, spec.completions);
  const failed = parseIndexes(failedIndexes ?? '', spec.completions);
  if (typeof completed === 'string') errors.push(invalid('status.completedIndexes', completedIndexes, `error parsing completedIndexes: ${completed}`));
  if (typeof failed === 'string' && spec.backoffLimitPerIndex !== undefined) errors.push(invalid('status.failedIndexes', failedIndexes, `error parsing failedIndexes: ${failed}`));
  if (typeof completed === 'string' || typeof failed === 'string') return errors;
  const overlap = firstOverlap(completed, failed);
  return overlap === undefined ? errors : [...errors, invalid('status.failedIndexes', failedIndexes, `failedIndexes and completedIndexes overlap at index: ${overlap}`)];
}

function validateTransition(next: Job, previous: Job): FieldError[] {
  const [after, before] = [next.status ?? {}, previous.status ?? {}];
  const errors = ['Failed', 'Complete', 'FailureTarget'].filter((type) => is(previous, type) && !is(next, type))
    .map((type) => invalidWhole('status.conditions', `cannot disable the terminal ${type}=True condition`));
  for (const counter of ['failed', 'succeeded'] as const) {
    // An indexed job that shrinks loses the successes beyond its end (KEP-3715).
    if (counter === 'succeeded' && next.spec?.completionMode === 'Indexed') continue;
    if ((after[counter] ?? 0) < (before[counter] ?? 0)) errors.push(invalid(`status.${counter}`, after[counter] ?? 0, `cannot decrease the ${counter} counter`));
  }
  if (after.completionTime && before.completionTime && !deepEqual(after.completionTime, before.completionTime)) {
    errors.push(invalid('status.completionTime', text(after.completionTime), 'completionTime cannot be mutated'));
  }
  if (before.startTime && !deepEqual(after.startTime, before.startTime) && !next.spec?.suspend) {
    errors.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'));
  }
  const succeeded = 'SuccessCriteriaMet';
  if (is(previous, succeeded) && !is(next, succeeded)) errors.push(invalidWhole('status.conditions', 'cannot disable the SuccessCriteriaMet=True condition'));
  if (is(previous, 'Complete') && !is(previous, succeeded) && is(next, succeeded)) {
    errors.push(invalidWhole('status.conditions', 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'));
  }
  return errors;
}
