/** Stops a timer; calling it again or after the timer fired does nothing. */
export type CancelTimer = () => void;

/**
 * The only source of time below the apps. Production injects `systemClock`, the simulation a `VirtualClock`.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970. */
  now(): number;
  /** Milliseconds from an arbitrary origin that never go back; for durations. */
  monotonic(): number;
  /** Calls back once after `delayMs` (at least 0). The process may exit while only timers remain. */
  setTimer(delayMs: number, callback: () => void): CancelTimer;
}

/** Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A signal that aborts with `reason` after `delayMs`, or with its parent; `dispose` releases the timer. */
export function deadlineSignal(
  clock: Clock, delayMs: number, reason: () => Error, parent?: AbortSignal,
): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  const onParent = (): void => controller.abort(parent?.reason);
  if (parent?.aborted) controller.abort(parent.reason);
  const cancel = clock.setTimer(delayMs, () => controller.abort(reason()));
  parent?.addEventListener('abort', onParent, { once: true });
  return {
    signal: controller.signal,
    dispose: () => {
      cancel();
      parent?.removeEventListener('abort', onParent);
    },
  };
}
