/** Runs Jobs: makes their pods, counts each exactly once (see tally.ts), and says how they ended. */
import { deepEqual, isPodTerminal, jobs, matcherOf, pods, type LabelMatcher } from '@navarch/api';
import { ApiError, hasReason, isAlreadyExists, isConflict, isNotFound, toError } from '@navarch/base';
import { startController, watching, type ReconcileContext, type ReconcileResult } from '@navarch/client';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { inChunks, valuesOf } from '../../in-chunks';
import { claimObjects } from '../../workload/claim';
import { keyOf, objectReference, ownersOf } from '../../workload/owned';
import { underRequest } from '../../workload/pod-from-template';
import { slowStart } from '../../workload/slow-start';
import { setFinalizer } from '../finalizer';
import type { BackoffRecord } from './backoff';
import { isFinished } from './conditions';
import { jobPods } from './job-pod';
import { planJob, type JobPlan } from './plan-job';
import type { WantedPod } from './plan-pods';
import { isTracked } from './tracked-pods';

const manager = 'kubernetes.io/job-controller';
const atOnce = 16;
/** Until a cache that is behind has caught up; the event it waits for brings the job back earlier. */
const behindMs = 1_000;

/** Whether this controller runs the job, and not another that it names. */
export const isOurs = ({ spec }: Job): boolean => (spec?.managedBy ?? manager) === manager;
export const podSelectorOf = ({ spec }: Job): LabelMatcher => matcherOf(spec?.selector);

interface Memory {
  backoff?: BackoffRecord;
  readonly goneUids: Set<string>;
}

class JobExecution {
  /** By uid of the job. What is lost with the process can be found out again. */
  private readonly memories = new Map<string, Memory>();

  constructor(private readonly dependencies: ControllerDependencies) {}

  forget(job: Job): void {
    this.memories.delete(job.metadata?.uid ?? '');
  }

  async reconcile(namespace: string, name: string, context: ReconcileContext): Promise<ReconcileResult> {
    const { client, clock, informers } = this.dependencies;
    const job = informers.jobs.get(namespace, name);
    if (!job || !isOurs(job) || isFinished(job)) return {};
    const memory = this.memoryOf(job);
    const owned = await claimObjects({ client, owner: { resource: jobs, object: job }, informer: informers.pods, selector: podSelectorOf(job), wrote: context.wrote });
    let plan = planJob(job, owned, memory, clock.now());
    if (plan.unproven.length > 0 && (await this.proveGone(job, plan.unproven, memory))) plan = planJob(job, owned, memory, clock.now());
    if (!(await this.confirm(plan.confirm))) return { requeueAfterMs: behindMs };
    await this.writeStatus(job, plan, context);
    memory.backoff = plan.backoff;
    await this.changePods(job, plan, memory, context);
    return plan.lookAgainMs === undefined ? {} : { requeueAfterMs: plan.lookAgainMs };
  }

  private memoryOf({ metadata }: Job): Memory {
    const uid = metadata?.uid ?? '';
    const known = this.memories.get(uid) ?? { goneUids: new Set<string>() };
    this.memories.set(uid, known);
    return known;
  }

  /** Whether each of these pods, as the API has it now, still bears the finalizer: if so nobody has counted it. */
  private async confirm(candidates: readonly Pod[]): Promise<boolean> {
    const { client } = this.dependencies;
    const results = await inChunks(candidates, atOnce, async ({ metadata }) => {
      try {
        const current = await client.resource(pods).get(metadata?.namespace ?? '', metadata?.name ?? '');
        return current.metadata?.uid === metadata?.uid && isTracked(current);
      } catch (thrown) {
        if (isNotFound(thrown)) return false;
        throw thrown;
      }
    });
    return valuesOf(results).every((isTrackedStill) => isTrackedStill);
  }

  /** Asks the API which of these uids no pod with the finalizer bears; answers whether there were any. */
  private async proveGone(job: Job, uids: readonly string[], { goneUids }: Memory): Promise<boolean> {
    const { items } = await this.dependencies.client.resource(pods).list({ namespace: job.metadata?.namespace ?? '' });
    const tracked = new Set(items.filter(isTracked).map(({ metadata }) => metadata?.uid));
    const gone = uids.filter((uid) => !tracked.has(uid));
    for (const uid of gone) goneUids.add(uid);
    return gone.length > 0;
  }

