import { begun } from './begun';

describe('a stream that has begun', () => {
  it('gives every item, and lets go of its source when its reader leaves', async () => {
    let left = false;
    async function* source(): AsyncGenerator<number> {
      try {
        yield* [1, 2, 3];
      } finally { left = true; }
    }
    const seen: number[] = [];
    for await (const item of await begun(source())) seen.push(item);
    expect([seen, left]).toEqual([[1, 2, 3], true]);
    left = false;
    for await (const item of await begun(source())) if (item === 1) break;
    expect(left).toBe(true);
  });

  it('fails before it begins where its source does, and ends at once where there is nothing', async () => {
    async function* failing(): AsyncGenerator<number> { throw new Error('no such container'); }
    await expect(begun(failing())).rejects.toThrow('no such container');
    async function* empty(): AsyncGenerator<number> {}
    for await (const item of await begun(empty())) throw new Error(`unexpected ${item}`);
  });
});
