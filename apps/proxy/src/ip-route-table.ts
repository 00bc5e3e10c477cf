import { parse } from 'ipaddr.js';

import type { Overlay } from './overlay';
import type { Route, RouteChanges, RouteTable } from './route-table';
import { runProgram } from './run-program';

/** The `proto` number that marks our routes. Numbers from 192 on are nobody's in iproute2's rt_protos; 0x4e is N. */
export const routeProtocol = 208;

export interface IpRouteTableOptions {
  /** How to run iproute2's ip; `['ip']` unless told. Tests enter a namespace with it. */
  readonly command?: readonly string[];
  /** Marks our routes; `routeProtocol` unless told. */
  readonly protocol?: number;
  /** Carries packets to gateways that are on no link of this node; absent: they are. */
  readonly overlay?: Overlay;
}

interface PrintedRoute {
  readonly dst: string;
  readonly gateway?: string;
  readonly dev?: string;
}

/** The kernel's routes by iproute2's `ip`: reads with `ip -j route`, writes with one `ip -batch`. */
export function createIpRouteTable({ command = ['ip'], protocol = routeProtocol, overlay }: IpRouteTableOptions = {}): RouteTable {
  const show = async (family: '-4' | '-6', signal?: AbortSignal): Promise<Route[]> => {
    const { stdout, stderr, code } = await runProgram([...command, '-j', family, 'route', 'show', 'table', 'main', 'proto', String(protocol)], '', signal);
    if (code !== 0) throw new Error(`cannot list routes: ${stderr.trim()}`);
    const printed = JSON.parse(stdout.trim() || '[]') as PrintedRoute[];
    // A route by the wrong device (of an earlier run with or without overlay) counts as leading nowhere, so that it is changed.
    return printed.flatMap(({ dst, gateway, dev }) => (gateway === undefined ? [] : [{ destination: withPrefix(dst), gateway: onDevice(gateway, dev, overlay) ? gateway : nowhere[family] }]));
  };
  return {
    list: async (signal) => {
      await overlay?.prepare(signal);
      return (await Promise.all([show('-4', signal), show('-6', signal)])).flat();
    },
    apply: async (changes, signal) => {
      for (const { gateway } of overlay ? [...changes.add, ...changes.change] : []) await overlay?.connect(gateway, signal);
      const lines = batchOf(changes, protocol, overlay);
      if (lines.length === 0) return;
      // -force: a route that cannot be set (its gateway not on a link yet) must not hold up the others.
      const { stderr, code } = await runProgram([...command, '-force', '-batch', '-'], lines.map((line) => `${line}\n`).join(''), signal);
      if (code !== 0) throw new Error(failureOf(lines, stderr));
    },
  };
}

/** `add` refuses where someone else has a route to that destination; `replace` is only used where the present one is ours. */
function batchOf({ add, change, remove }: RouteChanges, protocol: number, overlay: Overlay | undefined): string[] {
  const via = (gateway: string): string => (overlay ? `via ${gateway} dev ${overlay.device(gateway)} onlink` : `via ${gateway}`);
  return [
    ...remove.map(({ destination }) => `route del ${destination} proto ${protocol}`),
    ...change.map(({ destination, gateway }) => `route replace ${destination} ${via(gateway)} proto ${protocol}`),
    ...add.map(({ destination, gateway }) => `route add ${destination} ${via(gateway)} proto ${protocol}`),
  ];
}

const nowhere = { '-4': '0.0.0.0', '-6': '::' } as const;

function onDevice(gateway: string, device: string | undefined, overlay: Overlay | undefined): boolean {
  return overlay ? device === overlay.device(gateway) : !device?.startsWith('navarch-vx');
}

/** Names the lines that failed, with what ip said of each. */
function failureOf(lines: readonly string[], stderr: string): string {
  const failures: string[] = [];
  let said: string[] = [];
  for (const text of stderr.split('\n').filter(Boolean)) {
    const at = /^Command failed -:(\d+)/.exec(text)?.[1];
    if (at === undefined) said.push(text);
    else {
      failures.push(`${lines[Number(at) - 1]}: ${said.join(' ')}`);
      said = [];
    }
  }
  return `cannot set routes: ${failures.length > 0 ? failures.join('; ') : stderr.trim()}`;
}

/** ip leaves the prefix of a host route out. */
function withPrefix(destination: string): string {
  if (destination.includes('/') || destination === 'default') return destination;
  return `${destination}/${parse(destination).kind() === 'ipv4' ? 32 : 128}`;
}