  private async writeStatus(job: Job, { status, events }: JobPlan, { wrote }: ReconcileContext): Promise<void> {
    const { client, informers, recorder } = this.dependencies;
    if (deepEqual(status, job.status ?? {})) return;
    const written = await client.resource(jobs).updateStatus({ ...job, status });
    await wrote(informers.jobs, written);
    for (const { type, reason, message } of events) recorder.event(objectReference({ resource: jobs, object: written }), type, reason, message);
  }

  private async changePods(job: Job, { release, track, stop, remove, create }: JobPlan, memory: Memory, context: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const podDependencies = { client: client.resource(pods), informer: informers.pods, wrote: context.wrote };
    const listed = job.status?.uncountedTerminatedPods;
    const stillListed = new Set([...(listed?.succeeded ?? []), ...(listed?.failed ?? [])]);
    for (const uid of memory.goneUids) if (!stillListed.has(uid)) memory.goneUids.delete(uid);
    valuesOf(await inChunks(release, atOnce, async (pod) => {
      await setFinalizer(podDependencies, pod, false);
      memory.goneUids.add(pod.metadata?.uid ?? '');
    }));
    valuesOf(await inChunks(track, atOnce, (pod) => setFinalizer(podDependencies, pod, true)));
    valuesOf(await inChunks(stop, atOnce, (pod) => this.remove(job, pod, context)));
    valuesOf(await inChunks(remove, atOnce, async (pod) => {
      const freed = await setFinalizer(podDependencies, pod, false);
      if (freed) await this.remove(job, freed, context);
    }));
    await this.create(job, create, context);
  }

  private async remove(job: Job, pod: Pod, { wrote }: ReconcileContext): Promise<void> {
    const { client, informers, recorder } = this.dependencies;
    const { namespace = '', name = '', uid = '', resourceVersion = '' } = pod.metadata ?? {};
    try {
      // Of this very state: what has ended meanwhile is to be counted, not deleted.
      await wrote(informers.pods, await client.resource(pods).delete(namespace, name, { deleteOptions: { preconditions: { uid, resourceVersion } } }));
      recorder.event(objectReference({ resource: jobs, object: job }), 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (thrown) {
      if (isNotFound(thrown)) return;
      if (!isConflict(thrown)) recorder.event(objectReference({ resource: jobs, object: job }), 'Warning', 'FailedDelete', `Error deleting: ${toError(thrown).message}`);
      throw thrown;
    }
  }

  private async create(job: Job, wanted: readonly WantedPod[], { wrote }: ReconcileContext): Promise<void> {
    const { client, informers, recorder } = this.dependencies;
    const namespace = job.metadata?.namespace ?? '';
    const reference = objectReference({ resource: jobs, object: job });
    const made = jobPods(job, wanted, (name) => informers.pods.get(namespace, name) !== undefined);
    const { failures } = await slowStart(made, async (pod) => {
      const created = await underRequest(made.length, () => client.resource(pods).create(pod));
      await wrote(informers.pods, created);
      recorder.event(reference, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata?.name}`);
    });
    const [failure] = failures;
    if (failure === undefined) return;
    // Somebody else was faster: the event of that pod brings the job back.
    if (isAlreadyExists(failure)) throw new ApiError('Conflict', `a pod of job ${namespace}/${job.metadata?.name} is there already`, {}, { cause: failure });
    if (hasReason(failure, 'NotFound')) return;
    recorder.event(reference, 'Warning', 'FailedCreate', `Error creating: ${toError(failure).message}`);
    throw toError(failure);
  }
}

export const startJobExecution: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const execution = new JobExecution(dependencies);
  const stop = informers.jobs.onChange(({ type, object }) => {
    if (type === 'DELETED') execution.forget(object);
  });
  signal.addEventListener('abort', stop, { once: true });
  return startController({
    name: 'job/execution', clock, random, logger, signal, concurrency: 8, ...(observe && { observe }),
    watches: [
      watching(informers.jobs, { keys: (job) => [keyOf(job)], unfinished: (job) => !isFinished(job) }),
      watching(informers.pods, { keys: ownersOf(informers.jobs, podSelectorOf), unfinished: (pod) => !isPodTerminal(pod) }),
    ],
    reconcile: ({ namespace, name }, context) => execution.reconcile(namespace, name, context),
  });
};
