import { allResources, createRegistry, configMaps, events, leases, pods } from '@navarch/api';
import { seededRandom, silentLogger, VirtualClock } from '@navarch/base';
import { createMemoryLog, MemoryStream } from '@navarch/store';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';

import { noKubelets } from './core/pods/kubelet-connector';
import { runApiserver, type Apiserver } from './app';
import { admin, settle, startMs } from './testing/harness';

// Minutes of virtual time with two elections in them are seconds of real time on a busy machine.
jest.setTimeout(60_000);

const minuteMs = 60_000;

interface Running extends Apiserver {
  readonly clock: VirtualClock;
  readonly streams: { readonly objects: MemoryStream; readonly events: MemoryStream };
}

function start(beside?: Running): Running {
  const clock = beside?.clock ?? new VirtualClock(startMs, settle);
  const streams = beside?.streams ?? { objects: new MemoryStream(clock), events: new MemoryStream(clock) };
  const random = seededRandom(beside ? 2 : 1);
  const logs = { objects: createMemoryLog({ clock, random, stream: streams.objects }), events: createMemoryLog({ clock, random, stream: streams.events, subjectPrefix: 'kube-events' }) };
  const apiserver = runApiserver({
    registry: createRegistry(allResources), logs, clock, random, logger: silentLogger, kubelets: noKubelets(new Error('no kubelet')),
    eventTtlMs: 10 * minuteMs,
    compaction: { intervalMs: minuteMs, keepMs: 5 * minuteMs, keepVersions: 2 },
  });
  return { ...apiserver, clock, streams };
}

const event = (name: string) => ({ metadata: { name, namespace: 'default' }, involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' }, reason: 'Test' });

describe('a replica of the apiserver', () => {
  let server: Running;
  beforeEach(async () => {
    server = start();
    await server.ready;
  });
  afterEach(() => server.close());

  it('removes events when their time after the last write is over, and watchers see them go', async () => {
    const client = server.client(admin).resource(events);
    await client.create(event('old'));
    await server.clock.advance(6 * minuteMs);
    await client.create(event('young'));
    const stopping = new AbortController();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const { type, object } of client.watch({ sendInitialEvents: true, signal: stopping.signal })) if (type !== 'BOOKMARK') seen.push(`${type} ${object.metadata?.name}`);
    })();
    await server.clock.advance(5 * minuteMs);
    expect((await client.list()).items.map(({ metadata }) => metadata?.name)).toEqual(['young']);
    expect(seen).toEqual(['ADDED old', 'ADDED young', 'DELETED old']);
    stopping.abort();
    await watching;
  });

  it('of two replicas one is elected to compact, and old versions are Expired afterwards on both', async () => {
    const second = start(server);
    await second.ready;
    const client = server.client(admin).resource(configMaps);
    const made = await client.create({ metadata: { name: 'a', namespace: 'default' } });
    for (let n = 0; n < 20; n++) await client.update({ metadata: { name: 'a', namespace: 'default' }, data: { n: String(n) } });
    await server.clock.advance(9 * minuteMs);
    const lease = await server.client(admin).resource(leases).get('kube-system', 'navarch-apiserver');
    expect(lease.spec?.holderIdentity).toMatch(/^apiserver-/);
    for (const replica of [server, second]) {
      const watch = replica.client(admin).resource(configMaps).watch({ resourceVersion: made.metadata?.resourceVersion, signal: new AbortController().signal });
      await expect(watch[Symbol.asyncIterator]().next()).rejects.toMatchObject({ reason: 'Expired' });
      expect((await replica.client(admin).resource(configMaps).get('default', 'a')).data).toEqual({ n: '19' });
    }
    await second.close();
  });

  it('refuses to serve a log that went backwards, and says why', async () => {
    await server.client(admin).resource(configMaps).create({ metadata: { name: 'a', namespace: 'default' } });
    expect(server.core.notReady()).toEqual([]);
    server.streams.objects.recreate();
    await server.clock.advance(minuteMs);
    expect(server.core.notReady()).toEqual([expect.stringContaining('the objects log is not served: ')]);
    const client = server.client(admin).resource(configMaps);
    await expect(client.get('default', 'a', { resourceVersion: '0' })).rejects.toMatchObject({ reason: 'Unavailable', message: expect.stringContaining('the objects log is not served') });
    await expect(client.create({ metadata: { name: 'b', namespace: 'default' } })).rejects.toBeDefined();
  });

  it('ends its watches when it stops, and takes no new ones', async () => {
    const watch = server.client(admin).resource(configMaps).watch({ sendInitialEvents: true, signal: new AbortController().signal });
    const types: string[] = [];
    const reading = (async () => {
      for await (const { type } of watch) types.push(type);
    })();
    await settle();
    server.core.drain();
    await reading;
    expect(types).toEqual(['BOOKMARK', 'BOOKMARK']);
    expect(server.core.notReady()).toEqual(['shutting down']);
    const late = server.client(admin).resource(configMaps).watch({ signal: new AbortController().signal });
    await expect(late[Symbol.asyncIterator]().next()).rejects.toMatchObject({ reason: 'Unavailable' });
  });

  it('a second replica that starts later finds what every cluster has, and makes nothing twice', async () => {
    const before = await server.core.kinds.get('', 'namespaces').feed.log.barrier();
    const second = start(server);
    await second.ready;
    const all = await second.client(admin).resource(configMaps).list();
    expect(all.items).toEqual([]);
    expect([...second.core.kinds.get('', 'namespaces').cache.snapshot().values()].every(({ sequence }) => sequence < before)).toBe(true);
    await second.close();
  });
});

describe('the trace of a write', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  beforeAll(() => {
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => {
    trace.disable();
    context.disable();
  });

  it('is apiserver.request under the caller’s span, with store.publish inside, and the log entry carries it', async () => {
    const server = start();
    await server.ready;
    exporter.reset();
    const caller = trace.getTracer('test').startSpan('caller');
    const client = server.client(admin).resource(pods);
    const pod = await context.with(trace.setSpan(context.active(), caller), () =>
      client.create({ metadata: { name: 'traced', namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'busybox', env: [{ name: 'PASSWORD', value: 'hunter2' }] }] } }));
    caller.end();
    await client.get('default', 'traced');
    const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === caller.spanContext().traceId);
    expect(spans.map(({ name }) => name)).toEqual(['store.publish', 'apiserver.request', 'caller']);
    const [publish, request] = spans;
    expect(request?.parentSpanContext?.spanId).toBe(caller.spanContext().spanId);
    expect(publish?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
    expect(request?.attributes).toMatchObject({ 'navarch.verb': 'create', 'navarch.resource': 'pods', 'k8s.namespace.name': 'default', 'k8s.pod.name': 'traced', 'k8s.pod.uid': pod.metadata?.uid });
    expect(JSON.stringify(spans.map(({ attributes, events: noted, status }) => ({ attributes, noted, status })))).not.toContain('hunter2');
    const traceId = caller.spanContext().traceId;
    expect(pod.metadata?.annotations?.['navarch.io/trace-id']).toBe(traceId);
    const stored = server.core.kinds.get('', 'pods').cache.get('default', 'traced');
    expect(stored?.traceparent).toBe(`00-${traceId}-${request?.spanContext().spanId}-01`);
    await server.close();
  });
});
