import { deferred, type Deferred } from '@navarch/base';

/** Orders resource versions of one resource: they are sequences of one log. */
export function compareVersions(left: string, right: string): number {
  return left.length === right.length ? (left < right ? -1 : left > right ? 1 : 0) : left.length - right.length;
}

interface Waiter {
  readonly version: string;
  readonly deferred: Deferred<void>;
}

/** Promises that resolve when a version, or a later one, has been seen. */
export class VersionWaiters {
  private seen = '';
  private readonly waiters = new Set<Waiter>();

  waitFor(version: string, signal?: AbortSignal): Promise<void> {
    if (!/^[1-9]\d*$/.test(version)) return Promise.reject(new Error(`not a resource version: "${version}"`));
    if (compareVersions(version, this.seen) <= 0) return Promise.resolve();
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    const waiter: Waiter = { version, deferred: deferred<void>() };
    const onAbort = (): void => {
      this.waiters.delete(waiter);
      waiter.deferred.reject(signal?.reason);
    };
    this.waiters.add(waiter);
    signal?.addEventListener('abort', onAbort, { once: true });
    return waiter.deferred.promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  advance(version: string): void {
    this.seen = version;
    for (const waiter of this.waiters) {
      if (compareVersions(waiter.version, version) > 0) continue;
      this.waiters.delete(waiter);
      waiter.deferred.resolve();
    }
  }
}
