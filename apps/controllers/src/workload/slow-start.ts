/** How a series of attempts ended: what was achieved, what failed, what was not tried after that. */
export interface SlowStart<T, R> {
  readonly values: readonly R[];
  readonly failures: readonly unknown[];
  readonly skipped: readonly T[];
}

/**
 * `work` on every item, in batches of 1, 2, 4, …; no further batch after one in which something failed. So a thousand pods
 * that quota or admission refuses cost one request, not a thousand (Kubernetes' slow start).
 */
export async function slowStart<T, R>(items: readonly T[], work: (item: T) => Promise<R>, firstBatch = 1): Promise<SlowStart<T, R>> {
  const [values, failures]: [R[], unknown[]] = [[], []];
  let start = 0;
  for (let size = firstBatch; start < items.length && failures.length === 0; size *= 2) {
    const settled = await Promise.allSettled(items.slice(start, start + size).map(work));
    for (const result of settled) {
      if (result.status === 'fulfilled') values.push(result.value);
      else failures.push(result.reason);
    }
    start += settled.length;
  }
  return { values, failures, skipped: items.slice(start) };
}
