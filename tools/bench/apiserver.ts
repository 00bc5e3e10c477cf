/**
 * The apiserver's figures: `npx tsx tools/bench/apiserver.ts [--short]`. The server runs in a process of its own with a real nats-server behind it;
 * beside it stands a bare grpc-js server over the same TLS, so that each figure has its yardstick from the same run. Prints a table and one line of JSON.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { createSecureContext } from 'node:tls';

import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { ChannelCredentials, Client, Server, ServerCredentials } from '@grpc/grpc-js';
import { pods } from '@navarch/api';
import { silentLogger, systemClock, systemRandom } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import { PodServiceService as podService } from '@navarch/proto/navarch/core/v1/pod_service';
import { connectGrpc, type GrpcChannel, type TlsMaterial } from '@navarch/service';
import type { ObjectLog } from '@navarch/store';
import { connectNats, connectNatsLog } from '@navarch/store-nats';
import { startNatsServer } from '@navarch/store-nats/testing';

import { createApiBed } from '../../apps/apiserver/src/testing/api-bed';

const short = process.argv.includes('--short');
const rounds = short ? 3 : 5;
const callsPerRound = short ? 1_500 : 6_000;
const listed = short ? 2_000 : 10_000;
const indexedWatchers = short ? 200 : 1_000;
const fullWatchers = short ? 5 : 20;
const writesPerSecond = 500;
const watchSeconds = short ? 4 : 20;
const inFlight = 64;
const pageItems = 500;

const identity = (bytes: Buffer): Buffer => bytes;
const method = (path: string) => ({ path, requestStream: false, responseStream: false, requestSerialize: identity, requestDeserialize: identity, responseSerialize: identity, responseDeserialize: identity });
const [echoPath, pagePath] = ['/bench.Bare/Echo', '/bench.Bare/Page'];

/** About 1.5 KiB as protobuf, as a pod from a Deployment is. */
function podOf(name: string): Pod {
  return {
    metadata: { name, namespace: 'default', labels: { app: 'bench', 'pod-template-hash': '5d4f8c7b9' }, annotations: { 'example.com/notes': 'n'.repeat(500) } },
    spec: {
      containers: [{
        name: 'main', image: 'registry.example.com/team/service:v1.2.3', command: ['/bin/service', '--verbose'],
        env: Array.from({ length: 8 }, (_, n) => ({ name: `SETTING_${n}`, value: `value-${n}` })),
        resources: { requests: { cpu: { string: '100m' }, memory: { string: '64Mi' } } }, ports: [{ containerPort: 8080, name: 'http' }],
      }],
    },
  };
}

interface Serving {
  readonly api: string;
  readonly bare: string;
  readonly tls: TlsMaterial;
}

type Order = { readonly type: 'fill'; readonly count: number } | { readonly type: 'bind'; readonly count: number } | { readonly type: 'write'; readonly count: number; readonly seconds: number } | { readonly type: 'pages' } | { readonly type: 'stop' };

/** The server's side: apiserver on NATS, and the bare server that answers with what it got, or with pages it holds ready. */
async function serve(): Promise<void> {
  const nats = await startNatsServer();
  const connection = await connectNats({ servers: nats.url });
  const open = (name: string): Promise<ObjectLog> => connectNatsLog({ connection, clock: systemClock, random: systemRandom, logger: silentLogger, stream: name, subjectPrefix: `kube-${name}` });
  const bed = await createApiBed({ logs: { objects: await open('objects'), events: await open('events') } });
  const admin = { name: 'bench', groups: ['system:masters', 'system:authenticated'] };
  const client = bed.apiserver.client(admin).resource(pods);
  const tls = await bed.certificate('kubernetes-admin', ['system:masters']);
  let pages: Buffer[] = [];
  const bare = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
  bare.register(echoPath, (call: { request: Buffer }, done: (error: null, value: Buffer) => void) => done(null, call.request), identity, identity, 'unary');
  bare.register(pagePath, (call: { request: Buffer }, done: (error: null, value: Buffer) => void) => done(null, Buffer.from(pages[call.request.readUInt32LE()] ?? Buffer.alloc(0))), identity, identity, 'unary');
  const credentials = ServerCredentials.createSsl(Buffer.from(tls.ca), [{ cert_chain: Buffer.from(tls.certificate ?? ''), private_key: Buffer.from(tls.key ?? '') }], true);
  const port = await new Promise<number>((resolve, reject) => bare.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound))));
  const orders = async (order: Order): Promise<unknown> => {
    switch (order.type) {
      case 'fill': return inParallel(order.count, (n) => client.create(podOf(`listed-${n}`)));
      case 'bind': return inParallel(order.count, async (n) => {
        await client.create(podOf(`watched-${n}`));
        await bed.apiserver.client(admin).bindPod({ metadata: { namespace: 'default', name: `watched-${n}` }, target: { kind: 'Node', name: `node-${n}` } });
      });
      case 'write': return writeSteadily(order, (n) => client.patch('default', `watched-${n % order.count}`, 'application/merge-patch+json', { metadata: { labels: { turn: String(n) } } }));
      case 'pages':
        pages = await readPages(bed.connectWith(tls));
        return undefined;
      case 'stop':
        bare.forceShutdown();
        await bed.close();
        await connection.close();
        await nats.close();
        process.disconnect();
    }
  };
  process.on('message', (order: Order) => void orders(order).then((result) => process.connected && process.send?.({ result }), (error: unknown) => process.connected && process.send?.({ error: String(error) })));
  process.send?.({ api: bed.address, bare: `127.0.0.1:${port}`, tls } satisfies Serving);
}

