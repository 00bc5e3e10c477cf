import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';

import { configMaps, deployments, pods, type ApiObject } from '@navarch/api';
import type { PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ControllerCluster } from '../testing/cluster';

const labels = { app: 'web' };

describe('One trace', () => {
  const exporter = new InMemorySpanExporter();
  let cluster: ControllerCluster;
  /** Trace of each write of a pod's create. */
  let podTraces: Map<string, string>;
  let stop: AbortController;
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  });
  afterAll(() => {
    trace.disable();
    context.disable();
  });
  beforeEach(async () => {
    exporter.reset();
    podTraces = new Map();
    cluster = new ControllerCluster();
    await cluster.start();
    stop = new AbortController();
    void follow(cluster, podTraces, stop.signal);
    await cluster.settle();
  });
  afterEach(() => {
    stop.abort();
    return cluster.close();
  });

  const follow = async (each: ControllerCluster, traces: Map<string, string>, signal: AbortSignal): Promise<void> => {
    for await (const event of each.api.client.resource(pods).watch({ signal, sendInitialEvents: true })) {
      if (event.type === 'ADDED') traces.set(event.object.metadata?.name ?? '', event.traceparent?.slice(3, 35) ?? 'none');
    }
  };
  /** As kubectl's request would: a write under a span of its own. Answers its trace. */
  const request = async <T extends ApiObject>(write: () => Promise<T>): Promise<string> => {
    const span = trace.getTracer('test').startSpan('kubectl', {}, ROOT_CONTEXT);
    await context.with(trace.setSpan(ROOT_CONTEXT, span), write);
    span.end();
    await cluster.clock.advance(10_000);
    return span.spanContext().traceId;
  };
  const create = (replicas: number, spec: PodSpec = { containers: [{ name: 'main', image: 'web:1' }] }, annotations = {}) => () => cluster.api.client.resource(deployments).create({
    metadata: { namespace: 'default', name: 'web', annotations }, spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  });
  const spansOf = (traceId: string): ReadableSpan[] => exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  const reconciles = (traceId: string): unknown[] => spansOf(traceId).filter(({ name }) => name === 'controller.reconcile').map(({ attributes }) => attributes['navarch.controller']);

  it('from the request over the Deployment’s and the ReplicaSet’s reconcile to the pods’ create is one trace', async () => {
    const traceId = await request(create(3));
    expect([...podTraces.values()]).toEqual([traceId, traceId, traceId]);
    expect(reconciles(traceId)).toEqual(expect.arrayContaining(['deployment', 'replicaset']));
    const [root] = spansOf(traceId).filter(({ name }) => name === 'kubectl');
    const deployed = spansOf(traceId).find(({ attributes }) => attributes['navarch.controller'] === 'deployment');
    const replicated = spansOf(traceId).find(({ attributes }) => attributes['navarch.controller'] === 'replicaset');
    expect(deployed?.parentSpanContext?.spanId).toBe(root?.spanContext().spanId);
    expect(replicated?.parentSpanContext?.spanId).toBe(deployed?.spanContext().spanId);
  });

  it('every step of a rolling update belongs to the request that began it', async () => {
    await cluster.runPods(() => ({ readyAfterMs: 500 }));
    await request(create(4));
    const old = new Set(podTraces.keys());
    const traceId = await request(async () => {
      const client = cluster.api.client.resource(deployments);
      const next = structuredClone(await client.get('default', 'web'));
      Object.assign(next.spec?.template?.spec?.containers?.[0] ?? {}, { image: 'web:2' });
      return client.update(next);
    });
    const made = [...podTraces].filter(([name]) => !old.has(name));
    expect(made).toHaveLength(4);
    expect(made.map(([, each]) => each)).toEqual([traceId, traceId, traceId, traceId]);
  });

  it('more than 50 pods of one request: each has a trace of its own, linked to the request’s', async () => {
    const traceId = await request(create(51));
    const traces = [...podTraces.values()];
    expect(traces).toHaveLength(51);
    expect(new Set(traces).size).toBe(51);
    expect(traces).not.toContain(traceId);
    const spans = exporter.getFinishedSpans().filter(({ name }) => name === 'controller.create-pod');
    expect(spans).toHaveLength(51);
    expect(spans.every(({ links }) => links.map((link) => link.context.traceId).join() === traceId)).toBe(true);
  });

  it('fifty pods still share their request’s trace', async () => {
    const traceId = await request(create(50));
    expect(new Set(podTraces.values())).toEqual(new Set([traceId]));
  });

  it('after it is done, what pods report extends no trace: a pod that is replaced later begins one', async () => {
    const runner = await cluster.runPods();
    const traceId = await request(create(2));
    const [name = ''] = podTraces.keys();
    const before = spansOf(traceId).length;
    await runner.setReady('default', name, false);
    await runner.setReady('default', name, true);
    await cluster.clock.advance(10_000);
    expect(spansOf(traceId)).toHaveLength(before);
  });

  it('a rollout that a change of configuration brings belongs to the trace of that change, also after the quiet time', async () => {
    const config = cluster.api.client.resource(configMaps);
    await config.create({ metadata: { namespace: 'default', name: 'app' }, data: { colour: 'blue' } });
    const spec: PodSpec = { containers: [{ name: 'main', image: 'web:1', envFrom: [{ configMapRef: { localObjectReference: { name: 'app' } } }] }] };
    await request(create(1, spec, { 'navarch.io/rollout-on-config-change': 'true' }));
    const old = new Set(podTraces.keys());
    const traceId = await request(() => config.update({ metadata: { namespace: 'default', name: 'app' }, data: { colour: 'green' } }));
    expect([...podTraces].filter(([name]) => !old.has(name)).map(([, each]) => each)).toEqual([traceId]);
  });
});
