import { matcherOf } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { canonicalAddress, familyOf } from '../services/service-port';
import { merge } from './address-ranges';

export type Labels = Readonly<Record<string, string>>;
export type Direction = 'ingress' | 'egress';

/** A pod as far as policies are concerned: one that has addresses of its own and may send or receive. */
export interface PodFacts {
  readonly namespace: string;
  readonly labels: Labels;
  readonly addresses: readonly string[];
  /** On this node: policies that select it are enforced here. */
  readonly local: boolean;
  /** `protocol name` → number. */
  readonly ports: Readonly<Record<string, number>>;
}

/** Pods by selectors, in one namespace or in those that match. `key` is the same for the same selection. */
export interface PodPeer {
  readonly key: string;
  matches(namespace: string, namespaceLabels: Labels | undefined, podLabels: Labels): boolean;
}

export interface Block {
  readonly cidr: string;
  readonly except: readonly string[];
}

/** Ports of one protocol: ranges; absent: all of them. */
export interface PortRanges {
  readonly protocol: string;
  readonly ranges?: readonly (readonly [number, number])[];
}

/** One rule of a policy. Absent: any peer, any port. */
export interface Clause {
  readonly peers?: { readonly pods: readonly PodPeer[]; readonly blocks: readonly Block[] };
  readonly ports?: { readonly numbers: readonly PortRanges[]; /** `protocol name`. */ readonly names: readonly string[] };
}

export interface PolicyFacts {
  readonly namespace: string;
  selects(podLabels: Labels): boolean;
  /** Clauses by direction; absent: the policy says nothing of that direction. */
  readonly ingress?: readonly Clause[];
  readonly egress?: readonly Clause[];
}

/** Undefined: policies do not concern it, because it shares its node's address, has none yet, or has ended and given it back. */
export function podFacts({ metadata, spec, status }: Pod, nodeName: string): PodFacts | undefined {
  const addresses = (status?.podIPs ?? [{ ip: status?.podIP }]).flatMap(({ ip }) => (ip !== undefined && familyOf(ip) ? [canonicalAddress(ip)] : []));
  if (spec?.hostNetwork || addresses.length === 0 || status?.phase === 'Succeeded' || status?.phase === 'Failed') return undefined;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')];
  const ports = containers.flatMap(({ ports: all = [] }) => all).flatMap(({ name, protocol, containerPort }) =>
    (name === undefined || containerPort === undefined ? [] : [[`${(protocol ?? 'TCP').toLowerCase()} ${name}`, containerPort] as const]));
  return { namespace: metadata?.namespace ?? '', labels: metadata?.labels ?? {}, addresses, local: spec?.nodeName === nodeName, ports: Object.fromEntries(ports) };
}

export function policyFacts({ metadata, spec }: NetworkPolicy): PolicyFacts {
  const namespace = metadata?.namespace ?? '';
  const selector = matcherOf(spec?.podSelector ?? {});
  const types = spec?.policyTypes ?? ['Ingress', ...(spec?.egress ? ['Egress'] : [])];
  const clause = (peers: readonly NetworkPolicyPeer[] | undefined, ports: readonly NetworkPolicyPort[] | undefined): Clause => ({
    ...(peers && peers.length > 0 && { peers: peersOf(peers, namespace) }), ...(ports && ports.length > 0 && { ports: portsOf(ports) }),
  });
  return {
    namespace, selects: (labels) => selector.matches(labels),
    ...(types.includes('Ingress') && { ingress: (spec?.ingress ?? []).map(({ from, ports }) => clause(from, ports)) }),
    ...(types.includes('Egress') && { egress: (spec?.egress ?? []).map(({ to, ports }) => clause(to, ports)) }),
  };
}

function peersOf(peers: readonly NetworkPolicyPeer[], namespace: string): Clause['peers'] {
  return {
    blocks: peers.flatMap(({ ipBlock }) => (ipBlock?.cidr === undefined ? [] : [{ cidr: ipBlock.cidr, except: ipBlock.except ?? [] }])),
    pods: peers.flatMap((peer) => (peer.ipBlock ? [] : [podPeer(peer, namespace)])),
  };
}

/** Without a selector of namespaces it means the policy's own. */
function podPeer({ podSelector, namespaceSelector }: NetworkPolicyPeer, own: string): PodPeer {
  const pods = matcherOf(podSelector ?? {});
  if (!namespaceSelector) return { key: JSON.stringify([own, podSelector ?? {}]), matches: (namespace, _labels, podLabels) => namespace === own && pods.matches(podLabels) };
  const namespaces = matcherOf(namespaceSelector);
  return {
    key: JSON.stringify([{ namespaceSelector }, podSelector ?? {}]),
    matches: (_namespace, labels, podLabels) => labels !== undefined && namespaces.matches(labels) && pods.matches(podLabels),
  };
}

function portsOf(ports: readonly NetworkPolicyPort[]): Clause['ports'] {
  const names: string[] = [];
  const ranges = new Map<string, (readonly [number, number])[] | undefined>();
  for (const { port, endPort, protocol: text } of ports) {
    const protocol = (text ?? 'TCP').toLowerCase();
    if (port?.strVal !== undefined) names.push(`${protocol} ${port.strVal}`);
    else if (port?.intVal === undefined) ranges.set(protocol, undefined);
    else if (!ranges.has(protocol) || ranges.get(protocol)) ranges.set(protocol, [...(ranges.get(protocol) ?? []), [port.intVal, endPort ?? port.intVal]]);
  }
  return { names, numbers: [...ranges].map(([protocol, all]) => (all ? { protocol, ranges: merge(all, (value) => value + 1) } : { protocol })) };
}
