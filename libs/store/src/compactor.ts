import { hasReason, silentLogger, sleep, toError, type Clock, type Logger } from '@navarch/base';

import type { ObjectLog } from './object-log';

/** What stays readable: both at least `keepMs` of history and at least the last `keepVersions` writes. */
export interface CompactionPolicy {
  /** Milliseconds between two looks at the log; 1 minute is usual. */
  readonly intervalMs: number;
  readonly keepMs: number;
  readonly keepVersions: number;
}

/** Where the log's end was at a time of the monotonic clock. */
export interface EndSample {
  readonly atMs: number;
  readonly sequence: number;
}

/** The highest floor that a policy allows, given where the log's end was when; undefined where nothing is old enough. */
export function floorFor(samples: readonly EndSample[], policy: CompactionPolicy, nowMs: number): number | undefined {
  const old = samples.filter(({ atMs }) => atMs <= nowMs - policy.keepMs).at(-1);
  const end = samples.at(-1);
  if (!old || !end) return undefined;
  const floor = Math.min(old.sequence, end.sequence - policy.keepVersions);
  return floor > 0 ? floor : undefined;
}

/**
 * Compacts by policy until the signal aborts. Whoever is elected runs it; two at once do no harm, one of them gives way. A failure is
 * logged and tried again at the next interval.
 */
export async function runCompactor(options: { readonly log: ObjectLog; readonly clock: Clock; readonly policy: CompactionPolicy; readonly signal: AbortSignal; readonly logger?: Logger }): Promise<void> {
  const { log, clock, policy, signal, logger = silentLogger } = options;
  let samples: EndSample[] = [];
  let lastFloor = 0;
  while (!signal.aborted) {
    try {
      const sequence = await log.barrier({ signal });
      const nowMs = clock.monotonic();
      samples.push({ atMs: nowMs, sequence });
      const floor = floorFor(samples, policy, nowMs);
      if (floor !== undefined && floor > lastFloor) {
        const result = await log.compact(floor, { signal });
        lastFloor = result.floor;
        samples = samples.filter((sample) => sample.sequence >= floor);
        logger.info('log compacted', { ...result });
      }
    } catch (error) {
      if (signal.aborted) return;
      logger.warn('log compaction failed', { error: toError(error).message, otherCompactor: hasReason(error, 'Conflict') });
    }
    await sleep(clock, policy.intervalMs, signal).catch(() => undefined);
  }
}
