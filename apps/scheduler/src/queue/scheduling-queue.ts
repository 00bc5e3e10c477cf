import { backoffDelayMs, type CancelTimer, type Clock } from '@navarch/base';
import type { EventHeaders } from '@navarch/client';

import { podActions, type ClusterEvent } from '../framework/cluster-event';
import type { Framework } from '../framework/framework';
import type { PodInfo } from '../snapshot/pod-info';
import { Heap } from './heap';
import { EventHints } from './hints';
import { InFlight } from './in-flight';
import type { QueuedPod } from './queued-pod';

export interface QueueOptions {
  readonly clock: Clock;
  readonly profiles: ReadonlyMap<string, Framework>;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly unschedulableTimeoutMs: number;
  /** Called when a pod has become poppable. */
  onReady(): void;
}

/**
 * Every pod that waits for a node is in exactly one place: *active* (ordered by the profile's QueueSort, ready to be
 * popped), *back-off* (until its time), *unschedulable* (until an event that one of its rejecting plugins wants, or the time
 * limit), or *in flight* (popped, not yet bound or returned). Events cost only the pods whose rejecting plugins registered for them.
 */
export class SchedulingQueue {
  private readonly active: Heap<QueuedPod>;
  private readonly backoff = new Heap<QueuedPod>((a, b) => a.readyAtMs < b.readyAtMs || (a.readyAtMs === b.readyAtMs && a.order < b.order));
  /** In the order they came in, which is the order in which their time runs out. */
  private readonly unschedulable = new Map<string, QueuedPod>();
  private readonly gated = new Map<string, QueuedPod>();
  private readonly waiting = new Map<string, QueuedPod>();
  private readonly inFlight = new InFlight();
  private readonly hints: EventHints;
  private cancelTimer: CancelTimer | undefined;
  private timerAtMs = Infinity;
  private order = 0;
  private closed = false;

  constructor(private readonly options: QueueOptions) {
    const [first] = options.profiles.values();
    if (!first) throw new Error('a scheduler needs at least one profile');
    // One queue for all profiles, so all must sort alike; Kubernetes demands the same.
    const sort = first.queueSort;
    this.active = new Heap((a, b) => sort.less(a, b) || (!sort.less(b, a) && a.order < b.order));
    this.hints = new EventHints(options.profiles);
  }

  get counts(): { readonly active: number; readonly backoff: number; readonly unschedulable: number; readonly gated: number; readonly inFlight: number } {
    return {
      active: this.active.size, backoff: this.backoff.size, unschedulable: this.unschedulable.size, gated: this.gated.size, inFlight: this.inFlight.size,
    };
  }

  find(uid: string): QueuedPod | undefined {
    return this.waiting.get(uid);
  }

  /** A pod that needs a node, new or changed. */
  set(info: PodInfo, headers: EventHeaders): void {
    if (this.inFlight.update(info, headers)) return;
    const known = this.waiting.get(info.uid);
    if (known) this.update(known, info, headers);
    else this.enter(this.newPod(info, headers));
  }

  delete(uid: string): void {
    this.inFlight.markDeleted(uid);
    const known = this.waiting.get(uid);
    if (known) this.leave(known);
  }

  pop(): QueuedPod | undefined {
    const pod = this.active.pop();
    if (!pod) return undefined;
    this.waiting.delete(pod.info.uid);
    this.inFlight.begin(pod.info.uid);
    pod.attempts++;
    return pod;
  }

  /** A popped pod is placed (or is none of ours any more). */
  done(pod: QueuedPod): void {
    this.inFlight.finish(pod.info.uid);
  }

  /**
   * A popped pod comes back. `rejectedBy` empty: an error, tried again after back-off. Otherwise it waits for an event
   * that one of these plugins wants; one that came while it was in flight counts. Answers whether it is still wanted.
   */
  giveBack(pod: QueuedPod, rejectedBy: ReadonlySet<string>, pending = false): boolean {
    const end = this.inFlight.end(pod.info.uid);
    if (!end) return false;
    const before = pod.info;
    if (end.updated) {
      this.refresh(pod, end.updated.info);
      pod.headers = end.updated.headers;
    }
    this.failed(pod, rejectedBy, pending);
    const own: ClusterEvent = { resource: 'UnscheduledPod', actions: podActions(before, pod.info), old: before, pod: pod.info };
    const helped = rejectedBy.size === 0 || [...end.missed, own].some((event) => this.hints.helps(event, pod));
    if (helped) this.retry(pod);
    else this.park(pod);
    return true;
  }

  isInFlight(uid: string): boolean {
    return this.inFlight.has(uid);
  }

  /** Moves the pods that the event may help; `exceptUid` is the pod whose own failure the event tells of. */
  onEvent(event: ClusterEvent, exceptUid?: string): void {
    if (!this.hints.concerns(event)) return;
    this.inFlight.record(event);
    const answers = new Map<string, boolean>();
    for (const pod of this.hints.candidates(event)) {
      if (pod.info.uid === exceptUid || !this.hints.helps(event, pod, answers)) continue;
      this.unpark(pod);
      this.retry(pod);
    }
  }

