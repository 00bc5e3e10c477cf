/**
 * The cluster's network: one bridge without uplink in a namespace of its own, and a veth from it to each node's namespace. Both ends
 * of every veth are born inside these namespaces, so that no cluster address ever exists in the machine's own.
 */
import { readdirSync } from 'node:fs';

import type { NodeRecord } from '../cluster/state';
import type { Places } from '../cluster/places';
import { run } from '../host/exec';

export const fabricRange = '10.89.0.0/24';
export const podRange = '10.244.0.0/16';
export const serviceRange = '10.96.0.0/16';

/**
 * Where every node's own relay stands for the API server: the same address inside each node's namespace, so that pods reach it whatever
 * happens to other nodes. The API server itself listens only on the machine's loopback and on sockets.
 */
export const apiAddress = '10.89.0.1';

/** The Service of the cluster's DNS servers. */
export const dnsAddress = '10.96.0.10';

/** Where connections from the person's machine come from, inside the fabric's namespace: to the nodes a client from outside like any other. */
export const relayAddress = '10.89.0.2';

const maxNodes = 100;

/** Names and addresses of a cluster's nodes: node-1 has 10.89.0.11. */
export function planNodes(count: number): NodeRecord[] {
  if (!Number.isInteger(count) || count < 1 || count > maxNodes) throw new Error(`a cluster has 1 to ${maxNodes} nodes, not ${count}`);
  return Array.from({ length: count }, (_, index) => ({ name: `node-${index + 1}`, address: `10.89.0.${11 + index}` }));
}

export const fabricNamespace = (places: Places): string => `nv${places.id}-fabric`;

/** Lines for `ip -batch` that make the whole network. */
export function fabricCommands(places: Places, nodes: readonly NodeRecord[]): { global: string[]; fabric: string[]; node: Record<string, string[]> } {
  const fabric = fabricNamespace(places);
  return {
    global: [
      `netns add ${fabric}`,
      ...nodes.map(({ name }) => `netns add ${places.node(name).namespace}`),
      ...nodes.map(({ name }, index) => `link add name port${index + 1} netns ${fabric} type veth peer name eth0 netns ${places.node(name).namespace}`),
    ],
    fabric: [
      'link set lo up', 'link add bridge0 type bridge', `address add ${relayAddress}/24 dev bridge0`, 'link set bridge0 up',
      ...nodes.flatMap((_, index) => [`link set port${index + 1} master bridge0`, `link set port${index + 1} up`]),
    ],
    node: Object.fromEntries(nodes.map(({ name, address }) => [name, [
      'link set lo up', `address add ${apiAddress}/32 dev lo`, `address add ${address}/24 dev eth0`, 'link set eth0 up',
      // Any device will do: nftables rewrites the address, but connect() asks for a route first.
      `route add ${serviceRange} dev eth0`,
    ]])),
  };
}

/** Settings of each node's namespace; a name that ends in ? may be missing in the kernel. */
const settings: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  // Without it a Service whose endpoint sits on the client's own bridge fails.
  'net/bridge/bridge-nf-call-iptables?': '1',
  'net/bridge/bridge-nf-call-ip6tables?': '1',
  'net/ipv6/conf/all/forwarding?': '1',
  // A pod that reaches itself or its neighbour through a Service leaves by the link it came by: no reason to teach it another way.
  'net/ipv4/conf/all/send_redirects': '0',
  'net/ipv4/conf/default/send_redirects': '0',
};

export function inNamespace(file: string, command: readonly string[]): string[] {
  return ['nsenter', `--net=${file}`, ...command];
}

export async function makeFabric(places: Places, nodes: readonly NodeRecord[], signal?: AbortSignal): Promise<void> {
  const { global, fabric, node } = fabricCommands(places, nodes);
  const batch = (lines: readonly string[], namespace?: string): Promise<string> =>
    run(['ip', ...(namespace ? ['-netns', namespace] : []), '-batch', '-'], { input: `${lines.join('\n')}\n`, signal });
  await batch(global);
  await batch(fabric, fabricNamespace(places));
  await Promise.all(nodes.map(async ({ name }) => {
    await batch(node[name] ?? [], places.node(name).namespace);
    const script = Object.entries(settings).map(([key, value]) => {
      const path = `/proc/sys/${key.replace('?', '')}`;
      return key.endsWith('?') ? `if [ -e ${path} ]; then echo ${value} > ${path}; fi` : `echo ${value} > ${path}`;
    });
    await run(inNamespace(places.node(name).namespaceFile, ['sh', '-ec', script.join('\n')]), { signal });
  }));
}

/** The namespaces that a cluster has, whatever its records say. */
export function namespacesOf(places: Places): string[] {
  try {
    return readdirSync('/run/netns').filter((name) => name.startsWith(`nv${places.id}-`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
