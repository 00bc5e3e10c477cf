import type { ApiObject } from '@navarch/api';
import fc from 'fast-check';

import { cacheKey, ObjectCache } from './object-cache';

interface Thing extends ApiObject {
  readonly colours: readonly string[];
}

const thing = (namespace: string, name: string, ...colours: string[]): Thing => ({ metadata: { namespace, name }, colours });
const names = (things: readonly Thing[]): string[] => things.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`).sort();

describe('object cache', () => {
  it('finds by key, namespace and index, and keeps indexes true when objects change and go', () => {
    const cache = new ObjectCache<Thing, undefined>({ colour: ({ colours }) => colours });
    cache.put('x/a', thing('x', 'a', 'red', 'blue'), undefined);
    cache.put('y/b', thing('y', 'b', 'red'), undefined);
    expect(names(cache.by('colour', 'red'))).toEqual(['x/a', 'y/b']);
    cache.put('x/a', thing('x', 'a', 'green'), undefined);
    expect([names(cache.by('colour', 'red')), names(cache.by('colour', 'blue')), names(cache.by('colour', 'green'))]).toEqual([['y/b'], [], ['x/a']]);
    cache.remove('x/a');
    expect([names(cache.by('colour', 'green')), names(cache.list()), names(cache.list('x')), names(cache.list('y'))]).toEqual([[], ['y/b'], [], ['y/b']]);
  });

  it('an index nobody declared is a mistake, not an empty answer', () => {
    expect(() => new ObjectCache<Thing, undefined>({}).by('shape', 'round')).toThrow('no such index: shape');
  });

  it('law: an index answers what a scan would', () => {
    const operation = fc.record({ name: fc.constantFrom('a', 'b', 'c'), colours: fc.option(fc.uniqueArray(fc.constantFrom('red', 'blue', 'green'))) });
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        const cache = new ObjectCache<Thing, undefined>({ colour: ({ colours }) => colours });
        for (const { name, colours } of operations) {
          if (colours) cache.put(cacheKey('n', name), thing('n', name, ...colours), undefined);
          else cache.remove(cacheKey('n', name));
        }
        for (const colour of ['red', 'blue', 'green']) {
          expect(names(cache.by('colour', colour))).toEqual(names(cache.list().filter(({ colours }) => colours.includes(colour))));
        }
      }),
    );
  });
});
