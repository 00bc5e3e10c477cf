import { backoffDelayMs } from '@navarch/base';

interface Failure {
  readonly failures: number;
  readonly untilMs: number;
}

const delays = { initialMs: 1_000, maxMs: 15 * 60_000 };
/** Without a failure for so long after its wait, a node is as good as new. */
const forgetAfterMs = 2 * delays.maxMs;

/** How long each set waits, per node, before it replaces a pod that failed: not at first, then 1 s, doubling to 15 min. Times are monotonic. */
export class FailedPods {
  private readonly byPlace = new Map<string, Failure>();

  /** Milliseconds until a failed pod may be replaced; 0: now. */
  waitMs(place: string, nowMs: number): number {
    return Math.max(0, (this.byPlace.get(place)?.untilMs ?? 0) - nowMs);
  }

  replaced(place: string, nowMs: number): void {
    for (const [other, { untilMs }] of this.byPlace) if (nowMs - untilMs > forgetAfterMs) this.byPlace.delete(other);
    const failures = (this.byPlace.get(place)?.failures ?? 0) + 1;
    this.byPlace.set(place, { failures, untilMs: nowMs + backoffDelayMs(failures, delays) });
  }
}
