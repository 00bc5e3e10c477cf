import type { CancelTimer, Clock } from '@navarch/base';

/** One process's clock: it stands still while the process is paused (SIGSTOP), and its wall clock can be set wrong. */
export class ProcessClock implements Clock {
  private skewMs = 0;
  private pausedSinceMs: number | undefined;
  /** Timers that came due while it was paused; they fire, in order, when it goes on. */
  private readonly overdue: (() => void)[] = [];

  constructor(private readonly world: Clock) {}

  get paused(): boolean {
    return this.pausedSinceMs !== undefined;
  }

  now(): number {
    return this.world.now() + this.skewMs;
  }

  /** Goes on during a pause, as CLOCK_MONOTONIC does while a process is stopped. */
  monotonic(): number {
    return this.world.monotonic();
  }

  setTimer(delayMs: number, callback: () => void): CancelTimer {
    let cancelled = false;
    const cancel = this.world.setTimer(delayMs, () => {
      if (!this.paused) callback();
      else this.overdue.push(() => { if (!cancelled) callback(); });
    });
    return () => {
      cancelled = true;
      cancel();
    };
  }

  pause(): void {
    this.pausedSinceMs ??= this.world.monotonic();
  }

  resume(): void {
    this.pausedSinceMs = undefined;
    for (const callback of this.overdue.splice(0)) callback();
  }

  /** Sets the wall clock forward or back; durations are not concerned. */
  jump(ms: number): void {
    this.skewMs += ms;
  }

  /** Resolves at once while the process runs, else when it goes on: for what reaches it from outside. */
  awake(): Promise<void> {
    return this.paused ? new Promise((resolve) => this.overdue.push(resolve)) : Promise.resolve();
  }
}
