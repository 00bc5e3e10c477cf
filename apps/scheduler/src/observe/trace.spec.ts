import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-base';

import { ApiError } from '@navarch/base';

import { node, pod } from '../testing/builders';
import { Harness } from '../testing/harness';

const exporter = new InMemorySpanExporter();
const traceId = '0af7651916cd43dd8448eb211c80319c';
const origin = `00-${traceId}-b7ad6b7169203331-01`;
let world: Harness;

beforeAll(() => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
beforeEach(() => {
  exporter.reset();
  world = new Harness();
});
afterEach(() => world.close());
afterAll(() => {
  trace.disable();
  context.disable();
});

/** Spans of the scheduler by name; each name's in the order they ended. */
function spans(): Record<string, ReadableSpan[]> {
  const byName: Record<string, ReadableSpan[]> = {};
  for (const span of exporter.getFinishedSpans()) if (span.name.startsWith('scheduler.')) (byName[span.name] ??= []).push(span);
  return byName;
}

async function submit(name: string, cpu = '100m'): Promise<void> {
  const { metadata: { uid: _uid, ...metadata } = {}, ...rest } = pod(name, { cpu });
  world.api.writeWith({ traceparent: origin, origin });
  await world.pods.create({ metadata, ...rest });
  world.api.writeWith({});
  await world.settle();
}

const startMs = (span: ReadableSpan | undefined): number => (span ? span.startTime[0] * 1e3 + span.startTime[1] / 1e6 : NaN);
const endMs = (span: ReadableSpan | undefined): number => (span ? span.endTime[0] * 1e3 + span.endTime[1] / 1e6 : NaN);

it('schedules within the trace of the write that asked for the pod: queue, filter, score and bind under one schedule span', async () => {
  await world.nodes.create(node('n1'));
  await world.nodes.create(node('n2'));
  await world.start();
  await submit('p');
  const found = spans();
  const [schedule] = found['scheduler.schedule'] ?? [];
  expect(Object.keys(found).sort()).toEqual(['scheduler.bind', 'scheduler.filter', 'scheduler.queue', 'scheduler.schedule', 'scheduler.score']);
  expect(schedule?.parentSpanContext).toMatchObject({ traceId, spanId: 'b7ad6b7169203331' });
  expect(schedule?.attributes).toMatchObject({ 'k8s.pod.name': 'p', 'k8s.namespace.name': 'default', 'navarch.scheduler.attempts': 1 });
  for (const name of ['scheduler.bind', 'scheduler.filter', 'scheduler.queue', 'scheduler.score']) {
    expect(found[name]?.[0]?.parentSpanContext?.spanId).toBe(schedule?.spanContext().spanId);
    expect(found[name]?.[0]?.spanContext().traceId).toBe(traceId);
  }
});

it('calls the API within the bind span, so that the bind request is its child', async () => {
  await world.nodes.create(node('n1'));
  let active: string | undefined;
  world.onBind = (_binding, pass) => {
    active = trace.getActiveSpan()?.spanContext().spanId;
    return pass();
  };
  await world.start();
  await submit('p');
  expect(active).toBe(spans()['scheduler.bind']?.[0]?.spanContext().spanId);
});

it('shows the wait in the queue from the commit of the write to the decision', async () => {
  await world.start();
  const committedMs = world.clock.now();
  await submit('p');
  await world.clock.advance(60_000);
  await world.nodes.create(node('n1'));
  await world.settle();
  const queue = spans()['scheduler.queue']?.at(-1);
  expect(startMs(queue)).toBeCloseTo(committedMs, -1);
  expect(endMs(queue) - startMs(queue)).toBeGreaterThanOrEqual(60_000);
});

it('does not lengthen a trace by retries: one span for the first refusal, one for the success, with the attempts counted', async () => {
  await world.nodes.create(node('small', { cpu: '1' }));
  await world.start();
  await submit('p', '2');
  await world.clock.advance(1_500_000);
  expect(world.attempts.length).toBeGreaterThan(4);
  expect(spans()['scheduler.schedule']).toHaveLength(1);
  expect(spans()['scheduler.schedule']?.[0]?.status).toEqual({ code: SpanStatusCode.ERROR, message: '0/1 nodes are available: 1 Insufficient cpu.' });
  await world.nodes.create(node('big'));
  await world.clock.advance(10_000);
  const [, placed, ...more] = spans()['scheduler.schedule'] ?? [];
  expect(more).toEqual([]);
  expect(placed?.attributes['navarch.scheduler.attempts']).toBe(world.attempts.length);
  expect(placed?.events.map(({ name, attributes }) => [name, attributes?.['message']])).toEqual([['attempt failed', '0/1 nodes are available: 1 Insufficient cpu.']]);
});

it('ends its spans in error when the bind is refused', async () => {
  await world.nodes.create(node('n1'));
  world.onBind = () => Promise.reject(new ApiError('Forbidden', 'not you'));
  await world.start();
  await submit('p');
  for (const name of ['scheduler.schedule', 'scheduler.bind']) expect(spans()[name]?.[0]?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'binding rejected: not you' });
});

it('finds the trace again after a restart: the headers come with the initial events', async () => {
  const first = await world.start();
  await submit('p');
  const closed = first.close();
  await world.clock.advance(1);
  await closed;
  exporter.reset();
  await world.nodes.create(node('n1'));
  await world.start();
  await world.settle();
  const schedule = spans()['scheduler.schedule']?.at(-1);
  expect(schedule?.spanContext().traceId).toBe(traceId);
  expect(schedule?.parentSpanContext?.spanId).toBe('b7ad6b7169203331');
});

it('writes conditions and events outside the pod’s trace', async () => {
  await world.start();
  const within: (string | undefined)[] = [];
  const { updateStatus } = world.pods;
  world.pods.updateStatus = (...args) => {
    within.push(trace.getActiveSpan()?.spanContext().traceId);
    return updateStatus.apply(world.pods, args);
  };
  await submit('p');
  expect(within).toEqual([undefined]);
});
