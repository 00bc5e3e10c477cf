import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { choose, endpointsOf, type Choice, type Endpoint, type NodePlace } from './endpoints';
import type { Family, Frontend, ServicePort } from './service-port';

/** An element of a set ('' as value) or map of the services table. */
export interface Element {
  readonly set: string;
  readonly key: string;
  readonly value: string;
}

/** Which of a Service's two faces: as traffic that may go anywhere sees it, or as outsiders see it when it must stay on the node. */
export type View = 'any' | 'own';

/** What a Service wants of the kernel. */
export interface Rendered {
  readonly elements: readonly Element[];
  /** Elements that other Services may want as well. */
  readonly shared: readonly Element[];
  /** Numbers of endpoints for which there must be a rule; see `countKey`. */
  readonly counts: ReadonlySet<string>;
  readonly affinities: ReadonlySet<number>;
  /** Endpoints on this node, for whoever asks at the health check port. */
  readonly localEndpoints: number;
  /** Of each UDP frontend the endpoints that its flows may be at. */
  readonly flows: ReadonlyMap<string, ReadonlySet<string>>;
}

export const countKey = (map: string, count: number): string => `${map} ${count}`;
/** Where a connection of this protocol finds its endpoint: its maps are called `endpoints-` and `slots-` this. */
export const mapName = (view: View, family: Family, protocol: ServicePort['protocol']): string => `${view}${family}-${protocol}`;
export const stickySet = (family: Family, seconds: number): string => `sticky${family}-${seconds}`;
/** Indexes of different counts never meet, so that one map serves them all. */
export const firstIndex = (count: number): number => (count * (count - 1)) / 2;

/** Everything the kernel must hold for one Service. `owns` tells whether a frontend is this Service's: two may claim one external address. */
export function renderService(
  ports: readonly ServicePort[], slices: readonly EndpointSlice[], node: NodePlace, owns: (frontend: Frontend) => boolean,
): Rendered {
  const out: Output = { elements: [], shared: [], counts: new Set(), affinities: new Set(), flows: new Map() };
  const local = new Set<string>();
  for (const port of ports) {
    for (const family of ['4', '6'] as const) {
      const frontends = port.frontends.filter((frontend) => frontend.family === family && owns(frontend));
      if (frontends.length === 0) continue;
      const choice = choose(endpointsOf(slices, family, port.name, port.protocol, node.name), node);
      for (const frontend of frontends) renderFrontend(frontend, port, choice, out);
      for (const { address, local } of new Set([...choice.anywhere, ...choice.here])) if (local) put(out.shared, `hairpin${family}`, `${address} . ${address}`);
      for (const { address, ready } of choice.here) if (ready) local.add(address);
    }
  }
  return { ...out, localEndpoints: local.size };
}

interface Output extends Omit<Rendered, 'localEndpoints'> {
  readonly elements: Element[];
  readonly shared: Element[];
  readonly counts: Set<string>;
  readonly affinities: Set<number>;
  readonly flows: Map<string, ReadonlySet<string>>;
}

function renderFrontend(frontend: Frontend, port: ServicePort, choice: Choice, out: Output): void {
  const { family, key, kind } = frontend;
  const inside = kind === 'cluster' && port.internalLocal ? choice.here : choice.anywhere;
  if (kind === 'cluster') put(out.shared, `clusterips${family}`, frontend.address);
  else put(out.elements, `externals${family}`, key);
  renderView('any', frontend, port, inside, out);
  // A cluster IP without an endpoint needs no element: whatever is still addressed to one after translation is refused.
  if (inside.length === 0 && choice.any) put(out.elements, `dropped${family}`, key);
  else if (inside.length === 0 && kind !== 'cluster') put(out.elements, `refused${family}`, key);
  if (kind !== 'cluster') renderOutside(frontend, port, choice, out);
  if (port.protocol === 'udp') out.flows.set(key, new Set([...inside, ...(port.externalLocal && kind !== 'cluster' ? choice.here : [])].map(target)));
  if (port.affinitySeconds !== undefined) {
    put(out.elements, stickySet(family, port.affinitySeconds), key);
    out.affinities.add(port.affinitySeconds);
  }
}

function renderOutside(frontend: Frontend, port: ServicePort, choice: Choice, out: Output): void {
  const { family, key, kind } = frontend;
  if (port.externalLocal) {
    put(out.elements, `outer${family}`, key);
    renderView('own', frontend, port, choice.here, out);
    if (choice.here.length === 0 && choice.any) put(out.elements, `outerdropped${family}`, key);
  } else put(out.elements, `masqueraded${family}`, key);
  if (kind !== 'loadBalancer' || !port.sourceRanges) return;
  put(out.elements, `guarded${family}`, key);
  for (const range of port.sourceRanges.filter((text) => text.includes(':') === (family === '6'))) put(out.elements, `allowed${family}`, `${key} . ${range}`);
}

function renderView(view: View, { family, key, address, port }: Frontend, { affinitySeconds, protocol }: ServicePort, endpoints: readonly Endpoint[], out: Output): void {
  if (endpoints.length === 0) return;
  const first = firstIndex(endpoints.length);
  const map = mapName(view, family, protocol);
  out.counts.add(countKey(map, endpoints.length));
  if (affinitySeconds === undefined) {
    endpoints.forEach((endpoint, at) => put(out.elements, `endpoints-${map}`, `${address} . ${port} . ${first + at}`, target(endpoint)));
    return;
  }
  const slots = slotsOf(endpoints);
  endpoints.forEach((endpoint, at) => {
    put(out.elements, `picks-${view}${family}`, `${key} . ${first + at}`, String(slots[at]));
    put(out.elements, `slots-${map}`, `${address} . ${port} . ${slots[at]}`, target(endpoint));
  });
}

/** Numbers by which the kernel remembers a client's endpoint: made from the endpoint alone, so that a restarted proxy makes the same. */
function slotsOf(endpoints: readonly Endpoint[]): number[] {
  const taken = new Set<number>();
  return endpoints.map((endpoint) => {
    let slot = hash(target(endpoint));
    while (taken.has(slot)) slot = (slot + 1) >>> 0;
    taken.add(slot);
    return slot;
  });
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

const target = ({ address, port }: Endpoint): string => `${address} . ${port}`;

function put(list: Element[], set: string, key: string, value = ''): void {
  list.push({ set, key, value });
}
