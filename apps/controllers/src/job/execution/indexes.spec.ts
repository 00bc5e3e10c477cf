import fc from 'fast-check';

import { IndexSet } from './indexes';

describe('a set of completion indexes', () => {
  it.each([
    [[], ''], [[3], '3'], [[1, 2], '1,2'], [[1, 2, 3], '1-3'], [[7, 1, 3, 4, 5], '1,3-5,7'], [[2, 2], '2'],
  ])('%j is written %j', (indexes, text) => {
    expect(String(IndexSet.of(indexes))).toBe(text);
  });

  it('reads what it wrote, and nothing beyond the completions of a job that has shrunk', () => {
    expect(String(IndexSet.parse('1,3-5,7', 100))).toBe('1,3-5,7');
    expect(String(IndexSet.parse('1,3-5,7', 5))).toBe('1,3,4');
    expect(String(IndexSet.parse(undefined, 5))).toBe('');
  });

  it('counts and finds without walking: two thousand million indexes are one interval', () => {
    const all = IndexSet.parse('0-2147483640', 2 ** 31 - 1);
    expect([all.size, all.has(2_000_000_000), all.firstMissing(3, 2 ** 31 - 1)]).toEqual([2_147_483_641, true, [2_147_483_641, 2_147_483_642, 2_147_483_643]]);
  });

  it('agrees with a plain set in all it answers', () => {
    const indexes = fc.array(fc.nat(40), { maxLength: 40 });
    fc.assert(fc.property(indexes, indexes, fc.nat(10), (left, right, count) => {
      const [a, b] = [IndexSet.of(left), IndexSet.of(right)];
      const [setA, setB] = [new Set(left), new Set(right)];
      const both = a.union(b);
      expect(both.size).toBe(new Set([...left, ...right]).size);
      expect(a.countOf(b)).toBe([...setB].filter((index) => setA.has(index)).length);
      const missing = Array.from({ length: 41 }, (_, index) => index).filter((index) => !setA.has(index));
      expect(a.firstMissing(count, 41)).toEqual(missing.slice(0, count));
      expect(String(IndexSet.parse(String(both), 41))).toBe(String(both));
    }));
  });
});
