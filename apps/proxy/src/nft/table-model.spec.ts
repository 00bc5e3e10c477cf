import fc from 'fast-check';

import { TableModel, type TableChanges } from './table-model';

/** A kernel's table as plain maps: it refuses what the real one would refuse. */
class PlainTable {
  readonly sets = new Map<string, Map<string, string>>();

  apply({ newSets, goneSets, removed, added }: TableChanges): void {
    for (const name of goneSets) {
      if (!this.sets.delete(name)) throw new Error(`no set ${name} to delete`);
    }
    for (const [name] of newSets) {
      if (this.sets.has(name)) throw new Error(`set ${name} is there`);
      this.sets.set(name, new Map());
    }
    for (const [name, keys] of removed) for (const key of keys) if (!this.set(name).delete(key)) throw new Error(`no element ${key} in ${name}`);
    for (const [name, elements] of added) for (const [key, value] of elements) this.set(name).set(key, value);
  }

  private set(name: string): Map<string, string> {
    const found = this.sets.get(name);
    if (!found) throw new Error(`no set ${name}`);
    return found;
  }
}

type Step = { readonly do: 'define' | 'removeSet' | 'put' | 'remove' | 'take'; readonly set: string; readonly key: string; readonly value: string };

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('define', 'removeSet', 'put', 'put', 'remove', 'take'), set: fc.constantFrom('a', 'b'), key: fc.constantFrom('x', 'y'), value: fc.constantFrom('1', '2'),
});

function perform(model: TableModel, { do: what, set, key, value }: Step): void {
  if (what === 'define') model.defineSet(set, { kind: 'map', type: 'type ipv4_addr : mark' });
  else if (what === 'removeSet') model.removeSet(set);
  else if (!model.content.sets.has(set)) return;
  else if (what === 'put') model.put(set, key, value);
  else if (what === 'remove') model.remove(set, key);
}

const plain = (sets: ReadonlyMap<string, ReadonlyMap<string, string>>): object => Object.fromEntries([...sets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, elements]) => [name, Object.fromEntries([...elements].sort())]));

describe('changes of a table', () => {
  it('law: told one after the other they leave in the kernel what is wanted, whatever was made, taken away and made again between two', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const model = new TableModel();
      const kernel = new PlainTable();
      for (const one of [...steps, { do: 'take' } as Step]) {
        perform(model, one);
        if (one.do !== 'take') continue;
        const changes = model.takeChanges();
        if (changes) kernel.apply(changes);
        expect(plain(kernel.sets)).toEqual(plain(model.content.elements));
      }
    }), { numRuns: 1_000 });
  });

  it('of a set that went and came back tell what it no longer has', () => {
    const model = new TableModel();
    model.defineSet('sticky', { kind: 'set', type: 'type ipv4_addr' });
    model.put('sticky', 'old');
    model.takeChanges();
    model.removeSet('sticky');
    model.defineSet('sticky', { kind: 'set', type: 'type ipv4_addr' });
    model.put('sticky', 'new');
    expect(model.takeChanges()).toMatchObject({ newSets: [], goneSets: [], removed: [['sticky', ['old']]], added: [['sticky', [['new', '']]]] });
  });
});
