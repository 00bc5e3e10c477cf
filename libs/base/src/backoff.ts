import type { Random } from './random';

export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Growth per failure; 2 unless told. */
  readonly factor?: number;
  /** Share of the delay that is random, 0 … 1; 0 unless told. */
  readonly jitter?: number;
}

/** The delay before try number `failures` + 1 (failures ≥ 1), capped at `maxMs`, with jitter added below the cap's share. */
export function backoffDelayMs(failures: number, options: BackoffOptions, random?: Random): number {
  const grown = options.initialMs * (options.factor ?? 2) ** Math.min(failures - 1, 60);
  const base = Math.min(grown, options.maxMs);
  return random && options.jitter ? base * (1 - options.jitter * random.next()) : base;
}
