import { deferred, type Deferred } from '@navarch/base';

interface Waiter {
  readonly sequence: number;
  readonly done: Deferred<void>;
}

/** Reads that wait until the cache has passed a sequence. Sequences mostly come in rising order, so the list stays sorted cheaply. */
export class VersionWaiters {
  private waiters: Waiter[] = [];

  /** Resolves once `advance` reaches `sequence`; rejects with the signal's reason. */
  async wait(sequence: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const waiter: Waiter = { sequence, done: deferred<void>() };
    let at = this.waiters.length;
    while (at > 0 && (this.waiters[at - 1] as Waiter).sequence > sequence) at--;
    this.waiters.splice(at, 0, waiter);
    const onAbort = (): void => {
      this.waiters = this.waiters.filter((other) => other !== waiter);
      waiter.done.reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await waiter.done.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  advance(sequence: number): void {
    let reached = 0;
    while (reached < this.waiters.length && (this.waiters[reached] as Waiter).sequence <= sequence) reached++;
    if (reached > 0) for (const waiter of this.waiters.splice(0, reached)) waiter.done.resolve();
  }

  fail(error: unknown): void {
    for (const waiter of this.waiters.splice(0)) waiter.done.reject(error);
  }
}
