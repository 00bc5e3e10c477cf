import { toError, type Clock, type Logger, type Random } from '@navarch/base';
import type { ApiClient, EventHeaders, Informer } from '@navarch/client';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { SchedulerConfig } from '../config';
import { Action } from '../framework/cluster-event';
import type { CycleState } from '../framework/cycle-state';
import type { Framework } from '../framework/framework';
import type { WaitingPods } from '../framework/waiting-pods';
import type { Outcomes } from '../observe/outcomes';
import type { SchedulingTrace } from '../observe/trace';
import type { QueuedPod } from '../queue/queued-pod';
import type { SchedulingQueue } from '../queue/scheduling-queue';
import type { ClusterCache } from '../snapshot/cluster-cache';
import type { PodInfo } from '../snapshot/pod-info';
import { AssumedExpiry } from './assumed-expiry';
import { carryOut, type BinderDependencies, type BindOutcome, type Decision } from './binding';
import type { Diagnosis } from './diagnosis';
import { PlacementFinder, type Placement } from './placement';
import { askForTruth, type PodTruth } from './pod-truth';
import { permit, reserve, unreserve } from './reservation';

/** One attempt's end, for measurements. Milliseconds on the monotonic clock. */
export interface AttemptRecord {
  readonly outcome: 'scheduled' | 'unschedulable' | 'error';
  /** From popping the pod to the decision. */
  readonly decisionMs: number;
  /** From popping the pod to the outcome, binding included. */
  readonly totalMs: number;
}

export interface SchedulerParts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: SchedulerConfig;
  readonly profiles: ReadonlyMap<string, Framework>;
  readonly cache: ClusterCache;
  readonly queue: SchedulingQueue;
  readonly waiting: WaitingPods;
  readonly outcomes: Outcomes;
  readonly trace: SchedulingTrace;
  readonly pods: Informer<Pod>;
  readonly signal: AbortSignal;
  onAttempt?(record: AttemptRecord): void;
}

interface Times {
  readonly startMs: number;
  readonly decisionMs?: number;
}

/** Decisions taken in one go before other work gets its turn. */
const maxPodsPerTurn = 64;
const maxTurnMs = 8;

/**
 * Pops pods and decides, one at a time and synchronously, so that each decision sees all earlier ones; binding then runs
 * beside further decisions, a bounded number at a time. Whatever goes wrong after a decision takes back the assumption.
 */
export class Scheduler {
  private readonly finder: PlacementFinder;
  private readonly expiry: AssumedExpiry;
  private readonly underWay = new Set<Promise<void>>();
  private readonly binder: BinderDependencies;
  private turnPending = false;

  constructor(private readonly parts: SchedulerParts) {
    const { client, clock, random, waiting, signal } = parts;
    this.binder = { client, clock, random, waiting, signal, bindTimeoutMs: parts.config.bindTimeoutMs };
    this.finder = new PlacementFinder(parts.cache.table, parts.clock, parts.random);
    this.expiry = new AssumedExpiry(parts.clock, parts.config.assumedExpiryMs, (info) => this.track(this.verifyAssumed(info)));
  }

  /** There may be something to pop. */
  wake(): void {
    if (this.turnPending || this.parts.signal.aborted) return;
    this.turnPending = true;
    void Promise.resolve().then(() => this.turn());
  }

  /** The watch has shown a pod on its node. */
  confirm(uid: string): void {
    this.expiry.confirm(uid);
  }

  /** Resolves when nothing started here runs any more; the signal must have aborted. */
  async close(): Promise<void> {
    this.expiry.close();
    this.parts.queue.close();
    for (const waiting of this.parts.waiting.all()) waiting.reject('scheduler', 'the scheduler stops');
    await Promise.allSettled(this.underWay);
  }

