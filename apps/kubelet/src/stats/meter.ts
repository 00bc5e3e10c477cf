/** What counters say at one moment. */
export interface Counters {
  readonly cpuNanoseconds: number;
  readonly memoryBytes?: number;
  readonly workingSetBytes: number;
}

/** What something uses. */
export interface Usage extends Counters {
  /** End of the window, milliseconds since 1970. */
  readonly atMs: number;
  readonly windowMs: number;
  /** CPU time per time in the window: 1,000,000,000 is one core. */
  readonly cpuNanocores: number;
}

/** Now, by both clocks: the wall's for people, the other for durations. */
export interface Moment {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

interface Reading {
  readonly counters: Counters;
  readonly monotonicMs: number;
  readonly usage?: Usage;
}

/** Rates from counters that are read again and again. Keys are never used for a second thing: a counter that goes back is a mistake of the machine, and counts as standing still. */
export class Meter {
  private readonly readings = new Map<string, Reading>();

  /**
   * Takes a reading. `ageMs` says how long ago the counter began at zero, where that is so recent that the time since then is a fair window;
   * without it the first reading has no rate yet.
   */
  take(key: string, counters: Counters, { nowMs, monotonicMs }: Moment, ageMs?: number): void {
    const last = this.readings.get(key);
    const windowMs = last ? monotonicMs - last.monotonicMs : (ageMs ?? 0);
    if (windowMs <= 0) return void (last ?? this.readings.set(key, { counters, monotonicMs }));
    const spent = Math.max(0, counters.cpuNanoseconds - (last?.counters.cpuNanoseconds ?? 0));
    this.readings.set(key, { counters, monotonicMs, usage: { ...counters, atMs: nowMs, windowMs, cpuNanocores: Math.round(spent / windowMs * 1_000) } });
  }

  usage(key: string): Usage | undefined {
    return this.readings.get(key)?.usage;
  }

  /** Forgets all else. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.readings.keys()) if (!keys.has(key)) this.readings.delete(key);
  }
}
