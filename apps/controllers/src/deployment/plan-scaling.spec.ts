import { isSaturated, isScaled, scaledSizes } from './plan-scaling';
import { deploymentOf, setOf, type SetFacts } from './testing';

const sized = (sizes: ReturnType<typeof scaledSizes>) => Object.fromEntries([...sizes].map(([{ metadata }, size]) => [metadata?.name, size]));

describe('a new size', () => {
  it('is noticed where an active set notes another', () => {
    expect(isScaled(deploymentOf(5), [setOf('a', 3, { desired: 3 })])).toBe(true);
    expect(isScaled(deploymentOf(3), [setOf('a', 3, { desired: 3 }), setOf('gone', 0, { desired: 9 })])).toBe(false);
    expect(isScaled(deploymentOf(3), [setOf('never-noted', 1)])).toBe(false);
    expect(isScaled(deploymentOf(5, 0, 0, { strategy: { type: 'Recreate' } }), [setOf('a', 3, { desired: 3 }), setOf('b', 3, { desired: 3 })])).toBe(false);
  });

  it.each<[string, number, Parameters<typeof setOf>, Parameters<typeof setOf>[], Record<string, number>]>([
    ['the only set gets all', 5, ['new', 3], [], { new: 5 }],
    ['none is active: the new one', 5, ['new', 0], [['old', 0]], { new: 5 }],
    ['an old one alone is active: it gets all', 5, ['new', 0], [['old', 3]], { old: 5 }],
    ['the new one is all there: the old ones go', 3, ['new', 3, { desired: 3, available: 3 }], [['old', 2, { desired: 3 }]], { old: 0 }],
  ])('%s', (_name, replicas, newSet, oldSets, expected) => expect(sized(scaledSizes(deploymentOf(replicas), setOf(...newSet), oldSets.map((each) => setOf(...each))))).toEqual(expected));

  const noted = (max: number, created: number): SetFacts => ({ desired: 0, max, created });
  it.each<[string, number, number, number, number[], number[]]>([
    // [name, wanted, maxSurge, the largest total before, sizes, sizes then]; the first set is the newest.
    ['evenly from 5 + 5 to 20', 20, 0, 10, [5, 5], [10, 10]],
    ['8 + 5 of 10 and 3 to 15 and 3, as documented', 15, 3, 13, [5, 8], [7, 11]],
    ['down in the same shares', 5, 0, 10, [6, 4], [3, 2]],
    ['what rounding leaves goes to the largest', 8, 0, 5, [2, 3], [3, 5]],
    ['to nothing', 0, 2, 12, [4, 8], [0, 0]],
    ['of equals, the newer gets the odd one more', 11, 0, 10, [5, 5], [6, 5]],
    ['of equals, the older loses the odd one', 9, 0, 10, [5, 5], [5, 4]],
    ['three sets', 30, 0, 15, [5, 5, 5], [10, 10, 10]],
  ])('in the middle of a rollout: %s', (_name, wanted, maxSurge, before, sizes, expected) => {
    const [newSet, ...oldSets] = sizes.map((size, at) => setOf(`set-${at}`, size, noted(before, 100 - at)));
    expect(Object.values(Object.fromEntries(Object.entries(sized(scaledSizes(deploymentOf(wanted, maxSurge), newSet, oldSets))).sort()))).toEqual(expected);
  });

  it('a set is saturated when it is of the size it notes, and all of it available', () => {
    expect(isSaturated(deploymentOf(3), setOf('a', 3, { desired: 3, available: 3 }))).toBe(true);
    expect(isSaturated(deploymentOf(3), setOf('a', 3, { desired: 3, available: 2 }))).toBe(false);
    expect(isSaturated(deploymentOf(3), setOf('a', 3, { desired: 5, available: 3 }))).toBe(false);
    expect(isSaturated(deploymentOf(3), undefined)).toBe(false);
  });
});
