import { parse } from 'ipaddr.js';

import { runProgram } from './run-program';

/** How packets to other nodes' pods are carried where nodes are not on one link. */
export interface Overlay {
  /** The device that carries to this node address. */
  device(gateway: string): string;
  /** Makes the devices that are missing or not as they should be. */
  prepare(signal?: AbortSignal): Promise<void>;
  /** Makes sure that the node is found on the device; safe to repeat. */
  connect(gateway: string, signal?: AbortSignal): Promise<void>;
  /** Takes the devices away, also those of families that it has no address of. */
  remove(): Promise<void>;
}

export interface VxlanOptions {
  /** This node's own addresses, by which the others know it: one per family at most. */
  readonly addresses: readonly string[];
  /** VXLAN network identifier (RFC 7348), 1 … 2^24-1. */
  readonly vni: number;
  /** UDP port; 4789 is IANA's. */
  readonly port: number;
  /** What the link below carries, in bytes; 1500 unless told. */
  readonly linkMtu?: number;
  /** How to run a program where the node is; `[]` unless told. */
  readonly command?: readonly string[];
}

type Kind = 'ipv4' | 'ipv6';

/** Outer Ethernet, UDP and VXLAN headers (8 + 8 + 14), and the outer IP header. */
const overhead: Readonly<Record<Kind, number>> = { ipv4: 50, ipv6: 70 };
const kindOf = (address: string): Kind => parse(address).kind();
const deviceOf = (kind: Kind): string => (kind === 'ipv4' ? 'navarch-vx4' : 'navarch-vx6');

/**
 * One VXLAN device per family of node addresses, which learns nothing and floods nothing: whom it reaches, and under which link address, follows
 * from the Nodes alone. A node's link address is made from its address, so no node has to tell it.
 */
export function createVxlan({ addresses, vni, port, linkMtu = 1500, command = [] }: VxlanOptions): Overlay {
  const run = async (program: readonly string[], signal?: AbortSignal): Promise<string> => {
    const { stdout, stderr, code } = await runProgram([...command, ...program], '', signal);
    if (code !== 0) throw new Error(`${program.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  const links = async (signal?: AbortSignal): Promise<PrintedLink[]> => JSON.parse((await run(['ip', '-j', '-d', 'link', 'show', 'type', 'vxlan'], signal)).trim() || '[]') as PrintedLink[];
  return {
    device: (gateway) => deviceOf(kindOf(gateway)),
    remove: async () => {
      const devices = new Set([deviceOf('ipv4'), deviceOf('ipv6')]);
      for (const { ifname = '' } of await links()) if (devices.has(ifname)) await run(['ip', 'link', 'del', ifname]);
    },
    prepare: async (signal) => {
      const present = await links(signal);
      for (const local of addresses) {
        const wanted = { device: deviceOf(kindOf(local)), local, mac: linkAddress(local), vni, port, mtu: linkMtu - overhead[kindOf(local)] };
        const link = present.find(({ ifname }) => ifname === wanted.device);
        if (link && isAsWanted(link, wanted)) continue;
        if (link) await run(['ip', 'link', 'del', wanted.device], signal);
        await run(['ip', 'link', 'add', wanted.device, 'address', wanted.mac, 'mtu', String(wanted.mtu), 'type', 'vxlan', 'id', String(vni), 'local', local, 'dstport', String(port), 'nolearning'], signal);
        await run(['ip', 'link', 'set', wanted.device, 'up'], signal);
      }
    },
    connect: async (gateway, signal) => {
      const device = deviceOf(kindOf(gateway));
      await run(['bridge', 'fdb', 'replace', linkAddress(gateway), 'dev', device, 'dst', gateway, 'self', 'permanent'], signal);
      await run(['ip', 'neigh', 'replace', gateway, 'lladdr', linkAddress(gateway), 'dev', device, 'nud', 'permanent'], signal);
    },
  };
}

interface PrintedLink {
  readonly ifname?: string;
  readonly address?: string;
  readonly mtu?: number;
  readonly flags?: readonly string[];
  readonly linkinfo?: { readonly info_data?: { readonly id?: number; readonly local?: string; readonly local6?: string; readonly port?: number } };
}

function isAsWanted({ address, mtu, flags, linkinfo }: PrintedLink, wanted: { local: string; mac: string; vni: number; port: number; mtu: number }): boolean {
  const data = linkinfo?.info_data;
  return address === wanted.mac && mtu === wanted.mtu && (flags ?? []).includes('UP') && data?.id === wanted.vni && data.port === wanted.port && (data.local ?? data.local6) === wanted.local;
}

/** Locally administered, unicast. An IPv4 address is in it whole; of an IPv6 address its last four bytes are, and one more that sums up the others. */
export function linkAddress(address: string): string {
  const bytes = parse(address).toByteArray();
  const sum = bytes.slice(0, -4).reduce((hash, byte) => (hash * 31 + byte) & 255, 0x4e);
  return [0x0e, sum, ...bytes.slice(-4)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