async function inParallel(count: number, run: (n: number) => Promise<unknown>, width = inFlight): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: width }, async () => {
    for (let n = next++; n < count; n = next++) await run(n);
  }));
}

/** So many writes a second, evenly; a server that falls behind gets fewer rather than ever more at once. Answers how many it took a second. */
async function writeSteadily({ seconds }: { seconds: number }, write: (n: number) => Promise<unknown>): Promise<number> {
  const startMs = systemClock.monotonic();
  const running = new Set<Promise<unknown>>();
  const failures: unknown[] = [];
  const count = seconds * writesPerSecond;
  for (let n = 0; n < count; n++) {
    const waitMs = startMs + (n * 1_000) / writesPerSecond - systemClock.monotonic();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const one = write(n).catch((error: unknown) => failures.push(error)).finally(() => running.delete(one));
    running.add(one);
    if (running.size >= 2 * inFlight) await Promise.race(running);
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
  return count / ((systemClock.monotonic() - startMs) / 1_000);
}

interface Seen {
  readonly type: string;
  readonly commitTimeMs: number;
}

/** Type and commit time of an event; the object stays unread, for reading it is the client's cost and not the server's. */
function glance(bytes: Buffer): Seen {
  const reader = new BinaryReader(bytes);
  let type = '';
  let commitTimeMs = 0;
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 1 && wire === WireType.LengthDelimited) type = reader.string();
    else if (field === 6 && wire === WireType.Varint) commitTimeMs = Number(reader.int64());
    else reader.skip(wire, field);
  }
  return { type, commitTimeMs };
}

const watchAtAGlance = { ...podService.watch, responseSerialize: () => Buffer.alloc(0), responseDeserialize: glance };
const rawList = { ...podService.list, responseDeserialize: identity };

/** All pods as the server's own pages of bytes. */
async function readPages(channel: GrpcChannel): Promise<Buffer[]> {
  const pages: Buffer[] = [];
  let token: string | undefined;
  do {
    const page = await channel.unary(rawList as never, { namespace: 'default', limit: pageItems, continue: token, labelSelector: 'app=bench' } as never, { timeoutMs: 60_000 }) as Buffer;
    pages.push(page);
    token = podService.list.responseDeserialize(page).metadata?.continue;
  } while (token);
  return pages;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
const quantile = (values: readonly number[], q: number): number => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? NaN;

async function timed(run: () => Promise<unknown>): Promise<number> {
  const startMs = systemClock.monotonic();
  await run();
  return systemClock.monotonic() - startMs;
}

function bareClient({ bare, tls }: Serving): Client {
  const secure = createSecureContext({ ca: tls.ca, cert: tls.certificate, key: tls.key });
  return new Client(bare, ChannelCredentials.createFromSecureContext(secure), { 'grpc.max_receive_message_length': -1 });
}

const callBare = (client: Client, path: string, request: Buffer): Promise<Buffer> => new Promise((resolve, reject) =>
  client.makeUnaryRequest(path, identity, identity, request, (error, value) => (error ? reject(error) : resolve(value as Buffer))));

async function benchCreate(serving: Serving): Promise<{ createPerSecond: number; echoPerSecond: number }> {
  const channel = connectGrpc({ target: serving.api, tls: serving.tls });
  const bare = bareClient(serving);
  const create = method(podService.create.path);
  const requests = Array.from({ length: callsPerRound * (rounds + 1) }, (_, n) => podService.create.requestSerialize({ namespace: 'default', object: podOf(`created-${n}`) }));
  const [creates, echoes]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const own = requests.slice(round * callsPerRound, (round + 1) * callsPerRound);
    const echoMs = await timed(() => inParallel(own.length, (n) => callBare(bare, echoPath, own[n] as Buffer)));
    const createMs = await timed(() => inParallel(own.length, (n) => channel.unary(create, own[n] as Buffer)));
    // The first round warms up.
    if (round === 0) continue;
    echoes.push(own.length / echoMs * 1_000);
    creates.push(own.length / createMs * 1_000);
  }
  channel.close();
  bare.close();
  return { createPerSecond: median(creates), echoPerSecond: median(echoes) };
}

