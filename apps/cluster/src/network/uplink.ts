/**
 * The way out, for those who ask for it: a veth from each node to the machine. Each side translates: the node hides its
 * pods behind the veth's address, the machine hides that behind its own. So 10.x stays inside even then.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';

import type { Places } from '../cluster/places';
import type { NodeRecord } from '../cluster/state';
import { run } from '../host/exec';
import { findProgram } from '../requirements/requirements';

export const uplinkTable = (places: Places): string => `navarch_${places.id}`;

/** Shared address space (RFC 6598), a /30 per node, spread by the cluster's id so that clusters rarely meet. */
export function uplinkAddresses(places: Places, index: number): { host: string; node: string; link: string } {
  const base = ((parseInt(places.id, 16) % 16_000) * 256) + index * 4;
  const at = (offset: number): string => [100, 64 + (((base + offset) >>> 16) & 63), ((base + offset) >>> 8) & 255, (base + offset) & 255].join('.');
  return { host: at(1), node: at(2), link: `nv${places.id}u${index}` };
}

export async function makeUplink(places: Places, nodes: readonly NodeRecord[], signal?: AbortSignal): Promise<void> {
  const links = nodes.map(({ name }, index) => ({ name, ...uplinkAddresses(places, index) }));
  await run(['nft', '-f', '-'], { signal, input: `
    table ip ${uplinkTable(places)} {
      chain postrouting { type nat hook postrouting priority srcnat; policy accept;
        ip saddr { ${links.map(({ node }) => node).join(', ')} } oifname != "nv${places.id}u*" masquerade
      }
      chain forward { type filter hook forward priority filter - 1; policy accept;
        iifname "nv${places.id}u*" oifname "nv${places.id}u*" drop
      }
    }\n` });
  for (const { name, host, node, link } of links) {
    const { namespace, namespaceFile } = places.node(name);
    await run(['ip', '-batch', '-'], { signal, input: `link add name ${link} type veth peer name uplink0 netns ${namespace}\naddress add ${host}/30 dev ${link}\nlink set ${link} up\n` });
    await run(['ip', '-netns', namespace, '-batch', '-'], { signal, input: `address add ${node}/30 dev uplink0\nlink set uplink0 up\nroute add default via ${host}\n` });
    await run(['nsenter', `--net=${namespaceFile}`, 'nft', '-f', '-'], { signal, input: `
      table ip navarch_uplink {
        chain postrouting { type nat hook postrouting priority srcnat; policy accept; oifname "uplink0" masquerade; }
      }\n` });
  }
}

/**
 * Addresses of the DNS servers that the machine itself uses, as far as nodes can reach them: not those on its loopback. Where
 * systemd-resolved stands in between, its own file names the servers behind it.
 */
export function machineResolvers(read: (file: string) => string = textOf): string[] {
  for (const file of ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf']) {
    const servers = [...read(file).matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, address = '']) => address)
      .filter((address) => isIPv4(address) && !address.startsWith('127.'));
    if (servers.length > 0) return servers;
  }
  return [];
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** The machine's own side; the other goes with the nodes' namespaces. */
export async function removeUplink(places: Places): Promise<void> {
  if (!findProgram('nft') || !findProgram('ip')) return; // Without them it was not made either.
  const tables = await run(['nft', 'list', 'tables']);
  if (tables.split('\n').includes(`table ip ${uplinkTable(places)}`)) await run(['nft', 'delete', 'table', 'ip', uplinkTable(places)]);
  const links = JSON.parse(await run(['ip', '-json', 'link', 'show', 'type', 'veth']) || '[]') as { ifname?: string }[];
  for (const { ifname } of links) {
    if (ifname?.startsWith(`nv${places.id}u`)) await run(['ip', 'link', 'delete', ifname]);
  }
}
