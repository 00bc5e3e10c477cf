import { Pipe } from './pipe';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function readAll<T>(pipe: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of pipe) items.push(item);
  return items;
}

describe('Pipe', () => {
  it('lets a pusher wait while nobody reads, and go on when there is room', async () => {
    const pipe = new Pipe<number>(2);
    await pipe.push(1);
    let through = false;
    const waiting = pipe.push(2).then(() => { through = true; });
    await turn();
    expect(through).toBe(false);
    const reader = pipe[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: 1 });
    await waiting;
    expect(through).toBe(true);
  });

  it('gives what is inside before its end, and before its failure', async () => {
    const [ended, failed] = [new Pipe<string>(), new Pipe<string>()];
    for (const pipe of [ended, failed]) await pipe.push('item');
    ended.end();
    failed.fail(new Error('broken'));
    expect(await readAll(ended)).toEqual(['item']);
    const reader = failed[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: 'item' });
    await expect(reader.next()).rejects.toThrow('broken');
  });

  it('lets pushers go when its reader leaves, and when it ends', async () => {
    const [left, ended] = [new Pipe<number>(1), new Pipe<number>(1)];
    const pushes = [left.push(1), ended.push(1)];
    for await (const _ of left) break;
    ended.end();
    await Promise.all([...pushes, left.push(2), ended.push(2)]);
    expect(await readAll(ended)).toEqual([1]);
  });
});
