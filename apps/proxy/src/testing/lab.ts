import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { deferred, type Deferred } from '@navarch/base';

export type Protocol = 'tcp' | 'udp';

/** Who answered, and from which address it saw the question come; or how the question failed: at once (`refused`) or by nothing (`silence`). */
export type Answer = { readonly by: string; readonly source: string } | { readonly failed: string };

export interface Question {
  readonly from: string;
  readonly protocol?: Protocol;
  readonly to: string;
  readonly port: number;
  readonly source?: string;
  readonly sourcePort?: number;
  /** Leaves the connection open under this name, for the next question that names it. */
  readonly keep?: string;
  readonly timeoutMs?: number;
}

/** Hosts joined to one node by a wire each; no way out of any. All is gone after `close`. */
export interface Lab {
  /** Command that runs a program where the proxy would. */
  readonly inNode: readonly string[];
  inHost(host: string): readonly string[];
  ip(host: string, ...args: string[]): string;
  nft(...args: string[]): string;
  /** A host with these addresses, routed from the node; `reaches` are the ranges that it can answer, everything unless told. */
  addHost(name: string, addresses: readonly string[], reaches?: readonly string[]): void;
  /** Answers on all of the host's addresses (and the node's, where host is `node`). */
  serve(host: string, address: string, port: number, protocol?: Protocol, name?: string): Promise<void>;
  ask(question: Question): Promise<Answer>;
  close(): Promise<void>;
}

const six = (address: string): boolean => address.includes(':');
const sh = (command: readonly string[]): string => execFileSync(command[0] ?? '', command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

export function createLab(nodeAddresses: readonly string[]): Lab {
  const prefix = `nvlab-${randomBytes(3).toString('hex')}`;
  const namespaceOf = (host: string): string => `${prefix}-${host}`;
  const file = (host: string): string => `/run/netns/${namespaceOf(host)}`;
  const inside = (host: string, ...command: string[]): string => sh(['nsenter', `--net=${file(host)}`, ...command]);
  const hosts: string[] = [];
  const make = (host: string): void => {
    sh(['ip', 'netns', 'add', namespaceOf(host)]);
    hosts.push(host);
    inside(host, 'ip', 'link', 'set', 'lo', 'up');
  };
  make('node');
  inside('node', 'sh', '-ec', 'cd /proc/sys/net; echo 1 > ipv4/ip_forward; echo 1 > ipv6/conf/all/forwarding; echo 0 > ipv6/conf/all/accept_dad; echo 0 > ipv6/conf/default/accept_dad; echo 0 > ipv4/conf/all/rp_filter; echo 0 > ipv4/conf/default/rp_filter; echo 0 > ipv4/conf/all/send_redirects; echo 0 > ipv4/conf/default/send_redirects; echo 0 > ipv4/icmp_ratelimit; echo 0 > ipv6/icmp/ratelimit; for limit in ipv4/icmp_msgs_per_sec ipv4/icmp_msgs_burst; do if [ -e $limit ]; then echo 100000 > $limit; fi; done');
  for (const address of nodeAddresses) inside('node', 'ip', 'addr', 'add', address, 'dev', 'lo');
  const agent = startAgent();
  return {
    inNode: ['nsenter', `--net=${file('node')}`],
    inHost: (host) => ['nsenter', `--net=${file(host)}`],
    ip: (host, ...args) => inside(host, 'ip', ...args),
    nft: (...args) => inside('node', 'nft', ...args),
    addHost: (name, addresses, reaches = ['0.0.0.0/0', '::/0']) => {
      make(name);
      sh(['ip', 'link', 'add', 'name', `to-${name}`, 'netns', namespaceOf('node'), 'type', 'veth', 'peer', 'name', 'wire', 'netns', namespaceOf(name)]);
      inside(name, 'sh', '-ec', 'echo 0 > /proc/sys/net/ipv6/conf/wire/accept_dad');
      inside('node', 'ip', 'addr', 'add', '169.254.1.1/32', 'dev', `to-${name}`);
      inside('node', 'ip', '-6', 'addr', 'add', 'fe80::1/64', 'dev', `to-${name}`, 'nodad');
      inside('node', 'ip', 'link', 'set', `to-${name}`, 'up');
      inside(name, 'ip', 'link', 'set', 'wire', 'up');
      for (const address of addresses) inside(name, 'ip', 'addr', 'add', address, 'dev', 'wire', ...(six(address) ? ['nodad'] : []));
      inside(name, 'ip', 'route', 'add', '169.254.1.1/32', 'dev', 'wire');
      for (const range of reaches) inside(name, 'ip', ...(six(range) ? ['-6', 'route', 'add', range, 'via', 'fe80::1', 'dev', 'wire'] : ['route', 'add', range, 'via', '169.254.1.1', 'dev', 'wire', 'onlink']));
      for (const address of addresses) inside('node', 'ip', 'route', 'add', address, 'dev', `to-${name}`);
    },
    serve: async (host, address, port, protocol = 'tcp', name = host) => {
      await agent.request({ do: 'listen', namespace: file(host), address, port, protocol, name });
    },
    ask: ({ from, to, timeoutMs = 400, ...rest }) => agent.request<Answer>({ do: 'probe', protocol: 'tcp', namespace: file(from), address: to, timeout: timeoutMs / 1000, ...rest }),
    close: async () => {
      await agent.close();
      for (const host of hosts) sh(['ip', 'netns', 'del', namespaceOf(host)]);
    },
  };
}

interface Agent {
  request<T>(request: object): Promise<T>;
  close(): Promise<void>;
}

function startAgent(): Agent {
  const child: ChildProcessWithoutNullStreams = spawn('python3', ['-u', join(__dirname, 'lab-agent.py')], { stdio: 'pipe' });
  const waiting = new Map<number, Deferred<unknown>>();
  let count = 0;
  const closed = deferred<void>();
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => complaint += text);
  child.on('error', (error) => closed.reject(error));
  child.on('close', () => {
    for (const { reject } of waiting.values()) reject(new Error(`the lab's agent ended: ${complaint}`));
    closed.resolve();
  });
  createInterface(child.stdout).on('line', (line) => {
    const { id, error, ...answer } = JSON.parse(line) as { id: number; error?: string };
    const answered = waiting.get(id);
    waiting.delete(id);
    if (error !== undefined) answered?.reject(new Error(error));
    else answered?.resolve(answer);
  });
  return {
    request: <T>(request: object) => {
      const id = ++count;
      const answered = deferred<unknown>();
      waiting.set(id, answered);
      child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
      return answered.promise as Promise<T>;
    },
    close: async () => {
      child.kill('SIGKILL');
      await closed.promise;
    },
  };
}
