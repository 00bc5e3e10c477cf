/** `work` on every item, at most `size` at once; answers how each ended, in order. */
export async function inChunks<T, R>(items: readonly T[], size: number, work: (item: T) => Promise<R>): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  for (let start = 0; start < items.length; start += size) results.push(...(await Promise.allSettled(items.slice(start, start + size).map(work))));
  return results;
}

/** The values, where all went well; throws the first failure otherwise. */
export function valuesOf<R>(results: readonly PromiseSettledResult<R>[]): R[] {
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
