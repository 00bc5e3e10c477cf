import { findCondition } from '@navarch/api';
import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import type { ObjectMeta } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

/** Marks a DNS server's slices and its Lease with the name of its node. */
export const dnsServerLabel = 'navarch.io/dns-server';

/** The node of the DNS server whose object this is: as an index has it. */
export function serverOf({ metadata }: { readonly metadata?: ObjectMeta | undefined }): readonly string[] {
  const server = metadata?.labels?.[dnsServerLabel];
  return server === undefined ? [] : [server];
}

export interface Server {
  readonly node: Node | undefined;
  /** Milliseconds until its Lease has run out; 0 and less: it has. */
  readonly leftMs: number;
}

export type SlicePlan = { readonly do: 'nothing' } | { readonly do: 'delete'; readonly why: string } | { readonly do: 'update'; readonly slice: EndpointSlice };

/** What is to become of a slice of a DNS server. Conditions are ours, as of any endpoint on a node; addresses and ports are the server's. */
export function planSlice(slice: EndpointSlice, { node, leftMs }: Server): SlicePlan {
  if (!node) return { do: 'delete', why: 'its node is gone' };
  if (leftMs <= 0) return { do: 'delete', why: 'its lease has run out' };
  const ready = findCondition(node.status?.conditions, 'Ready')?.status === 'True';
  if ((slice.endpoints ?? []).every(({ conditions }) => (conditions?.ready ?? true) === ready)) return { do: 'nothing' };
  const endpoints = (slice.endpoints ?? []).map((endpoint) => ({ ...endpoint, conditions: { ...endpoint.conditions, ready, serving: ready } }));
  return { do: 'update', slice: { ...slice, endpoints } };
}
