/** Makes Jobs on a schedule, one for each time that comes due, and clears away old ones. */
import { cronJobs, deepEqual, jobs, ownerReference, timeFromMs, timeToText } from '@navarch/api';
import { hasReason, isAlreadyExists, isNotFound, toError } from '@navarch/base';
import { startController, watching, type ReconcileContext, type ReconcileResult } from '@navarch/client';
import type { CronJob, CronJobStatus, Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import type { ControllerDependencies, StartController } from '../dependencies';
import { isFinished } from '../job/execution/conditions';
import { controllingOwner, keyOf, objectReference, ownedBy } from '../workload/owned';
import { planCronJob, scheduledKey, type CronJobPlan } from './plan-cron-job';
import { parseSchedule, type Schedule } from './schedule';

const inBackground = { propagationPolicy: 'Background' };
const behindMs = 1_000;

/** The job of a run, as the template says. */
export function jobFrom(cronJob: CronJob, name: string, dueMs: number): Job {
  const { metadata, spec } = structuredClone(cronJob.spec?.jobTemplate ?? {});
  return {
    metadata: {
      namespace: cronJob.metadata?.namespace ?? '', name,
      ...(metadata?.labels && { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, [scheduledKey]: timeToText(timeFromMs(dueMs)) },
      ownerReferences: [ownerReference(cronJobs, cronJob)],
    },
    spec: spec ?? {},
  };
}

class CronJobs {
  constructor(private readonly dependencies: ControllerDependencies) {}

  async reconcile(namespace: string, name: string, context: ReconcileContext): Promise<ReconcileResult> {
    const { clock, informers } = this.dependencies;
    const cronJob = informers.cronJobs.get(namespace, name);
    if (!cronJob) return {};
    const children = ownedBy(informers.jobs, cronJob);
    const gone = await this.goneOf(cronJob, children);
    const plan = planCronJob(cronJob, children, this.scheduleOf(cronJob), (uid) => gone.has(uid), clock.now());
    if (plan.start && !(await this.isCurrent(cronJob))) return { requeueAfterMs: behindMs };
    const started = plan.start && (await this.start(cronJob, plan.start, plan, context));
    const status = started ? withActive(plan.status, started, plan) : plan.status;
    await this.writeStatus(cronJob, status, plan, context);
    for (const job of plan.prune) await this.remove(cronJob, job, context);
    return plan.lookAgainMs === undefined ? {} : { requeueAfterMs: plan.lookAgainMs };
  }

  private event(cronJob: CronJob, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.dependencies.recorder.event(objectReference({ resource: cronJobs, object: cronJob }), type, reason, message);
  }

  /** Nothing runs on a schedule that nobody understands: its event says why. */
  private scheduleOf(cronJob: CronJob): Schedule | undefined {
    const { schedule = '', timeZone } = cronJob.spec ?? {};
    try {
      return parseSchedule(schedule, timeZone);
    } catch (thrown) {
      const message = toError(thrown).message;
      if (/timezone/i.test(message)) this.event(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: "${timeZone}": ${message}`);
      else this.event(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: "${schedule}": ${message}`);
      return undefined;
    }
  }

  /** Of the active jobs that the cache does not show, those that the API does not have either. */
  private async goneOf(cronJob: CronJob, children: readonly Job[]): Promise<Set<string>> {
    const gone = new Set<string>();
    for (const { uid = '', name = '' } of cronJob.status?.active ?? []) {
      if (children.some(({ metadata }) => metadata?.uid === uid)) continue;
      const present = await this.dependencies.client.resource(jobs).get(cronJob.metadata?.namespace ?? '', name).catch(orUndefined);
      if (present?.metadata?.uid !== uid) gone.add(uid);
    }
    return gone;
  }

  /** Whoever acts on an old state could run again what has run, ended and been cleared away. */
  private async isCurrent({ metadata }: CronJob): Promise<boolean> {
    const present = await this.dependencies.client.resource(cronJobs).get(metadata?.namespace ?? '', metadata?.name ?? '').catch(orUndefined);
    return present?.metadata?.resourceVersion === metadata?.resourceVersion;
  }

  /** The run's job; undefined where its namespace is going. */
  private async start(cronJob: CronJob, { name, dueMs }: NonNullable<CronJobPlan['start']>, { replace }: CronJobPlan, context: ReconcileContext): Promise<Job | undefined> {
    const { client, informers } = this.dependencies;
    for (const job of replace) await this.remove(cronJob, job, context);
    try {
      const made = await client.resource(jobs).create(jobFrom(cronJob, name, dueMs));
      await context.wrote(informers.jobs, made);
      this.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
      return made;
    } catch (thrown) {
      // Ours of an earlier try comes with the cache; another's bars this run, and says so below.
      if (isAlreadyExists(thrown)) {
        const present = await client.resource(jobs).get(cronJob.metadata?.namespace ?? '', name);
        if (present.metadata?.ownerReferences?.some(({ uid }) => uid === cronJob.metadata?.uid)) return present;
      }
      if (hasReason(thrown, 'NotFound')) return undefined;
      this.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${toError(thrown).message}`);
      throw thrown;
    }
  }

  private async writeStatus(cronJob: CronJob, status: CronJobStatus, { events }: CronJobPlan, { wrote }: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    if (!deepEqual(status, cronJob.status ?? {})) await wrote(informers.cronJobs, await client.resource(cronJobs).updateStatus({ ...cronJob, status }));
    for (const { type, reason, message } of events) this.event(cronJob, type, reason, message);
  }

  private async remove(cronJob: CronJob, { metadata }: Job, { wrote }: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const { namespace = '', name = '', uid = '' } = metadata ?? {};
    try {
      await wrote(informers.jobs, await client.resource(jobs).delete(namespace, name, { deleteOptions: { ...inBackground, preconditions: { uid } } }));
      this.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${name}`);
    } catch (thrown) {
      if (isNotFound(thrown)) return;
      this.event(cronJob, 'Warning', 'FailedDelete', `Deleted job: ${toError(thrown).message}`);
      throw thrown;
    }
  }
}

function withActive(status: CronJobStatus, started: Job, { start, replace }: CronJobPlan): CronJobStatus {
  const gone = new Set(replace.map(({ metadata }) => metadata?.uid));
  const active = (status.active ?? []).filter(({ uid }) => !gone.has(uid) && uid !== started.metadata?.uid);
  return { ...status, active: [...active, objectReference({ resource: jobs, object: started })], ...(start && { lastScheduleTime: timeFromMs(start.dueMs) }) };
}

function orUndefined(thrown: unknown): undefined {
  if (isNotFound(thrown)) return undefined;
  throw thrown;
}

export const startCronJob: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const loop = new CronJobs(dependencies);
  return startController({
    name: 'cronjob', clock, random, logger, signal, concurrency: 4, ...(observe && { observe }),
    watches: [
      watching(informers.cronJobs, { keys: (cronJob) => [keyOf(cronJob)] }),
      watching(informers.jobs, {
        keys: (job) => [controllingOwner(informers.cronJobs, job) ?? []].flat().map(keyOf),
        when: ({ type, object, old }) => type !== 'MODIFIED' || !old || isFinished(object) !== isFinished(old),
      }),
    ],
    reconcile: ({ namespace, name }, context) => loop.reconcile(namespace, name, context),
  });
};
