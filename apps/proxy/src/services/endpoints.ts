import type { EndpointSlice, Endpoint as SliceEndpoint } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { canonicalAddress, familyOf, type Family } from './service-port';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** On this node. */
  readonly local: boolean;
  readonly forZones: readonly string[];
  readonly forNodes: readonly string[];
}

export interface NodePlace {
  readonly name: string;
  readonly zone?: string;
}

/** Who answers, by where the traffic comes from. */
export interface Choice {
  /** For traffic that may go to any node. */
  readonly anywhere: readonly Endpoint[];
  /** For traffic that must stay on this node. */
  readonly here: readonly Endpoint[];
  /** Whether some node has an endpoint: where not, clients are refused instead of ignored. */
  readonly any: boolean;
}

/** The endpoints of one port in one family, each address and port once, in a fixed order. */
export function endpointsOf(slices: readonly EndpointSlice[], family: Family, portName: string, protocol: string, nodeName: string): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== `IPv${family}`) continue;
    const ports = (slice.ports ?? []).filter((port) => (port.name ?? '') === portName && (port.protocol ?? 'TCP').toLowerCase() === protocol && port.port !== undefined);
    for (const { port } of ports) {
      for (const endpoint of slice.endpoints ?? []) {
        // Further addresses of an endpoint have no meaning (API of EndpointSlice).
        const text = endpoint.addresses?.[0] ?? '';
        if (familyOf(text) !== family) continue;
        const address = canonicalAddress(text);
        const known = found.get(`${address} ${port}`);
        const next = endpointAt(endpoint, address, port!, nodeName);
        // While an endpoint moves from one slice to another it may be in both: the readier one counts.
        if (!known || (!known.ready && next.ready)) found.set(`${address} ${port}`, next);
      }
    }
  }
  return [...found].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, endpoint]) => endpoint);
}

/** Absent conditions mean: ready, serving as far as ready, not terminating (API of EndpointSlice). */
function endpointAt({ conditions, nodeName, hints }: SliceEndpoint, address: string, port: number, ownNode: string): Endpoint {
  const ready = conditions?.ready ?? true;
  return {
    address, port, ready, serving: conditions?.serving ?? ready, terminating: conditions?.terminating ?? false, local: nodeName === ownNode,
    forZones: (hints?.forZones ?? []).map(({ name }) => name ?? ''), forNodes: (hints?.forNodes ?? []).map(({ name }) => name ?? ''),
  };
}

/**
 * Ready endpoints; where there are none, those that end but still serve (KEP-1669), separately for this node alone. Hints narrow the choice where
 * every ready endpoint has them and one is meant for us (KEP-2433, KEP-3015): same node first, then same zone.
 */
export function choose(endpoints: readonly Endpoint[], node: NodePlace): Choice {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const ending = endpoints.filter((endpoint) => !endpoint.ready && endpoint.serving && endpoint.terminating);
  const readyHere = ready.filter((endpoint) => endpoint.local);
  return {
    anywhere: ready.length > 0 ? near(ready, node) : ending,
    here: readyHere.length > 0 ? readyHere : ending.filter((endpoint) => endpoint.local),
    any: ready.length + ending.length > 0,
  };
}

function near(ready: readonly Endpoint[], { name, zone }: NodePlace): readonly Endpoint[] {
  const hinted = (hints: (endpoint: Endpoint) => readonly string[], place: string): readonly Endpoint[] =>
    (ready.every((endpoint) => hints(endpoint).length > 0) ? ready.filter((endpoint) => hints(endpoint).includes(place)) : []);
  const sameNode = hinted(({ forNodes }) => forNodes, name);
  if (sameNode.length > 0) return sameNode;
  const sameZone = zone === undefined ? [] : hinted(({ forZones }) => forZones, zone);
  return sameZone.length > 0 ? sameZone : ready;
}
