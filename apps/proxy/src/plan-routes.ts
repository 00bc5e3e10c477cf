import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';
import { isValid, parse, parseCIDR } from 'ipaddr.js';

import type { Route, RouteChanges } from './route-table';

/** Routes to all pod ranges of all nodes but our own, each by a node address of the range's family. */
export function desiredRoutes(nodes: readonly Node[], ownName: string): Route[] {
  return nodes.filter(({ metadata }) => metadata?.name !== ownName).flatMap((node) =>
    podRanges(node).flatMap((destination) => {
      const gateway = internalAddress(node, parseCIDR(destination)[0].kind());
      return gateway === undefined ? [] : [{ destination, gateway }];
    }));
}

/** What must change so that our routes are the desired ones; of two nodes that claim one range the first keeps it. */
export function planRoutes(desired: readonly Route[], actual: readonly Route[]): RouteChanges {
  const wanted = new Map([...desired].reverse().map((route) => [canonicalRange(route.destination), route]));
  const present = new Map(actual.map((route) => [canonicalRange(route.destination), route]));
  const add: Route[] = [];
  const change: Route[] = [];
  for (const [destination, { gateway }] of wanted) {
    const now = present.get(destination);
    if (!now) add.push({ destination, gateway });
    else if (parse(now.gateway).toString() !== parse(gateway).toString()) change.push({ destination, gateway });
  }
  return { add, change, remove: actual.filter(({ destination }) => !wanted.has(canonicalRange(destination))) };
}

export function isEmpty({ add, change, remove }: RouteChanges): boolean {
  return add.length + change.length + remove.length === 0;
}

/** Whether two states of a node ask for the same routes: most node changes are heartbeats. */
export function sameRoutes(left: Node, right: Node): boolean {
  return JSON.stringify(desiredRoutes([left], '')) === JSON.stringify(desiredRoutes([right], ''));
}

/** The ranges of a node's pods; what is no range is passed over. */
export function podRanges({ spec }: Node): string[] {
  const ranges = spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
  return ranges.filter(isRange).map(canonicalRange);
}

function internalAddress({ status }: Node, family: string): string | undefined {
  return status?.addresses?.find(({ type, address }) => type === 'InternalIP' && address !== undefined && isValid(address) && parse(address).kind() === family)?.address;
}

function isRange(text: string): boolean {
  try {
    parseCIDR(text);
    return true;
  } catch {
    return false;
  }
}

/** The form the kernel prints: no host bits, shortest text. */
function canonicalRange(text: string): string {
  const [address, prefix] = parseCIDR(text);
  const bytes = address.toByteArray().map((byte, index) => byte & (0xff00 >> Math.max(0, Math.min(8, prefix - index * 8))));
  return `${fromBytes(bytes)}/${prefix}`;
}

function fromBytes(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16));
  return parse(groups.join(':')).toString();
}
