import { ApiError } from '@navarch/base';
import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';
import ipaddr from 'ipaddr.js';

import type { KindCache } from '../cache/kind-cache';
import { badRequest } from '../errors';
import type { ChosenEndpoint } from './choose-endpoint';

/** What anybody may write into a status must not lead to the node's own loopback, to metadata services or to everyone. */
export function allowed(address: string | undefined): string {
  const parsed = address !== undefined && ipaddr.isValid(address) ? ipaddr.process(address) : undefined;
  if (!parsed || ['loopback', 'linkLocal', 'multicast', 'unspecified', 'broadcast'].includes(parsed.range())) throw badRequest('address not allowed');
  return parsed.toString();
}

/** The node whose kubelet opens connections to an endpoint: its own; one that is no pod's can be reached from every node. */
export function endpointNode(nodes: KindCache, { nodeName }: Pick<ChosenEndpoint, 'nodeName'>): Node {
  if (nodeName === undefined) return anyNode(nodes);
  const node = nodes.get('', nodeName)?.object as Node | undefined;
  if (!node) throw new ApiError('NotFound', `nodes "${nodeName}" not found`, { kind: 'nodes', name: nodeName });
  return node;
}

function anyNode(nodes: KindCache): Node {
  for (const [, { object }] of nodes.snapshot().entries('')) {
    const { status } = object as Node;
    if (status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')) return object as Node;
  }
  throw new ApiError('Unavailable', 'no node is ready through which the endpoint could be reached');
}
