import fc from 'fast-check';

import { compareLive, decodeChunks, digestOf, encodeChunks, type LivePlace } from './live-set';

const place = fc.record({ subject: fc.stringMatching(/^kube(\.[a-z0-9%-]{1,8}){4}$/), sequence: fc.integer({ min: 1, max: 2 ** 53 - 1 }) });
const places = fc.uniqueArray(place, { selector: ({ subject }) => subject });
const loaded = (live: readonly LivePlace[]): Map<string, { sequence: number; live: boolean }> => new Map(live.map(({ subject, sequence }) => [subject, { sequence, live: true }]));

describe('the live set of a compaction', () => {
  it('has a digest that does not depend on order and changes with any place', () => {
    fc.assert(fc.property(places, (set) => {
      expect(digestOf([...set].reverse())).toEqual(digestOf(set));
      const [first] = set;
      if (first) expect(digestOf([{ ...first, sequence: first.sequence - 1 }, ...set.slice(1)]).hash).not.toBe(digestOf(set).hash);
    }));
  });

  it('comes back from its chunks, also when there are several', () => {
    const many = Array.from({ length: 25_000 }, (_, index) => ({ subject: `kube._.pods.default.p${index}`, sequence: index + 1 }));
    const chunks = encodeChunks(many);
    expect(chunks).toHaveLength(3);
    expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThan(1024 * 1024);
    expect(decodeChunks(chunks)).toEqual(many);
    fc.assert(fc.property(places, (set) => expect(decodeChunks(encodeChunks(set))).toEqual(set)));
  });

  it('finds no fault where nothing changed, and names exactly what was taken away or added below the floor', () => {
    fc.assert(fc.property(places, fc.nat(), (set, pick) => {
      const floor = 2 ** 53;
      expect(compareLive(set, loaded(set), floor)).toEqual({ cameBack: [], went: [] });
      const victim = set[pick % Math.max(1, set.length)];
      if (!victim) return;
      const rest = set.filter((one) => one !== victim);
      expect(compareLive(set, loaded(rest), floor)).toEqual({ cameBack: [], went: [victim.subject] });
      expect(compareLive(rest, loaded(set), floor)).toEqual({ cameBack: [victim.subject], went: [] });
    }));
  });

  it.each([
    ['changed above the floor', { sequence: 12, live: true }, [], []],
    ['deleted above the floor', { sequence: 12, live: false }, [], []],
    ['an older version below the floor', { sequence: 3, live: true }, ['s'], ['s']],
    ['a tombstone below the floor', { sequence: 7, live: false }, [], ['s']],
  ])('judges an object that was live at 5, with the floor at 10, and is now %s', (_now, now, cameBack, went) => {
    expect(compareLive([{ subject: 's', sequence: 5 }], new Map([['s', now]]), 10)).toEqual({ cameBack, went });
  });
});