  private turn(): void {
    this.turnPending = false;
    const { queue, clock, signal, config } = this.parts;
    const startMs = clock.monotonic();
    for (let decided = 0; !signal.aborted && this.underWay.size - this.parts.waiting.size < config.maxBindsInFlight; decided++) {
      if (decided === maxPodsPerTurn || clock.monotonic() - startMs > maxTurnMs) {
        this.turnPending = true;
        clock.setTimer(0, () => this.turn());
        return;
      }
      const pod = queue.pop();
      if (!pod) return;
      this.scheduleOne(pod);
    }
  }

  private scheduleOne(pod: QueuedPod): void {
    const { queue, cache, profiles, clock } = this.parts;
    const framework = profiles.get(pod.info.schedulerName);
    if (!framework || pod.info.pod.metadata?.deletionTimestamp || cache.nodeOf(pod.info.uid) !== undefined) {
      queue.done(pod);
      return;
    }
    const times: Times = { startMs: clock.monotonic() };
    try {
      const placement = this.finder.find(framework, pod.info, pod.signature);
      if (placement.outcome === 'placed') this.place(pod, framework, placement, times.startMs);
      else this.unschedulable(pod, framework, placement, times);
    } catch (thrown) {
      cache.forget(pod.info.uid);
      this.failed(pod, toError(thrown).message, times);
    }
  }

  private place(pod: QueuedPod, framework: Framework, placement: Extract<Placement, { outcome: 'placed' }>, startMs: number): void {
    const { cache, trace, clock } = this.parts;
    const { nodeName, state } = placement;
    cache.assume(pod.info, nodeName);
    const leave = decide(framework, state, pod.info, nodeName);
    const decision: Decision = { pod, framework, nodeName, state, waits: 'waits' in leave ? leave.waits : new Map(), trace: trace.placed(pod, placement) };
    const times = { startMs, decisionMs: clock.monotonic() - startMs };
    if (!('waits' in leave)) {
      this.settle(decision, leave, times);
      return;
    }
    this.track(carryOut(decision, this.binder).then(
      (outcome) => this.settle(decision, outcome, times),
      // The term has ended: whoever leads next reads from the API what became of the pod.
      () => decision.trace.end('the scheduler stopped'),
    ));
  }

  private settle(decision: Decision, outcome: BindOutcome, times: Times): void {
    const { queue, cache, outcomes } = this.parts;
    const { pod, nodeName } = decision;
    decision.trace.end(outcome.outcome === 'bound' ? undefined : outcome.message);
    if (outcome.outcome === 'bound') {
      queue.done(pod);
      if (cache.isAssumed(pod.info.uid)) this.expiry.add(pod.info);
      for (const plugin of decision.framework.postBind) plugin.postBind(decision.state, pod.info, nodeName);
      outcomes.scheduled(pod, nodeName);
      this.report('scheduled', times);
      return;
    }
    unreserve(decision.framework, decision.state, pod.info, nodeName);
    const freed = cache.forget(pod.info.uid);
    if (outcome.outcome === 'settled') {
      queue.done(pod);
      this.accept(pod.info, outcome.truth);
      this.report('error', times);
    } else if (outcome.outcome === 'rejected') this.rejected(pod, outcome.plugin, outcome.message, times);
    else this.failed(pod, outcome.message, times);
    if (freed) queue.onEvent({ resource: 'AssignedPod', actions: Action.delete, old: pod.info }, pod.info.uid);
  }

  private unschedulable(pod: QueuedPod, framework: Framework, placement: Extract<Placement, { outcome: 'unschedulable' }>, times: Times): void {
    const { queue, outcomes, trace, cache } = this.parts;
    const { diagnosis, state } = placement;
    const room = this.makeRoom(framework, state, pod.info);
    const message = room?.message ? `${diagnosis.message} ${room.message}` : diagnosis.message;
    trace.unschedulable(pod, placement, message);
    this.report('unschedulable', times);
    if (!queue.giveBack(pod, diagnosis.rejectedBy, diagnosis.pending) || cache.nodeOf(pod.info.uid) !== undefined) return;
    outcomes.unschedulable(pod, diagnosis, message, room?.nominatedNode);
  }

