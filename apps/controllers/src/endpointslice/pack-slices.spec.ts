import type { Endpoint, EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import * as fc from 'fast-check';

import { endpointKey, packSlices, type Packing } from './pack-slices';

const endpoint = (id: number, ready = true): Endpoint => ({ addresses: [`10.0.${id >> 8}.${id & 255}`], conditions: { ready }, targetRef: { uid: String(id) } });
const slice = (name: string, ...ids: number[]): EndpointSlice => ({ metadata: { name }, endpoints: ids.map((id) => endpoint(id)) });
const show = ({ slices, empty }: Packing): string[] => [
  ...slices.map(({ slice: present, endpoints, changed }) => `${present?.metadata?.name ?? 'new'}${changed ? '*' : ''}: ${endpoints.map(({ targetRef }) => targetRef?.uid).join(' ')}`),
  ...empty.map(({ metadata }) => `${metadata?.name} goes`),
];
const pack = (desired: number[], existing: EndpointSlice[], most = 3): string[] => show(packSlices(desired.map((id) => endpoint(id)), existing, most));

describe('endpoints packed into slices', () => {
  it.each<[string, number[], EndpointSlice[], string[]]>([
    ['fill new slices', [1, 2, 3, 4], [], ['new*: 1 2 3', 'new*: 4']],
    ['stay where they are', [3, 1, 2], [slice('a', 1, 2), slice('b', 3)], ['a: 1 2', 'b: 3']],
    ['go where something changes anyway', [1, 4, 5], [slice('a', 1, 2), slice('b', 5)], ['a*: 1 4', 'b: 5']],
    ['go where there is room, into the fullest', [1, 2, 3, 4], [slice('a', 1), slice('b', 2, 3)], ['a: 1', 'b*: 2 3 4']],
    ['make a new slice rather than change two', [1, 2, 3, 4, 5, 6], [slice('a', 1, 2), slice('b', 3, 4)], ['a: 1 2', 'b: 3 4', 'new*: 5 6']],
    ['leave empty slices behind', [1], [slice('a', 1), slice('b', 2)], ['a: 1', 'b goes']],
    ['take over an empty slice', [1, 2, 3, 7, 8, 9], [slice('a', 1, 2, 3), slice('b', 4)], ['a: 1 2 3', 'b*: 7 8 9']],
    ['are in one slice only', [1, 2], [slice('a', 1, 2), slice('b', 2)], ['a: 1 2', 'b goes']],
  ])('%s', (_, desired, existing, expected) => {
    expect(pack(desired, existing)).toEqual(expected);
  });

  it('an endpoint that changes is changed in its place', () => {
    const packing = packSlices([endpoint(1), endpoint(2, false)], [slice('a', 1, 2)], 3);
    expect(show(packing)).toEqual(['a*: 1 2']);
    expect(packing.slices[0]?.endpoints[1]?.conditions).toEqual({ ready: false });
  });

  it('whatever was there, every endpoint ends up in exactly one slice, none is too full, and packing again changes nothing', () => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 50 });
    fc.assert(fc.property(ids, fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 9 }), { maxLength: 8 }), fc.integer({ min: 1, max: 7 }), (desired, existing, most) => {
      const packing = packSlices(desired.map((id) => endpoint(id)), existing.map((members, index) => slice(`s${index}`, ...members)), most);
      const all = packing.slices.flatMap(({ endpoints }) => endpoints.map(endpointKey));
      expect([...all].sort()).toEqual(desired.map((id) => endpointKey(endpoint(id))).sort());
      for (const { endpoints } of packing.slices) expect(endpoints.length).toBeLessThanOrEqual(most);
      const names = [...packing.slices.map(({ slice: present }) => present), ...packing.empty].flatMap((one) => (one ? [one.metadata?.name] : []));
      expect(names.sort()).toEqual(existing.map((_, index) => `s${index}`).sort());
      const written = packing.slices.map(({ endpoints }, index) => ({ metadata: { name: `w${index}` }, endpoints: [...endpoints] }));
      const again = packSlices(desired.map((id) => endpoint(id)), written, most);
      expect([again.empty, again.slices.filter(({ changed }) => changed)]).toEqual([[], []]);
    }));
  });

  it('one endpoint more or less is one write, whatever the size', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 400 }), fc.nat(), (count, pick) => {
      const all = Array.from({ length: count }, (_, index) => endpoint(index));
      const written = packSlices(all, [], 100).slices.map(({ endpoints }, index) => ({ metadata: { name: `w${index}` }, endpoints: [...endpoints] }));
      const writes = (packing: Packing): number => packing.slices.filter(({ changed }) => changed).length + packing.empty.length;
      expect(writes(packSlices([...all, endpoint(1_000)], written, 100))).toBe(1);
      expect(writes(packSlices(all.filter((_, index) => index !== pick % count), written, 100))).toBe(1);
    }));
  });
});
