import { deepEqual } from '@navarch/api';
import type { Endpoint, EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

/** A slice's endpoints as they are to be; `slice` is the present one, absent for a new one. */
export interface Packed {
  readonly slice?: EndpointSlice;
  readonly endpoints: readonly Endpoint[];
  readonly changed: boolean;
}

export interface Packing {
  readonly slices: readonly Packed[];
  /** Those that have nothing left. */
  readonly empty: readonly EndpointSlice[];
}

/** What makes an endpoint the same one in another state: its address, and who has it. */
export const endpointKey = ({ addresses = [], targetRef }: Endpoint): string => `${addresses.join(',')} ${targetRef?.uid ?? ''}`;

/**
 * Distributes endpoints over slices of at most `most`, with as few writes as can be: what is in a slice stays there, new
 * endpoints go first where something changes anyway, then into one unchanged slice that has room for all of them, then
 * into new ones. Slices are not evened out: each write reaches every node (KEP-752).
 */
export function packSlices(desired: readonly Endpoint[], existing: readonly EndpointSlice[], most: number): Packing {
  const waiting = new Map(desired.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const packed = existing.map((slice) => keepOwn(slice, waiting, most));
  let rest = [...waiting.values()];
  const takeInto = (index: number): void => {
    const target = packed[index];
    if (!target) return;
    const room = most - target.endpoints.length;
    packed[index] = { ...target, endpoints: [...target.endpoints, ...rest.slice(0, room)], changed: true };
    rest = rest.slice(room);
  };
  // The fullest first: fewer half-empty slices remain.
  const byFill = packed.map((_, index) => index).sort((left, right) => (packed[right]?.endpoints.length ?? 0) - (packed[left]?.endpoints.length ?? 0));
  for (const index of byFill) {
    const { changed = false, endpoints = [] } = packed[index] ?? {};
    if (rest.length > 0 && changed && endpoints.length > 0 && endpoints.length < most) takeInto(index);
  }
  while (rest.length >= most) packed.push({ endpoints: rest.splice(0, most), changed: true });
  if (rest.length > 0) {
    const withRoom = byFill.find((index) => { const count = packed[index]?.endpoints.length ?? 0; return count > 0 && count + rest.length <= most; });
    if (withRoom !== undefined) takeInto(withRoom);
    else packed.push({ endpoints: rest, changed: true });
  }
  return reuseEmpty(packed);
}

/** What of a slice stays, in its place and in its present state; each endpoint is taken by the first slice that has it. */
function keepOwn(slice: EndpointSlice, waiting: Map<string, Endpoint>, most: number): Packed {
  const before = slice.endpoints ?? [];
  const endpoints: Endpoint[] = [];
  for (const endpoint of before) {
    const key = endpointKey(endpoint);
    const now = waiting.get(key);
    if (!now || endpoints.length >= most) continue;
    waiting.delete(key);
    endpoints.push(now);
  }
  return { slice, endpoints, changed: !deepEqual(endpoints, before) };
}

/** A new slice takes the place of one that is left empty: one write instead of two. */
function reuseEmpty(packed: readonly Packed[]): Packing {
  const empty = packed.flatMap(({ slice, endpoints }) => (slice && endpoints.length === 0 ? [slice] : []));
  const slices = packed.filter(({ endpoints }) => endpoints.length > 0).map((one) => (one.slice ? one : { ...one, slice: empty.shift() }));
  return { slices, empty };
}