async function benchList(serving: Serving, order: (order: Order) => Promise<unknown>): Promise<{ listMs: number; bareMs: number; mebibytes: number }> {
  await order({ type: 'fill', count: listed });
  await order({ type: 'pages' });
  const channel = connectGrpc({ target: serving.api, tls: serving.tls, messageBytes: 16 << 20 });
  const bare = bareClient(serving);
  const pages = await readPages(channel);
  const indexes = pages.map((_, at) => Buffer.from(Uint32Array.of(at).buffer));
  const [lists, bares]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds * 2; round++) {
    const bareMs = await timed(async () => { for (const at of indexes) await callBare(bare, pagePath, at); });
    const listMs = await timed(() => readPages(channel));
    // Reading the continue token out of a page is the client's work: taken off again.
    const decodeMs = await timed(async () => { for (const page of pages) podService.list.responseDeserialize(page); });
    if (round === 0) continue;
    bares.push(bareMs);
    lists.push(listMs - decodeMs);
  }
  channel.close();
  bare.close();
  return { listMs: median(lists), bareMs: median(bares), mebibytes: pages.reduce((sum, page) => sum + page.length, 0) / 2 ** 20 };
}

async function benchWatch(serving: Serving, order: (order: Order) => Promise<unknown>): Promise<{ perSecond: number; indexed: number[]; full: number[] }> {
  await order({ type: 'bind', count: indexedWatchers });
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  // As in a cluster: each kubelet has a connection of its own, though here twenty share one.
  const channels = Array.from({ length: Math.ceil(indexedWatchers / 20) }, () => connectGrpc({ target: serving.api, tls: serving.tls, messageBytes: 16 << 20 }));
  const [indexed, full]: [number[], number[]] = [[], []];
  const ready: Promise<void>[] = [];
  const follow = (channel: GrpcChannel, fieldSelector: string | undefined, into: number[]): void => {
    ready.push(new Promise((resolve, reject) => void (async () => {
      let live = false;
      for await (const { type, commitTimeMs } of channel.serverStream(watchAtAGlance, { namespace: 'default', fieldSelector, sendInitialEvents: true }, { signal: stopping.signal })) {
        if (type === 'BOOKMARK') {
          live = true;
          resolve();
        } else if (live) into.push(systemClock.now() - commitTimeMs);
      }
    })().catch((error: unknown) => (stopping.signal.aborted ? undefined : reject(error)))));
  };
  for (let n = 0; n < indexedWatchers; n++) follow(channels[n % channels.length] as GrpcChannel, `spec.nodeName=node-${n}`, indexed);
  for (let n = 0; n < fullWatchers; n++) follow(channels[n % channels.length] as GrpcChannel, undefined, full);
  await Promise.all(ready);
  const perSecond = Number(await order({ type: 'write', count: indexedWatchers, seconds: watchSeconds }));
  // A busy machine delivers late; what has not come after a minute never will.
  const expected = writesPerSecond * watchSeconds;
  for (let waitedMs = 0; waitedMs < 60_000 && indexed.length + full.length < expected * (1 + fullWatchers); waitedMs += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  stopping.abort();
  for (const channel of channels) channel.close();
  return { perSecond, indexed, full };
}

async function main(): Promise<void> {
  const child: ChildProcess = fork(__filename, ['--serve', ...process.argv.slice(2)]);
  const next = <T>(): Promise<T> => new Promise((resolve, reject) => {
    child.once('message', (message: { error?: string }) => (message.error ? reject(new Error(message.error)) : resolve(message as T)));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const order = async (what: Order): Promise<unknown> => {
    child.send(what);
    return (await next<{ result?: unknown }>()).result;
  };
  const serving = await next<Serving>();
  try {
    const create = await benchCreate(serving);
    console.log(`create through gRPC on NATS  ${create.createPerSecond.toFixed(0)}/s   bare echo ${create.echoPerSecond.toFixed(0)}/s   ${(100 * create.createPerSecond / create.echoPerSecond).toFixed(0)} %`);
    const list = await benchList(serving, order);
    console.log(`list, ${list.mebibytes.toFixed(1)} MiB in pages of ${pageItems}  ${list.listMs.toFixed(0)} ms   the same bytes from memory ${list.bareMs.toFixed(0)} ms   ${(list.listMs / list.bareMs).toFixed(2)}×`);
    const watch = await benchWatch(serving, order);
    const row = (name: string, values: number[]): void => console.log(`watch, ${name}  p50 ${quantile(values, 0.5)} ms   p99 ${quantile(values, 0.99)} ms   (${values.length} events)`);
    console.log(`watch, at ${watch.perSecond.toFixed(0)} writes/s (asked for ${writesPerSecond})`);
    row(`${indexedWatchers} indexed`, watch.indexed);
    row(`${fullWatchers} full`, watch.full);
    console.log(JSON.stringify({ create, list, watch: { writesPerSecond: watch.perSecond, indexedP99Ms: quantile(watch.indexed, 0.99), fullP99Ms: quantile(watch.full, 0.99), indexedEvents: watch.indexed.length, fullEvents: watch.full.length } }));
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.connected) child.send({ type: 'stop' } satisfies Order);
    await ended;
  }
}

void (process.argv.includes('--serve') ? serve() : main()).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
  if (process.connected) process.disconnect();
});
