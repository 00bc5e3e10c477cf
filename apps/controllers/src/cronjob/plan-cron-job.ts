import { isConditionTrue, jobs as jobResource, timeFromMs, timeToMs } from '@navarch/api';
import type { CronJob, CronJobStatus, Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import { isFinished } from '../job/execution/conditions';
import { objectReference } from '../workload/owned';
import { dueSince, manyMissed, type Schedule } from './schedule';

/** Written on the jobs made by schedule: when they were due. */
export const scheduledKey = 'batch.kubernetes.io/cronjob-scheduled-timestamp';

export interface CronEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface CronJobPlan {
  readonly status: CronJobStatus;
  /** A run that is due: its job does not exist. */
  readonly start?: { readonly name: string; readonly dueMs: number };
  /** Jobs that the new one takes the place of. */
  readonly replace: readonly Job[];
  /** Finished ones beyond the history limits. */
  readonly prune: readonly Job[];
  readonly events: readonly CronEvent[];
  readonly lookAgainMs?: number;
}

/** A clock can be set: nobody sleeps longer than this on its word. */
const longestSleepMs = 60_000;

/** The job of one time: one name for each minute, so that two controllers cannot run it twice. */
export const jobNameAt = (cronJob: CronJob, dueMs: number): string => `${cronJob.metadata?.name}-${Math.floor(dueMs / 60_000)}`;

/**
 * What to do for a cron job (KEP-19), given the jobs it controls. `isGone` tells of an active job that the cache does not show whether
 * it is known to be gone.
 */
export function planCronJob(cronJob: CronJob, children: readonly Job[], schedule: Schedule | undefined, isGone: (uid: string) => boolean, nowMs: number): CronJobPlan {
  const { status, active, events } = nextStatus(cronJob, children, isGone);
  const base = { status, replace: [], prune: prunable(cronJob, children), events };
  if (!schedule || cronJob.spec?.suspend || cronJob.metadata?.deletionTimestamp) return base;
  const nextMs = schedule.next(nowMs);
  const waiting = { ...base, ...(nextMs !== undefined && { lookAgainMs: Math.min(longestSleepMs, nextMs - nowMs) }) };
  const due = dueSince(schedule, earliestMs(cronJob, nowMs), nowMs);
  if (due.latestMs === undefined) return waiting;
  const missed = due.count >= manyMissed ? [tooManyMissed] : [];
  return planRun(cronJob, children, active, due.latestMs, { ...waiting, events: [...events, ...missed] });
}

const tooManyMissed: CronEvent = { type: 'Warning', reason: 'TooManyMissedTimes', message: 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew' };

/** Since when runs count: the last one, or the making of the cron job; no longer ago than its deadline. */
function earliestMs({ metadata, spec, status }: CronJob, nowMs: number): number {
  const sinceMs = timeToMs(status?.lastScheduleTime) ?? timeToMs(metadata?.creationTimestamp) ?? nowMs;
  const deadline = spec?.startingDeadlineSeconds;
  // One millisecond earlier: what was due exactly then is still in time.
  return deadline === undefined ? sinceMs : Math.max(sinceMs, nowMs - deadline * 1_000 - 1);
}

function planRun(cronJob: CronJob, children: readonly Job[], active: readonly Job[], dueMs: number, plan: CronJobPlan): CronJobPlan {
  const name = jobNameAt(cronJob, dueMs);
  const started = { ...plan.status, lastScheduleTime: timeFromMs(dueMs) };
  // Made before a crash, or by whoever led before: all that is missing is the note of it.
  if (children.some(({ metadata }) => metadata?.name === name)) return { ...plan, status: started };
  const policy = cronJob.spec?.concurrencyPolicy;
  if (policy === 'Forbid' && active.length + unseen(plan.status, children) > 0) {
    const event: CronEvent = { type: 'Normal', reason: 'JobAlreadyActive', message: 'Not starting job because prior execution is running and concurrency policy is Forbid' };
    return { ...plan, events: [...plan.events, event] };
  }
  return { ...plan, start: { name, dueMs }, replace: policy === 'Replace' ? active : [] };
}

const unseen = ({ active = [] }: CronJobStatus, children: readonly Job[]): number => active.filter(({ uid }) => !children.some(({ metadata }) => metadata?.uid === uid)).length;

/** Whether it was made by schedule, and not by hand (`kubectl create job --from`). */
const isScheduled = (cronJob: CronJob, { metadata }: Job): boolean =>
  metadata?.annotations?.[scheduledKey] !== undefined && (metadata.name ?? '').startsWith(`${cronJob.metadata?.name}-`);

function nextStatus(cronJob: CronJob, children: readonly Job[], isGone: (uid: string) => boolean): { status: CronJobStatus; active: readonly Job[]; events: CronEvent[] } {
  const listed = cronJob.status?.active ?? [];
  const byUid = new Map(children.map((job) => [job.metadata?.uid ?? '', job]));
  const isListed = ({ metadata }: Job): boolean => listed.some(({ uid }) => uid === metadata?.uid);
  const event = (reason: string, message: string, type: CronEvent['type'] = 'Normal'): CronEvent => ({ type, reason, message });
  const running = children.filter((job) => !isFinished(job));
  const active = running.filter((job) => isListed(job) || isScheduled(cronJob, job));
  const events = [
    ...children.filter((job) => isFinished(job) && isListed(job)).map((job) => event('SawCompletedJob', `Saw completed job: ${job.metadata?.name}, condition: ${isConditionTrue(job.status?.conditions, 'Complete') ? 'Complete' : 'Failed'}`)),
    ...listed.filter(({ uid = '' }) => !byUid.has(uid) && isGone(uid)).map(({ name }) => event('MissingJob', `Active job went missing: ${name}`)),
    ...running.filter((job) => !active.includes(job)).map(({ metadata }) => event('UnexpectedJob', `Saw a job that the controller did not create or forgot: ${metadata?.name}`, 'Warning')),
  ];
  const waitedFor = listed.filter(({ uid = '' }) => !byUid.has(uid) && !isGone(uid));
  const kept = active.map((job) => listed.find(({ uid }) => uid === job.metadata?.uid) ?? objectReference({ resource: jobResource, object: job }));
  const references = [...waitedFor, ...kept];
  const lastSuccessMs = Math.max(...[timeToMs(cronJob.status?.lastSuccessfulTime), ...children.filter(succeeded).map(({ status }) => timeToMs(status?.completionTime))].map((ms) => ms ?? 0));
  const { lastScheduleTime } = cronJob.status ?? {};
  const status = { ...(references.length > 0 && { active: references }), ...(lastScheduleTime && { lastScheduleTime }), ...(lastSuccessMs > 0 && { lastSuccessfulTime: timeFromMs(lastSuccessMs) }) };
  return { status, active, events };
}

const succeeded = ({ status }: Job): boolean => isConditionTrue(status?.conditions, 'Complete');

/** The oldest of those that ended well, and of those that did not, beyond how many are to be kept. */
function prunable({ spec }: CronJob, children: readonly Job[]): Job[] {
  const finished = children.filter((job) => isFinished(job) && !job.metadata?.deletionTimestamp);
  const startMs = ({ metadata, status }: Job): number => timeToMs(status?.startTime) ?? timeToMs(metadata?.creationTimestamp) ?? 0;
  const beyond = (list: Job[], limit: number | undefined): Job[] => {
    if (limit === undefined) return [];
    return list.sort((a, b) => startMs(a) - startMs(b) || ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1)).slice(0, Math.max(0, list.length - limit));
  };
  return [...beyond(finished.filter(succeeded), spec?.successfulJobsHistoryLimit), ...beyond(finished.filter((job) => !succeeded(job)), spec?.failedJobsHistoryLimit)];
}
