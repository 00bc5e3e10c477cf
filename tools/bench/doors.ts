/**
 * What each verb costs through each door: `npx tsx tools/bench/doors.ts [--short]`. One apiserver on a real nats-server in a process of its own;
 * gRPC, REST in JSON and REST in protobuf ask it in turns, so that each ratio comes from one run. Then what an object, and a watch, takes of its memory.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { setMaxListeners } from 'node:events';

import { configMaps, namespaces, pods } from '@navarch/api';
import { silentLogger, systemClock, systemRandom } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { ConfigMap, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import { ConfigMapServiceService } from '@navarch/proto/navarch/core/v1/config_map_service';
import { connectGrpc, grpcApiClient, type TlsMaterial } from '@navarch/service';
import type { ObjectLog } from '@navarch/store';
import { connectNats, connectNatsLog } from '@navarch/store-nats';
import { startNatsServer } from '@navarch/store-nats/testing';

import { restApiClient } from '../clients/rest-api-client';
import { connectRest, type RestConnection } from '../clients/rest-connection';
import { openTwoDoors } from '../clients/two-doors';
import { measureInTurns, median, table, type Candidate } from './lib/rounds';

const short = process.argv.includes('--short');
const rounds = short ? 1 : 5;
const callsPerRound = short ? 40 : 2_000;
const listed = short ? 200 : 10_000;
const watches = short ? 100 : 2_000;
const inFlight = 16;

interface Serving {
  readonly grpc: string;
  readonly rest: string;
  readonly tls: TlsMaterial;
}

/** The server's side: both doors, and how much memory the process holds when asked. */
async function serve(): Promise<void> {
  const nats = await startNatsServer();
  const connection = await connectNats({ servers: nats.url });
  const open = (name: string): Promise<ObjectLog> => connectNatsLog({ connection, clock: systemClock, random: systemRandom, logger: silentLogger, stream: name, subjectPrefix: `kube-${name}` });
  const doors = await openTwoDoors({ logs: { objects: await open('objects'), events: await open('events') } });
  process.on('message', (order: 'memory' | 'stop') => {
    if (order === 'memory') {
      globalThis.gc?.();
      const { heapUsed, external } = process.memoryUsage();
      return void process.send?.({ bytes: heapUsed + external });
    }
    void doors.close().then(() => connection.close()).then(() => nats.close()).then(() => process.disconnect());
  });
  process.send?.({ grpc: doors.bed.address, rest: doors.restAddress, tls: await doors.bed.certificate('kubernetes-admin', ['system:masters']) } satisfies Serving);
}

const next = <T>(server: ChildProcess): Promise<T> => new Promise((resolve) => server.once('message', resolve));

async function memoryOf(server: ChildProcess): Promise<number> {
  const answer = next<{ bytes: number }>(server);
  server.send('memory');
  return (await answer).bytes;
}

/** Runs `one` so many times, `inFlight` at once; answers calls per second and the times of each in ms. */
async function hurry(count: number, one: (n: number) => Promise<unknown>): Promise<{ readonly rate: number; readonly times: number[] }> {
  const times: number[] = [];
  const startMs = systemClock.monotonic();
  let at = 0;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    for (let n = at++; n < count; n = at++) {
      const sentMs = systemClock.monotonic();
      await one(n);
      times.push(systemClock.monotonic() - sentMs);
    }
  }));
  return { rate: count / ((systemClock.monotonic() - startMs) / 1_000), times };
}

const objectOf = (name: string): ConfigMap => ({ metadata: { namespace: 'default', name }, data: { text: 'x'.repeat(500), turn: '0' } });
const podOf = (name: string): Pod => ({
  metadata: { namespace: 'default', name, labels: { app: 'bench' }, annotations: { 'example.com/notes': 'n'.repeat(500) } },
  spec: { containers: [{ name: 'main', image: 'registry.example.com/team/service:v1.2.3', env: Array.from({ length: 8 }, (_, n) => ({ name: `SETTING_${n}`, value: `value-${n}` })) }] },
});