  close(): void {
    this.closed = true;
    this.cancelTimer?.();
  }

  private newPod(info: PodInfo, headers: EventHeaders): QueuedPod {
    const nowMs = this.options.clock.now();
    return {
      info, headers, queuedAtMs: nowMs, addedAtMs: nowMs, order: this.order++, attempts: 0, failures: 0, readyAtMs: 0, heapIndex: -1,
      rejectedBy: new Set(), pending: false, gated: false, lastFailure: undefined, failureTraced: false, signature: this.framework(info)?.sign(info),
    };
  }

  private framework(info: PodInfo): Framework | undefined {
    return this.options.profiles.get(info.schedulerName);
  }

  /** Into the active queue, unless a PreEnqueue plugin holds it. */
  private enter(pod: QueuedPod): void {
    this.waiting.set(pod.info.uid, pod);
    const gate = this.framework(pod.info)?.preEnqueue.find((plugin) => plugin.preEnqueue(pod.info));
    pod.gated = gate !== undefined;
    if (gate) {
      pod.rejectedBy = new Set([gate.name]);
      this.gated.set(pod.info.uid, pod);
      this.hints.add(pod);
      return;
    }
    pod.queuedAtMs = this.options.clock.now();
    this.active.push(pod);
    this.options.onReady();
  }

  private update(pod: QueuedPod, info: PodInfo, headers: EventHeaders): void {
    const before = pod.info;
    const event: ClusterEvent = { resource: 'UnscheduledPod', actions: podActions(before, info), old: before, pod: info };
    pod.headers = headers;
    if (this.active.has(pod) || this.backoff.has(pod)) {
      const heap = this.active.has(pod) ? this.active : this.backoff;
      heap.remove(pod);
      this.refresh(pod, info);
      heap.push(pod);
      return;
    }
    this.refresh(pod, info);
    if (event.actions === 0 || !this.hints.helps(event, pod)) return;
    this.unpark(pod);
    this.retry(pod);
  }

  private refresh(pod: QueuedPod, info: PodInfo): void {
    pod.info = info;
    pod.signature = this.framework(info)?.sign(info);
  }

  private failed(pod: QueuedPod, rejectedBy: ReadonlySet<string>, pending: boolean): void {
    const { initialBackoffMs: initialMs, maxBackoffMs: maxMs, clock } = this.options;
    pod.failures++;
    pod.rejectedBy = rejectedBy;
    pod.pending = pending;
    pod.queuedAtMs = clock.now();
    pod.readyAtMs = clock.now() + backoffDelayMs(pod.failures, { initialMs, maxMs });
  }

  /** Active when its back-off is over (or does not count), else back-off. */
  private retry(pod: QueuedPod): void {
    if (pod.gated || pod.pending || pod.readyAtMs <= this.options.clock.now()) {
      this.enter(pod);
      return;
    }
    this.waiting.set(pod.info.uid, pod);
    this.backoff.push(pod);
    this.schedule();
  }

  private park(pod: QueuedPod): void {
    this.waiting.set(pod.info.uid, pod);
    this.unschedulable.set(pod.info.uid, pod);
    this.hints.add(pod);
    this.schedule();
  }

  private unpark(pod: QueuedPod): void {
    this.unschedulable.delete(pod.info.uid);
    this.gated.delete(pod.info.uid);
    this.hints.remove(pod);
  }

  private leave(pod: QueuedPod): void {
    this.waiting.delete(pod.info.uid);
    this.active.remove(pod);
    this.backoff.remove(pod);
    this.unpark(pod);
  }

  /** One timer, for whatever comes due first. */
  private schedule(): void {
    const [oldest] = this.unschedulable.values();
    const dueMs = Math.min(this.backoff.peek()?.readyAtMs ?? Infinity, oldest ? oldest.queuedAtMs + this.options.unschedulableTimeoutMs : Infinity);
    if (this.closed || dueMs === Infinity || dueMs >= this.timerAtMs) return;
    this.cancelTimer?.();
    this.timerAtMs = dueMs;
    this.cancelTimer = this.options.clock.setTimer(dueMs - this.options.clock.now(), () => this.onTimer());
  }

  private onTimer(): void {
    this.timerAtMs = Infinity;
    const nowMs = this.options.clock.now();
    for (let pod = this.backoff.peek(); pod && pod.readyAtMs <= nowMs; pod = this.backoff.peek()) {
      this.backoff.remove(pod);
      this.enter(pod);
    }
    for (const pod of this.unschedulable.values()) {
      if (pod.queuedAtMs + this.options.unschedulableTimeoutMs > nowMs) break;
      this.unpark(pod);
      this.retry(pod);
    }
    this.schedule();
  }
}
