import { deferred } from './deferred';
import { inParallel } from './in-parallel';

describe('work in parallel', () => {
  it('begins no more than it may at a time, and goes on as soon as one has ended', async () => {
    const items = ['a', 'b', 'c'].map((name) => ({ name, gate: deferred<void>() }));
    const begun: string[] = [];
    const all = inParallel(items, 2, async ({ name, gate }) => {
      begun.push(name);
      await gate.promise;
      return name.toUpperCase();
    });
    expect(begun).toEqual(['a', 'b']);
    items[1]?.gate.resolve();
    await items[1]?.gate.promise;
    await Promise.resolve();
    await Promise.resolve();
    expect(begun).toEqual(['a', 'b', 'c']);
    for (const { gate } of items) gate.resolve();
    expect(await all).toEqual(['A', 'B', 'C']);
  });

  it('begins nothing more after a failure, and tells it', async () => {
    const begun: number[] = [];
    await expect(inParallel([1, 2, 3], 1, async (item) => {
      begun.push(item);
      if (item === 2) throw new Error('no');
    })).rejects.toThrow('no');
    expect(begun).toEqual([1, 2]);
  });
});
