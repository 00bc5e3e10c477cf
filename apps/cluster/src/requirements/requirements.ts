/** What a cluster needs of the machine, how it is looked for, and which Debian or Ubuntu package brings it. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Requirement {
  readonly name: string;
  readonly package: string;
  readonly purpose: string;
  isMet(): boolean;
}

const sbinPaths = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The PATH with the system directories that a user's shell may lack. */
export function searchPath(path = process.env.PATH ?? ''): string {
  const present = path.split(delimiter);
  return [...present, ...sbinPaths.filter((directory) => !present.includes(directory))].join(delimiter);
}

export function findProgram(name: string): string | undefined {
  return searchPath().split(delimiter).map((directory) => join(directory, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where distributions put the standard CNI plugins. */
const cniDirectories = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];
const cniPlugins = ['bridge', 'host-local', 'loopback'];

export function cniPluginDirectory(): string | undefined {
  return cniDirectories.find((directory) => cniPlugins.every((plugin) => isExecutable(join(directory, plugin))));
}

const program = (name: string, packageName: string, purpose: string): Requirement => (
  { name, package: packageName, purpose, isMet: () => findProgram(name) !== undefined });

export const requirements: readonly Requirement[] = [
  program('nats-server', 'nats-server', 'stores every object'),
  program('containerd', 'containerd', 'runs the containers, one per node'),
  program('ctr', 'containerd', 'loads images into the nodes'),
  program('runc', 'runc', 'starts the containers'),
  { name: `CNI plugins (${cniPlugins.join(', ')})`, package: 'containernetworking-plugins', purpose: 'connect the pods', isMet: () => cniPluginDirectory() !== undefined },
  program('ip', 'iproute2', 'makes the network namespaces'),
  program('nft', 'nftables', 'balances Services and translates for --uplink nat'),
  program('conntrack', 'conntrack', 'lets UDP clients of a Service leave endpoints that are gone'),
  program('nsenter', 'util-linux', 'starts processes inside a node'),
  program('busybox', 'busybox-static', 'is the image of the quick start'),
];

/** Capabilities (capabilities(7)) by bit, and what fails without them. */
const capabilities: readonly { readonly bit: number; readonly name: string; readonly purpose: string }[] = [
  { bit: 21, name: 'CAP_SYS_ADMIN', purpose: 'namespaces and mounts' },
  { bit: 12, name: 'CAP_NET_ADMIN', purpose: 'the network' },
  { bit: 5, name: 'CAP_KILL', purpose: 'ending containers' },
  { bit: 18, name: 'CAP_SYS_CHROOT', purpose: 'starting containers' },
  { bit: 27, name: 'CAP_MKNOD', purpose: "containers' devices" },
];

/** Why this process may not make a cluster; empty where it may. */
export function missingRights(userId = process.getuid?.() ?? 0, status = readFileSync('/proc/self/status', 'utf8')): string[] {
  if (userId !== 0) return ['this needs root: run it with sudo'];
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return capabilities.filter(({ bit }) => ((effective >> BigInt(bit)) & 1n) === 0n)
    .map(({ name, purpose }) => `root lacks ${name} here, which ${purpose} need${purpose.includes(' ') ? 's' : ''}: run it on the machine itself, or in a container started with --privileged`);
}

/** What of the kernel is missing. */
export function missingKernelParts(exists: (path: string) => boolean = existsSync): string[] {
  return [
    ...(process.platform === 'linux' ? [] : [`Navarch's nodes need Linux; this is ${process.platform}`]),
    ...(exists('/sys/fs/cgroup') ? [] : ['there are no control groups: /sys/fs/cgroup does not exist']),
    ...(exists('/proc/self/ns/net') ? [] : ['the kernel has no network namespaces']),
  ];
}
