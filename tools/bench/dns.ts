/**
 * The DNS server over UDP on loopback: `npx tsx tools/bench/dns.ts [--short]`. Questions per second and their latency with a fixed number under
 * way, for names of a cluster of 1,000 Services and for names that another server answered before; memory of the process, clients included. Client and server
 * share one process, so the server alone does better. Prints one JSON document.
 */
import { createSocket } from 'node:dgram';

import { endpointSlices, services } from '@navarch/api';
import { seededRandom, silentLogger, systemClock } from '@navarch/base';
import { createMemoryApi } from '@navarch/client/testing';
import { encode } from 'dns-packet';

import { runDns } from '../../apps/dns/src/app';

const short = process.argv.includes('--short');
const size = short ? 50 : 1_000;
const questions = short ? 500 : 20_000;
const underWay = 32;

interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Asks `questions` times, `underWay` at a time; the id tells which answer belongs to which question. */
function ask(port: number, nameOf: (n: number) => string): Promise<Figures> {
  const socket = createSocket('udp4');
  const sentMs = new Map<number, number>();
  const tookMs: number[] = [];
  let next = 0;
  const send = (): void => {
    const id = next % 65_536;
    sentMs.set(id, performance.now());
    socket.send(encode({ type: 'query', id, flags: 0x0100, questions: [{ type: 'A', name: nameOf(next) }] }), port, '127.0.0.1');
    next++;
  };
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    socket.once('error', reject);
    socket.on('message', (answer) => {
      const id = answer.readUInt16BE(0);
      if ((answer.readUInt16BE(2) & 0x000f) !== 0) return reject(new Error(`answered with code ${answer.readUInt16BE(2) & 0x000f}: ${nameOf(id)}`));
      tookMs.push(performance.now() - (sentMs.get(id) ?? startMs));
      if (next < questions) return send();
      if (tookMs.length < questions) return;
      socket.close();
      const sorted = tookMs.sort((left, right) => left - right);
      const at = (share: number): number => Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(3));
      resolve({ perSecond: Math.round((questions * 1_000) / (performance.now() - startMs)), p50Ms: at(0.5), p99Ms: at(0.99) });
    });
    for (let n = 0; n < underWay; n++) send();
  });
}

async function main(): Promise<void> {
  const api = createMemoryApi({ clock: systemClock, random: seededRandom(1) });
  for (let n = 0; n < size; n++) {
    const address = `10.96.${n >> 8}.${n & 255}`;
    await api.client.resource(services).create({ metadata: { namespace: 'default', name: `s${n}` }, spec: { clusterIP: address, clusterIPs: [address], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] } });
    await api.client.resource(endpointSlices).create({
      metadata: { namespace: 'default', name: `s${n}-1`, labels: { 'kubernetes.io/service-name': `s${n}` } }, addressType: 'IPv4', ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      endpoints: Array.from({ length: 5 }, (_, at) => ({ addresses: [`10.${200 + at}.${n >> 8}.${n & 255}`], conditions: { ready: true } })),
    });
  }
  const common = { client: api.client, clock: systemClock, random: seededRandom(2), logger: silentLogger, ttl: 3_600, listen: [{ host: '127.0.0.1', port: 0 }] };
  const far = await runDns({ ...common, domain: 'far.test', upstreams: [] });
  const near = await runDns({ ...common, domain: 'cluster.local', upstreams: [{ host: '127.0.0.1', port: far.ports[0] ?? 0 }] });
  const port = near.ports[0] ?? 0;
  const cluster = await ask(port, (n) => `s${n % size}.default.svc.cluster.local`);
  await ask(port, (n) => `s${n % size}.default.svc.far.test`);
  const forwardedKept = await ask(port, (n) => `s${n % size}.default.svc.far.test`);
  const rssMb = Math.round(process.memoryUsage().rss / 2 ** 20);
  await near.close();
  await far.close();
  console.log(JSON.stringify({ bench: 'dns', short, services: size, underWay, cluster, forwardedKept, rssMbWithApiAndClients: rssMb }, null, 2));
}

void main();
