import { pods } from '@navarch/api';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';

import { createRig, isReadyPod, testImage, waitsFor, type Rig } from './testing/rig';

const exporter = new InMemorySpanExporter();
const traceId = '0af7651916cd43dd8448eb211c80319c';
const origin = `00-${traceId}-b7ad6b7169203331-01`;
let rig: Rig;

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
});
beforeEach(() => exporter.reset());
afterEach(() => rig.close());

const kubeletSpans = (): ReadableSpan[] => exporter.getFinishedSpans().filter(({ name }) => name.startsWith('kubelet.'));
const ms = ([seconds, nanos]: [number, number]): number => seconds * 1000 + nanos / 1e6;

async function startPod(): Promise<void> {
  rig.api.writeWith({ traceparent: origin });
  await rig.createPod({ containers: [{ name: 'main', image: testImage }] });
  // Status writes come with contexts of their own, and are nobody's parent.
  rig.api.writeWith({ traceparent: `00-${traceId}-00000000000000aa-01` });
}

describe('the kubelet\'s part of a pod\'s trace', () => {
  it('is one tree under the origin of the binding: receive, sandbox, image, create, start, ready', async () => {
    rig = await createRig({ behaviour: { fault: ({ name }) => ({ runPodSandbox: { delayMs: 70 }, createContainer: { delayMs: 7 }, startContainer: { delayMs: 40 } } as Record<string, { delayMs: number }>)[name] } });
    await startPod();
    await rig.until(isReadyPod);
    const spans = kubeletSpans();
    const root = spans.find(({ name }) => name === 'kubelet.start-pod');
    expect(root?.parentSpanContext).toMatchObject({ traceId, spanId: 'b7ad6b7169203331' });
    expect(spans.filter((span) => span !== root).map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId])).toEqual(
      ['kubelet.receive', 'kubelet.sandbox', 'kubelet.image', 'kubelet.create', 'kubelet.start', 'kubelet.ready'].map((name) => [name, root?.spanContext().spanId]),
    );
    expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));
    const lengthOf = (name: string): number => { const span = spans.find((entry) => entry.name === name); return span ? ms(span.endTime) - ms(span.startTime) : NaN; };
    expect([lengthOf('kubelet.sandbox'), lengthOf('kubelet.create'), lengthOf('kubelet.start')].map(Math.round)).toEqual([70, 7, 40]);
    expect(Math.round(lengthOf('kubelet.start-pod'))).toBe(117);
    expect(spans.find(({ name }) => name === 'kubelet.start')?.attributes).toMatchObject({ 'k8s.pod.name': 'web', 'k8s.namespace.name': 'default', 'k8s.node.name': 'node-1', 'k8s.container.name': 'main' });
  });

  it('ends at the first Ready: restarts, resyncs and a restarted kubelet add nothing', async () => {
    let runs = 0;
    rig = await createRig({ behaviour: { plan: () => (runs++ === 0 ? { exitAfterMs: 2_000 } : {}) } });
    await startPod();
    await rig.until(isReadyPod);
    const before = kubeletSpans().length;
    await rig.until((pod) => pod.status?.containerStatuses?.[0]?.restartCount === 1);
    await rig.restartKubelet();
    await rig.clock.advance(30_000);
    expect(kubeletSpans()).toHaveLength(before);
  });

  it('goes on under the same origin when the kubelet was restarted before the container was started', async () => {
    let ready = false;
    rig = await createRig({ images: [], behaviour: { pullable: () => ready } });
    await startPod();
    await rig.until(waitsFor('ImagePullBackOff'));
    ready = true;
    await rig.restartKubelet();
    await rig.until(isReadyPod);
    const roots = kubeletSpans().filter(({ name }) => name === 'kubelet.start-pod');
    expect(roots.map(({ parentSpanContext }) => [parentSpanContext?.traceId, parentSpanContext?.spanId])).toEqual([[traceId, 'b7ad6b7169203331'], [traceId, 'b7ad6b7169203331']]);
    const ids = new Set(exporter.getFinishedSpans().map((span) => span.spanContext().spanId));
    const orphans = kubeletSpans().filter(({ parentSpanContext }) => parentSpanContext && parentSpanContext.spanId !== 'b7ad6b7169203331' && !ids.has(parentSpanContext.spanId));
    expect(orphans).toEqual([]);
  });

  it('ends with an error where the pod is deleted before it was ready', async () => {
    rig = await createRig({ images: [], behaviour: { pullable: () => false } });
    await startPod();
    await rig.until(waitsFor('ErrImagePull'));
    await rig.api.client.resource(pods).delete('default', 'web');
    await rig.untilGone();
    expect(kubeletSpans().find(({ name }) => name === 'kubelet.start-pod')?.status).toMatchObject({ code: 2, message: 'pod ended before it was ready' });
  });
});
