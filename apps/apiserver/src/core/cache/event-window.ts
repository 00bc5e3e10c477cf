import type { CacheEvent } from './cache-event';

export interface WindowLimits {
  /** Events younger than this (milliseconds, by the log's own times) stay, up to `maxEvents`. */
  readonly keepMs: number;
  /** At least this many stay, however old. */
  readonly minEvents: number;
  readonly maxEvents: number;
}

/** Kubernetes keeps 75 s, so that a client that lost its connection finds its place again. */
export const defaultWindowLimits: WindowLimits = { keepMs: 75_000, minEvents: 1_000, maxEvents: 20_000 };

/** The most recent changes of a kind, without gaps after `start`: what a watch can resume from, and a list can go back to. */
export class EventWindow {
  private events: CacheEvent[] = [];
  private head = 0;
  private startSequence = 0;

  constructor(private readonly limits: WindowLimits) {}

  /** Every change after this version is in the window. */
  get start(): number {
    return this.startSequence;
  }

  push(event: CacheEvent): void {
    this.events.push(event);
    while (this.overfull(event.timeMs)) this.drop();
    this.reclaim();
  }

  /** Forgets everything: the history up to `sequence` is not known. */
  restart(sequence: number): void {
    this.events = [];
    this.head = 0;
    this.startSequence = sequence;
  }

  /** Versions below `floor` may no longer be read. */
  raise(floor: number): void {
    while (this.size > 0 && this.at(0).sequence <= floor) this.drop();
    this.startSequence = Math.max(this.startSequence, floor);
    this.reclaim();
  }

  /** The changes after `sequence` (which is at least `start`), oldest first. */
  since(sequence: number): CacheEvent[] {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle).sequence <= sequence) low = middle + 1;
      else high = middle;
    }
    return this.events.slice(this.head + low);
  }

  private get size(): number {
    return this.events.length - this.head;
  }

  private at(offset: number): CacheEvent {
    return this.events[this.head + offset] as CacheEvent;
  }

  private overfull(nowMs: number): boolean {
    if (this.size > this.limits.maxEvents) return true;
    return this.size > this.limits.minEvents && nowMs - this.at(0).timeMs > this.limits.keepMs;
  }

  private drop(): void {
    this.startSequence = this.at(0).sequence;
    this.events[this.head++] = undefined as unknown as CacheEvent;
  }

  private reclaim(): void {
    if (this.head < 1024 || this.head * 2 < this.events.length) return;
    this.events = this.events.slice(this.head);
    this.head = 0;
  }
}