/** One door in one encoding. Apply stands apart: the client interface of our own parts has none. */
interface Door {
  readonly client: ApiClient;
  apply(name: string, manifest: string): Promise<unknown>;
}

type Verb = (door: Door, as: string, round: number) => (n: number) => Promise<unknown>;
const name = (door: string, n: number): string => `${door}-${n % 200}`;

const verbs: Readonly<Record<string, Verb>> = {
  create: ({ client }, door, round) => (n) => client.resource(configMaps).create(objectOf(`made-${door}-${round}-${n}`)),
  get: ({ client }, door) => (n) => client.resource(configMaps).get('default', name(door, n)),
  'list of 50': ({ client }) => () => client.resource(configMaps).list({ namespace: 'few' }),
  update: ({ client }, door, round) => (n) => client.resource(configMaps).update({ ...objectOf(name(door, n)), data: { turn: `${round}.${n}` } }),
  'merge patch': ({ client }, door, round) => (n) => client.resource(configMaps).patch('default', name(door, n), 'application/merge-patch+json', { data: { turn: `m${round}.${n}` } }),
  'strategic merge patch': ({ client }, door, round) => (n) => client.resource(configMaps).patch('default', name(door, n), 'application/strategic-merge-patch+json', { data: { turn: `s${round}.${n}` } }),
  'JSON patch': ({ client }, door, round) => (n) => client.resource(configMaps).patch('default', name(door, n), 'application/json-patch+json', [{ op: 'replace', path: '/data/turn', value: `j${round}.${n}` }]),
  'server-side apply': ({ apply }, door, round) => (n) => apply(name(door, n), JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: name(door, n) }, data: { turn: `a${round}.${n}` } })),
  delete: ({ client }, door, round) => (n) => client.resource(configMaps).delete('default', `made-${door}-${round}-${n}`),
};

async function measureVerbs(doors: Readonly<Record<string, Door>>): Promise<void> {
  const rows: string[][] = [];
  const found: Record<string, unknown> = {};
  const first = Object.values(doors)[0] as Door;
  await first.client.resource(namespaces).create({ metadata: { name: 'few' } });
  for (const as of Object.keys(doors)) await hurry(200, (n) => first.client.resource(configMaps).create(objectOf(name(as, n))));
  await hurry(50, (n) => first.client.resource(configMaps).create({ ...objectOf(`few-${n}`), metadata: { namespace: 'few', name: `few-${n}` } }));
  for (const [verb, run] of Object.entries(verbs)) {
    const turns: Record<string, number> = {};
    const times: Record<string, number[]> = {};
    const candidates = Object.entries(doors).map(([as, door]): Candidate => ({
      name: as,
      async measure() {
        const round = (turns[as] = (turns[as] ?? -1) + 1);
        const result = await hurry(callsPerRound, run(door, as, round));
        if (round > 0) (times[as] ??= []).push(...result.times);
        return result.rate;
      },
    }));
    const measured = await measureInTurns(candidates, rounds);
    found[verb] = measured;
    for (const { name: door, median: rate, ratio } of measured) {
      const sorted = (times[door] ?? []).sort((left, right) => left - right);
      rows.push([verb, door, rate.toFixed(0), `${(ratio * 100).toFixed(0)} %`, (sorted[Math.floor(sorted.length / 2)] ?? NaN).toFixed(1), (sorted[Math.floor(sorted.length * 0.99)] ?? NaN).toFixed(1)]);
    }
  }
  console.log(`requests, ${inFlight} at once\n${table(['verb', 'door', '1/s', 'of gRPC', 'p50 ms', 'p99 ms'], rows)}`);
  console.log(JSON.stringify({ bench: 'doors', verbs: found }));
}

const forms = {
  protobuf: 'application/vnd.kubernetes.protobuf', JSON: 'application/json', Table: 'application/json;as=Table;v=v1;g=meta.k8s.io', 'Table with whole objects': 'application/json;as=Table;v=v1;g=meta.k8s.io',
};

