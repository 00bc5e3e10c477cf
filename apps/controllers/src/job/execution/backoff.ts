/** What is remembered of a job's latest failures, so that pods that fail at once are not replaced at once. */
export interface BackoffRecord {
  /** Since the latest success, or from the beginning. */
  readonly failures: number;
  readonly lastFailureMs: number;
}

export interface EndedPod {
  readonly endedMs: number;
  readonly failed: boolean;
}

export const firstDelayMs = 10_000;
export const longestDelayMs = 360_000;

/** The record after these pods have ended; in the order of their ends, a success forgives what was before. */
export function nextRecord(previous: BackoffRecord | undefined, ended: readonly EndedPod[]): BackoffRecord {
  let record = previous ?? { failures: 0, lastFailureMs: 0 };
  for (const { endedMs, failed } of [...ended].sort((a, b) => a.endedMs - b.endedMs)) {
    record = failed ? { failures: record.failures + 1, lastFailureMs: Math.max(record.lastFailureMs, endedMs) } : { failures: 0, lastFailureMs: 0 };
  }
  return record;
}

/** How long to wait before the next pod: 10 s, 20 s, 40 s … 6 min after the latest failure. */
export function remainingDelayMs({ failures, lastFailureMs }: BackoffRecord, nowMs: number): number {
  if (failures <= 0) return 0;
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (failures - 1));
  // A node's clock may be ahead of ours: nothing has failed later than now.
  return Math.max(0, Math.min(lastFailureMs, nowMs) + delayMs - nowMs);
}
