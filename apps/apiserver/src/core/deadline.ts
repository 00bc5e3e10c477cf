import { ApiError, deadlineSignal, type Clock } from '@navarch/base';

export const defaultTimeoutMs = 30_000;
/** The object log gives no answer later than this, so nobody waits longer. */
const maxTimeoutMs = 60_000;

/** How long a request may still take, for everything that it waits for. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Only the caller's going away: for calls that keep time themselves, and know better what a timeout means. */
  readonly caller: AbortSignal;
  /** Milliseconds left; at least 1. */
  leftMs(): number;
  dispose(): void;
}

/**
 * A little before the caller's own deadline, so that the caller hears why (Unavailable) instead of only that it took too
 * long.
 */
export function startDeadline(clock: Clock, timeoutMs: number, parent: AbortSignal): Deadline {
  const boundedMs = Math.min(timeoutMs, maxTimeoutMs);
  const budgetMs = boundedMs - Math.min(250, boundedMs / 10);
  const startMs = clock.monotonic();
  const leftMs = (): number => Math.max(1, budgetMs - (clock.monotonic() - startMs));
  const expired = (): Error =>
    new ApiError('Unavailable', `the object log did not answer within ${Math.round(budgetMs)} ms`, { retryAfterSeconds: 1 });
  let made: ReturnType<typeof deadlineSignal> | undefined;
  return {
    // Made when someone waits by it: most requests never do, and an AbortController costs as much as a decoded object.
    get signal() {
      made ??= deadlineSignal(clock, leftMs(), expired, parent);
      return made.signal;
    },
    caller: parent, leftMs, dispose: () => made?.dispose(),
  };
}