async function measureLists(rest: RestConnection): Promise<void> {
  const sizes: Record<string, number> = {};
  const candidates = Object.entries(forms).map(([form, accept]): Candidate => ({
    name: form,
    async measure() {
      const startMs = systemClock.monotonic();
      const body = await rest.ask({ method: 'GET', path: '/api/v1/namespaces/default/pods', headers: { accept }, query: form === 'Table with whole objects' ? { includeObject: 'Object' } : {} });
      sizes[form] = body.length;
      return systemClock.monotonic() - startMs;
    },
  }));
  const measured = await measureInTurns(candidates, rounds);
  console.log(`list of ${listed} pods\n${table(['form', 'ms', 'of protobuf', 'MiB'], measured.map(({ name: form, median: ms, ratio }) => [form, ms.toFixed(0), `${(ratio * 100).toFixed(0)} %`, ((sizes[form] ?? 0) / 2 ** 20).toFixed(1)]))}`);
}

/** Bytes of the server's heap per item that `add` made, after a collection. */
async function memoryPer(server: ChildProcess, count: number, add: () => Promise<unknown>): Promise<number> {
  const before = median([await memoryOf(server), await memoryOf(server), await memoryOf(server)]);
  await add();
  return (median([await memoryOf(server), await memoryOf(server), await memoryOf(server)]) - before) / count;
}

async function holdWatches(client: ApiClient, signal: AbortSignal): Promise<void> {
  await Promise.all(Array.from({ length: watches }, async (_, n) => {
    const events = client.resource(configMaps).watch({ signal, namespace: 'default', fieldSelector: `metadata.name=grpc-${n % 200}`, sendInitialEvents: true })[Symbol.asyncIterator]();
    await events.next();
    events.next().catch(() => undefined);
  }));
}

async function main(): Promise<void> {
  const server = fork(__filename, process.argv.slice(2), { env: { ...process.env, BENCH_ROLE: 'server' }, execArgv: [...process.execArgv, '--expose-gc'] });
  const { grpc, rest: restAddress, tls } = await next<Serving>(server);
  const channel = connectGrpc({ target: grpc, tls });
  const rest = connectRest(restAddress, { ca: String(tls.ca), certificate: String(tls.certificate), key: String(tls.key) });
  const client = grpcApiClient(channel);
  const applyByRest = (name: string, manifest: string): Promise<unknown> => rest.ask({
    method: 'PATCH', path: `/api/v1/namespaces/default/configmaps/${name}`, query: { fieldManager: 'bench', force: true }, headers: { 'content-type': 'application/apply-patch+yaml' }, body: Buffer.from(manifest),
  });
  const applyByGrpc = (name: string, manifest: string): Promise<unknown> => channel.unary(ConfigMapServiceService.patch, {
    namespace: 'default', name, patch: Buffer.from(manifest), patchType: 'application/apply-patch+yaml', options: { fieldManager: 'bench', force: true },
  });
  await measureVerbs({
    grpc: { client, apply: applyByGrpc }, json: { client: restApiClient(rest, 'json'), apply: applyByRest }, protobuf: { client: restApiClient(rest, 'protobuf'), apply: applyByRest },
  });
  const perPod = await memoryPer(server, listed, () => hurry(listed, (n) => client.resource(pods).create(podOf(`listed-${n}`))));
  await measureLists(rest);
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  const perWatch = await memoryPer(server, watches, () => holdWatches(client, end.signal));
  console.log(table(['memory of the server', 'KiB'], [[`per pod (${listed})`, (perPod / 1024).toFixed(1)], [`per watch (${watches}, one user, by gRPC)`, (perWatch / 1024).toFixed(1)]]));
  end.abort(new Error('measured'));
  channel.close();
  rest.close();
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.send('stop');
  await gone;
}

void (process.env['BENCH_ROLE'] === 'server' ? serve() : main());
