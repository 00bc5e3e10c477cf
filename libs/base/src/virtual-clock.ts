import type { CancelTimer, Clock } from './clock';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock that moves only when told. Timers due at the same instant fire in the order they were set. `settle` is what
 * the driver awaits between timers so that promise chains run out (a macrotask turn in Node).
 */
export class VirtualClock implements Clock {
  private readonly timers = new Set<Timer>();
  private nowMs: number;
  private order = 0;

  constructor(private readonly startMs: number, private readonly settle: () => Promise<void>) {
    this.nowMs = startMs;
  }

  /** Whole milliseconds, as a machine's clock gives them. */
  now(): number {
    return Math.floor(this.nowMs);
  }

  monotonic(): number {
    return this.nowMs - this.startMs;
  }

  setTimer(delayMs: number, callback: () => void): CancelTimer {
    const timer: Timer = { dueMs: this.nowMs + Math.max(0, delayMs), order: this.order++, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.timers.size;
  }

  /** Moves time on by `ms`, firing every timer that comes due, each after the work of the one before has settled. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.nowMs + ms;
    await this.settle();
    for (let timer = this.next(); timer && timer.dueMs <= targetMs; timer = this.next()) {
      this.timers.delete(timer);
      this.nowMs = Math.max(this.nowMs, timer.dueMs);
      timer.callback();
      await this.settle();
    }
    this.nowMs = targetMs;
  }

  /** Advances timer by timer until `done()` holds; throws when `limitMs` of virtual time pass first. */
  async advanceUntil(done: () => boolean, limitMs: number): Promise<void> {
    const endMs = this.nowMs + limitMs;
    await this.settle();
    while (!done()) {
      const timer = this.next();
      if (!timer || timer.dueMs > endMs) throw new Error(`condition not reached within ${limitMs} ms of virtual time`);
      await this.advance(Math.max(0, timer.dueMs - this.nowMs));
    }
  }

  private next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) {
      if (!first || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
