import type { Clock } from './clock';

/** The machine's clock. This file and system-random.ts are the only ones below the apps that may touch these globals. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (delayMs, callback) => {
    // Node fires timers above 2^31-1 ms at once.
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), 2_147_483_647));
    return () => clearTimeout(timer);
  },
};
