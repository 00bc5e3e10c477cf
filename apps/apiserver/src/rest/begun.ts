/**
 * The same items, once it is known that there are any, or none: what fails before the first can still be told as a Status,
 * and only what fails later breaks off. So a log's headers come with its first line, as from Kubernetes.
 */
export async function begun<T>(items: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const iterator = items[Symbol.asyncIterator]();
  let first: IteratorResult<T> | undefined = await iterator.next();
  const rest: AsyncIterableIterator<T> = {
    [Symbol.asyncIterator]: () => rest,
    next: () => {
      const result = first ? Promise.resolve(first) : iterator.next();
      first = undefined;
      return result;
    },
    return: async (value: unknown) => (await iterator.return?.(value)) ?? { done: true, value },
  };
  return rest;
}