  /** PostFilter: the first plugin that finds a way ends the round. */
  private makeRoom(framework: Framework, state: CycleState, info: PodInfo): { readonly message?: string; readonly nominatedNode?: string } | undefined {
    let last: { readonly message?: string; readonly nominatedNode?: string } | undefined;
    for (const plugin of framework.postFilter) {
      last = plugin.postFilter(state, info, this.parts.cache.table) ?? last;
      if (last?.nominatedNode !== undefined) return last;
    }
    return last;
  }

  private rejected(pod: QueuedPod, plugin: string, message: string, times: Times): void {
    this.report('unschedulable', times);
    const { nodeCount } = this.parts.cache.table;
    const diagnosis: Diagnosis = { message, rejectedBy: new Set([plugin]), pending: false, nodeCount, nodesByReason: new Map() };
    if (this.parts.queue.giveBack(pod, diagnosis.rejectedBy)) this.parts.outcomes.unschedulable(pod, diagnosis, message);
  }

  private failed(pod: QueuedPod, message: string, times: Times): void {
    this.report('error', times);
    if (this.parts.queue.giveBack(pod, new Set())) this.parts.outcomes.failed(pod, message);
  }

  /** The API says where the pod is; the watch will too, but until then the next decisions must not count without it. */
  private accept(info: PodInfo, truth: PodTruth): void {
    const { cache, pods } = this.parts;
    if (truth.is !== 'bound') {
      cache.remove(info.uid);
      return;
    }
    // A pod that the watch has already taken away must not come back as a ghost.
    if (pods.get(info.namespace, info.name)?.metadata?.uid === info.uid) cache.setPod(cache.pods.of(truth.pod), truth.nodeName);
  }

  /** A bind was accepted, yet the watch has not shown it for long: asks the API instead of guessing. */
  private async verifyAssumed(info: PodInfo): Promise<void> {
    const { cache, client, clock, random, signal, queue } = this.parts;
    if (!cache.isAssumed(info.uid)) return;
    this.parts.logger.warn('the watch has not confirmed a binding', { namespace: info.namespace, pod: info.name });
    const truth = await askForTruth(client, info, clock, random, signal);
    if (!cache.isAssumed(info.uid)) return;
    if (truth.is !== 'unbound') {
      this.accept(info, truth);
      if (cache.isAssumed(info.uid)) this.expiry.add(info);
      return;
    }
    cache.forget(info.uid);
    queue.set(info, this.headersOf(info));
  }

  private headersOf({ namespace, name }: PodInfo): EventHeaders {
    return this.parts.pods.headers(namespace, name) ?? { commitTimeMs: 0 };
  }

  private report(outcome: AttemptRecord['outcome'], { startMs, decisionMs }: Times): void {
    const totalMs = this.parts.clock.monotonic() - startMs;
    this.parts.onAttempt?.({ outcome, decisionMs: decisionMs ?? totalMs, totalMs });
  }

  /** Counts work that runs beside the decisions; a place that frees may let the next pod go. */
  private track(work: Promise<void>): void {
    const tracked: Promise<void> = work.catch((thrown: unknown) => {
      if (!this.parts.signal.aborted) this.parts.logger.error('scheduling work failed', { error: toError(thrown) });
    }).finally(() => {
      this.underWay.delete(tracked);
      this.wake();
    });
    this.underWay.add(tracked);
  }
}

/** Reserve and Permit on a fresh decision; what a plugin throws is an error of the attempt. */
function decide(framework: Framework, state: CycleState, info: PodInfo, nodeName: string): BindOutcome | { readonly waits: ReadonlyMap<string, number> } {
  try {
    const answer = reserve(framework, state, info, nodeName) ?? permit(framework, state, info, nodeName);
    return 'waits' in answer ? answer : { outcome: 'rejected', ...answer };
  } catch (thrown) {
    return { outcome: 'failed', message: toError(thrown).message };
  }
}
