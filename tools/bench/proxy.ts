/**
 * The Service proxy against a real kernel, in namespaces of its own: `npx tsx tools/bench/proxy.ts [--short] [--large]` (as root). For each number of Services
 * × 5 endpoints: cold load, from the proxy's start with all objects at hand to the table that packets meet; and one endpoint's change, from the write's
 * acknowledgement to the kernel's, through watch, rules and `nft -i`. Beside them what a connection costs through a Service and directly. `--large` adds 30,000. Prints
 * one JSON document.
 */
import { endpointSlices, services } from '@navarch/api';
import { seededRandom, silentLogger, systemClock } from '@navarch/base';
import { createMemoryApi } from '@navarch/client/testing';

import { runProxy } from '../../apps/proxy/src/app';
import { createNftProcess } from '../../apps/proxy/src/nft/nft-process';
import type { Nft } from '../../apps/proxy/src/nft/nft';
import { createLab, type Lab } from '../../apps/proxy/src/testing/lab';
import { MemoryRouteTable } from '../../apps/proxy/src/testing/memory-route-table';
import { serviceOf, sliceOf } from '../../apps/proxy/src/testing/objects';

const short = process.argv.includes('--short');
const sizes = short ? [200] : [1_000, 5_000, 10_000, ...(process.argv.includes('--large') ? [30_000] : [])];
const changes = short ? 20 : 200;
const connections = short ? 50 : 1_000;
const endpointsEach = 5;

interface Spread {
  readonly p50: number;
  readonly p99: number;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (share: number): number => Number((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(3));
  return { p50: at(0.5), p99: at(0.99) };
}

const clusterIp = (n: number): string => `10.${96 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
const endpointsOf = (n: number): string[] => Array.from({ length: endpointsEach }, (_, at) => `10.${200 + at}.${(n >> 8) & 255}.${n & 255}`);

/** Tells of each transaction that the kernel has taken. */
function observed(nft: Nft, taken: (commands: readonly string[]) => void): Nft {
  return { ...nft, transaction: async (commands, signal) => {
    await nft.transaction(commands, signal);
    taken(commands);
  } };
}

async function measure(lab: Lab, size: number): Promise<object> {
  const api = createMemoryApi({ clock: systemClock, random: seededRandom(1) });
  for (let n = 0; n < size; n++) {
    await api.client.resource(services).create(serviceOf(`s${n}`, clusterIp(n)));
    await api.client.resource(endpointSlices).create(sliceOf(`s${n}`, endpointsOf(n)));
  }
  let heard: (commands: readonly string[]) => void = () => undefined;
  const until = (wanted: string): Promise<number> => new Promise((resolve) => {
    heard = (commands) => {
      if (commands.some((command) => command.includes(wanted))) resolve(performance.now());
    };
  });
  const hooked = until('hook postrouting');
  const startMs = performance.now();
  const proxy = runProxy({
    client: api.client, clock: systemClock, random: seededRandom(2), logger: silentLogger, nodeName: 'self', routes: new MemoryRouteTable([]),
    services: {
      nft: observed(createNftProcess({ command: [...lab.inNode, 'nft'], clock: systemClock }), (commands) => heard(commands)),
      flows: { list: () => Promise.resolve([]), remove: () => Promise.resolve() }, healthPorts: () => ({ set: () => undefined, close: () => Promise.resolve() }),
    },
  });
  const coldMs = (await hooked) - startMs;
  const changeMs: number[] = [];
  for (let n = 0; n < changes; n++) {
    const slice = await api.client.resource(endpointSlices).get('default', `s${(n * 37) % size}-ipv4`);
    const address = `10.250.${n >> 8}.${n & 255}`;
    const known = until(address);
    const sentMs = performance.now();
    await api.client.resource(endpointSlices).update({ ...slice, endpoints: [...(slice.endpoints ?? []).slice(1), { addresses: [address] }] });
    changeMs.push((await known) - sentMs);
  }
  const rssMb = Math.round(process.memoryUsage().rss / 2 ** 20);
  await proxy.close();
  return { services: size, endpoints: size * endpointsEach, coldMs: Math.round(coldMs), changeMs: spread(changeMs), rssMbWithApi: rssMb };
}

/** One short exchange, connect and all, as a client sees it: through a Service, and directly. The client's own cost is in both. */
async function measureConnections(lab: Lab): Promise<object> {
  const api = createMemoryApi({ clock: systemClock, random: seededRandom(1) });
  await api.client.resource(services).create(serviceOf('echo', '10.96.0.10'));
  await api.client.resource(endpointSlices).create(sliceOf('echo', ['10.244.0.11']));
  const proxy = runProxy({
    client: api.client, clock: systemClock, random: seededRandom(2), logger: silentLogger, nodeName: 'self', routes: new MemoryRouteTable([]),
    services: {
      nft: createNftProcess({ command: [...lab.inNode, 'nft'], clock: systemClock }),
      flows: { list: () => Promise.resolve([]), remove: () => Promise.resolve() }, healthPorts: () => ({ set: () => undefined, close: () => Promise.resolve() }),
    },
  });
  while (!('by' in await lab.ask({ from: 'client', to: '10.96.0.10', port: 80 })));
  const times: Record<'direct' | 'service', number[]> = { direct: [], service: [] };
  for (let n = 0; n < connections; n++) {
    for (const [way, to, port] of [['direct', '10.244.0.11', 8080], ['service', '10.96.0.10', 80]] as const) {
      const startMs = performance.now();
      await lab.ask({ from: 'client', to, port });
      times[way].push(performance.now() - startMs);
    }
  }
  await proxy.close();
  return { directMs: spread(times.direct), serviceMs: spread(times.service) };
}

async function main(): Promise<void> {
  const lab = createLab(['192.0.2.1/32']);
  try {
    lab.addHost('client', ['10.244.0.12']);
    lab.addHost('server', ['10.244.0.11']);
    await lab.serve('server', '10.244.0.11', 8080);
    const rows: object[] = [];
    for (const size of sizes) {
      lab.nft('flush', 'ruleset');
      rows.push(await measure(lab, size));
    }
    lab.nft('flush', 'ruleset');
    console.log(JSON.stringify({ bench: 'proxy', short, rows, exchange: await measureConnections(lab) }, null, 2));
  } finally {
    await lab.close();
  }
}

void main();
