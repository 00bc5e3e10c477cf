/** What each of Navarch's own processes is told, as flags. */
import { join } from 'node:path';

import { natsUser } from '../control-plane/nats';
import { serviceAccountKey } from '../control-plane/pki';
import { apiAddress, dnsAddress, fabricNamespace, podRange, serviceRange } from '../network/fabric';
import { hollowFlags, podRangeFlags } from './hollow';
import type { Places } from './places';
import type { ClusterState, NodeRecord } from './state';

export type Flags = Readonly<Record<string, string>>;

export function flagsToArguments(flags: Flags): string[] {
  return Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
}

const keyFile = (places: Places, name: string): string => join(places.pki, name);

const clusterDomain = 'cluster.local';

/** Every process keeps its spans, unless an OTLP collector is named in the environment. */
const common = (places: Places, process: string): Flags => ({ 'spans-file': join(places.spans, `${process}.jsonl`), 'log-format': 'json' });

const client = (places: Places, keys: string): Flags => ({
  apiserver: `unix:${places.apiserverSocket}`,
  'tls-ca': keyFile(places, 'ca.crt'), 'tls-cert': keyFile(places, `${keys}.crt`), 'tls-key': keyFile(places, `${keys}.key`),
});

export function apiserverFlags(places: Places, state: ClusterState): Flags {
  return {
    ...common(places, 'apiserver'),
    listen: `127.0.0.1:${state.ports.apiserver},unix:${places.apiserverSocket}`,
    'rest-listen': `127.0.0.1:${state.ports.rest},unix:${places.restSocket}`, 'advertise-address': apiAddress, 'service-cluster-ip-range': serviceRange,
    nats: `127.0.0.1:${state.ports.nats}`, 'nats-ca': keyFile(places, 'ca.crt'), 'nats-user': natsUser, 'nats-password-file': keyFile(places, 'nats-password'),
    'tls-ca': keyFile(places, 'ca.crt'), 'tls-cert': keyFile(places, 'apiserver.crt'), 'tls-key': keyFile(places, 'apiserver.key'),
    'token-file': keyFile(places, 'tokens.csv'), 'service-account-signing-key-file': keyFile(places, serviceAccountKey),
    'kubelet-client-cert': keyFile(places, 'apiserver-kubelet-client.crt'), 'kubelet-client-key': keyFile(places, 'apiserver-kubelet-client.key'),
  };
}

export function schedulerFlags(places: Places): Flags {
  return { ...common(places, 'scheduler'), ...client(places, 'scheduler'), listen: `unix:${places.schedulerSocket}` };
}

export function controllersFlags(places: Places, state: ClusterState): Flags {
  return { ...common(places, 'controllers'), ...client(places, 'controllers'), 'cluster-cidr': podRange, ...podRangeFlags(state), 'service-account-private-key-file': keyFile(places, serviceAccountKey) };
}

export function kubeletFlags(places: Places, node: NodeRecord): Flags {
  const at = places.node(node.name);
  return {
    ...common(places, `${node.name}.kubelet`), ...client(places, node.name),
    'node-name': node.name, 'node-address': node.address, listen: `unix:${at.kubeletSocket}`, 'containerd-socket': at.containerdSocket,
    'root-directory': at.kubeletDirectory, 'pod-logs-directory': at.podLogs, 'cgroup-root': `/${at.cgroup}`,
    // The nodes share one disk with whatever else is on this machine, and cannot pull again what was loaded.
    'image-gc-high-threshold': '100',
    'cluster-dns': dnsAddress, 'cluster-domain': clusterDomain,
    'cni-config-directory': at.cniConfig, 'cni-data-directory': at.cniData,
  };
}

export function hollowNodesFlags(places: Places, state: ClusterState): Flags {
  return { ...common(places, 'hollow'), apiserver: `unix:${places.apiserverSocket}`, 'tls-ca': keyFile(places, 'ca.crt'), ...hollowFlags(places, state) };
}

export function proxyFlags(places: Places, node: NodeRecord): Flags {
  return { ...common(places, `${node.name}.proxy`), ...client(places, 'proxy'), 'node-name': node.name, 'api-relay': `${apiAddress}:6443=unix:${places.restSocket}` };
}

/** `upstreams`: the servers for names outside of the cluster, by address; none where it has no way out. */
export function dnsFlags(places: Places, node: NodeRecord, upstreams: readonly string[]): Flags {
  return {
    ...common(places, `${node.name}.dns`), ...client(places, 'dns'),
    'node-name': node.name, listen: `${node.address}:53`, 'service-address': dnsAddress, 'cluster-domain': clusterDomain,
    ...(upstreams.length > 0 && { upstream: upstreams.join(',') }),
  };
}

/** It may read what proxies read, and is nobody else. */
export function relayFlags(places: Places): Flags {
  return { ...common(places, 'relay'), ...client(places, 'proxy'), 'network-namespace': `/run/netns/${fabricNamespace(places)}` };
}
