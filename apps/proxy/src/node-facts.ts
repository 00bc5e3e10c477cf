import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import { podRanges } from './plan-routes';
import type { NodeFacts } from './services/service-rules';
import { canonicalAddress, familyOf } from './services/service-port';

/** What the rules need to know of a node. Before the node is known it has no addresses, so node ports answer nowhere. */
export function nodeFacts(name: string, node: Node | undefined): NodeFacts {
  const zone = node?.metadata?.labels?.['topology.kubernetes.io/zone'];
  const addresses = (node?.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' && address !== undefined && familyOf(address) ? [canonicalAddress(address)] : []));
  return { name, addresses: [...new Set(addresses)], podRanges: node ? podRanges(node) : [], ...(zone !== undefined && { zone }) };
}

export function sameFacts(left: NodeFacts, right: NodeFacts): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
