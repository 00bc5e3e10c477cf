import type { EventHeaders } from '@navarch/client';

import type { ClusterEvent } from '../framework/cluster-event';
import type { PodInfo } from '../snapshot/pod-info';

interface Attempt {
  /** Number of the first event that came after the pod was popped. */
  readonly since: number;
  updated?: { readonly info: PodInfo; readonly headers: EventHeaders };
  deleted: boolean;
}

const anything: ClusterEvent = { resource: 'Any', actions: 0 };

/**
 * The pods being scheduled or bound, and what happened meanwhile: an event that comes between a pod's rejection and
 * its return to the queue would otherwise be missed (the decision did not know it, the queue did not have the pod).
 * Bounded: when too much happened, that a pod missed something is all that is remembered.
 */
export class InFlight {
  private readonly attempts = new Map<string, Attempt>();
  private events: ClusterEvent[] = [];
  private firstEvent = 0;
  /** Attempts begun before this event number get `Any`. */
  private forgottenBefore = 0;

  constructor(private readonly maxEvents = 10_000) {}

  get size(): number {
    return this.attempts.size;
  }

  has(uid: string): boolean {
    return this.attempts.has(uid);
  }

  begin(uid: string): void {
    this.attempts.set(uid, { since: this.firstEvent + this.events.length, deleted: false });
  }

  record(event: ClusterEvent): void {
    if (this.attempts.size === 0) return;
    this.events.push(event);
    if (this.events.length <= this.maxEvents) return;
    this.firstEvent += this.events.length;
    this.forgottenBefore = this.firstEvent;
    this.events = [];
  }

  /** Whether it is in flight, and so will be asked about at its end. */
  update(info: PodInfo, headers: EventHeaders): boolean {
    const attempt = this.attempts.get(info.uid);
    if (attempt) attempt.updated = { info, headers };
    return attempt !== undefined;
  }

  markDeleted(uid: string): void {
    const attempt = this.attempts.get(uid);
    if (attempt) attempt.deleted = true;
  }

  /** Ends the attempt of a pod that will not come back. */
  finish(uid: string): void {
    if (this.attempts.delete(uid)) this.prune();
  }

  /** Ends the attempt: what the pod has become and the events it has not seen; undefined where it is gone or was not in flight. */
  end(uid: string): { readonly updated?: Attempt['updated']; readonly missed: readonly ClusterEvent[] } | undefined {
    const attempt = this.attempts.get(uid);
    if (!attempt) return undefined;
    this.attempts.delete(uid);
    const missed = attempt.since < this.forgottenBefore ? [anything] : this.events.slice(attempt.since - this.firstEvent);
    this.prune();
    return attempt.deleted ? undefined : { missed, ...(attempt.updated && { updated: attempt.updated }) };
  }

  /** Attempts end about in the order they began: events that the oldest has not missed, none has. */
  private prune(): void {
    const [oldest] = this.attempts.values();
    if (!oldest) {
      this.firstEvent += this.events.length;
      this.events = [];
      return;
    }
    const unneeded = oldest.since - this.firstEvent;
    if (unneeded <= this.events.length >> 1 || unneeded <= 0) return;
    this.events = this.events.slice(unneeded);
    this.firstEvent = oldest.since;
  }
}
