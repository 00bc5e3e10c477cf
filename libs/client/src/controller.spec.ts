import { configMaps } from '@navarch/api';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ApiError } from '@navarch/base';
import type { ConfigMap } from '@navarch/proto/k8s/io/api/core/v1/core';

import { startController, TerminalError, watching, type Controller, type ControllerOptions, type ReconcileRecord } from './controller';
import { createInformer, type Informer } from './informer';
import { clientHarness, type ClientHarness } from './testing/harness';

const traceparent = (n: number): string => `00-${String(n).padStart(32, '0')}-${String(n).padStart(16, '0')}-01`;
const traceId = (n: number): string => String(n).padStart(32, '0');

describe('controller runtime', () => {
  let harness: ClientHarness;
  let stop: AbortController;
  let informer: Informer<ConfigMap>;
  let reconciled: string[];
  let records: ReconcileRecord[];

  beforeEach(() => {
    harness = clientHarness();
    stop = new AbortController();
    reconciled = [];
    records = [];
    const { clock, random, logger, api } = harness;
    informer = createInformer({ client: api.client.resource(configMaps), resource: configMaps, clock, random, logger });
  });
  afterEach(() => stop.abort(new Error('test over')));

  const client = () => harness.api.client.resource(configMaps);
  const put = (name: string) => client().create({ metadata: { namespace: 'default', name } });
  const set = (name: string, n: string) => client().patch('default', name, 'application/merge-patch+json', { data: { n } });

  function start(options: Partial<ControllerOptions> = {}): Controller {
    const { clock, random, logger } = harness;
    const controller = startController({
      name: 'test', clock, random, logger, signal: stop.signal,
      watches: [watching(informer, { keys: ({ metadata }) => [{ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }] })],
      reconcile: async ({ name }) => void reconciled.push(name),
      observe: (record) => records.push(record),
      ...options,
    });
    informer.start(stop.signal);
    return controller;
  }

  it('reconciles nothing before its caches are synced, then every present object', async () => {
    await put('a');
    await put('b');
    const { clock, random, logger } = harness;
    const never = createInformer({ client: client(), resource: configMaps, clock, random, logger });
    start({ watches: [watching(informer, { keys: ({ metadata }) => [{ namespace: '', name: metadata?.name ?? '' }] }), watching(never, { keys: () => [] })] });
    await clock.advance(10_000);
    expect(reconciled).toEqual([]);
    never.start(stop.signal);
    await harness.settle();
    expect(reconciled).toEqual(['a', 'b']);
  });

  it('many changes of one object while it is being reconciled make one more reconcile', async () => {
    await put('a');
    let release = (): void => undefined;
    start({
      reconcile: async ({ name }) => {
        reconciled.push(name);
        if (reconciled.length === 1) await new Promise<void>((resolve) => (release = resolve));
      },
    });
    await harness.settle();
    for (const n of ['1', '2', '3']) await set('a', n);
    await harness.settle();
    expect(reconciled).toEqual(['a']);
    release();
    await harness.settle();
    expect(reconciled).toEqual(['a', 'a']);
  });

  it('concurrency gives several keys at once, never one key twice', async () => {
    const inHand = new Map<string, number>();
    let most = 0;
    start({
      concurrency: 3,
      reconcile: async ({ name }) => {
        inHand.set(name, (inHand.get(name) ?? 0) + 1);
        expect(inHand.get(name)).toBe(1);
        most = Math.max(most, [...inHand.values()].filter((count) => count > 0).length);
        await new Promise<void>((resolve) => harness.clock.setTimer(10, resolve));
        inHand.set(name, 0);
      },
    });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await put(name);
    await harness.settle();
    for (const name of ['a', 'b']) await set(name, '1');
    await harness.clock.advance(1_000);
    expect([most, records.length, records.every(({ outcome }) => outcome === 'done')]).toEqual([3, 7, true]);
  });

  it('a change concerns the keys of the old and the new state', async () => {
    await put('a');
    start({ watches: [watching(informer, { keys: ({ data }) => [{ namespace: '', name: data?.['n'] ?? 'none' }] })] });
    await harness.settle();
    reconciled.length = 0;
    await set('a', '1');
    await harness.settle();
    expect([...reconciled].sort()).toEqual(['1', 'none']);
  });

  it('what throws is tried again with growing delays, whatever it threw, and starts anew after success', async () => {
    await put('a');
    const at: number[] = [];
    let failures = 6;
    start({
      reconcile: async () => {
        at.push(harness.clock.now());
        if (failures-- > 0) throw failures % 2 ? new ApiError('Unavailable', 'down') : new TypeError('x is not a function');
      },
    });
    await harness.clock.advance(60_000);
    expect(records.map(({ outcome }) => outcome)).toEqual(['failed', 'panicked', 'failed', 'panicked', 'failed', 'panicked', 'done']);
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    gaps.forEach((gap, index) => expect(gap).toBeGreaterThanOrEqual(5 * 2 ** index * 0.8 - 1e-6));
    expect(harness.logs).toContain('error: reconcile panicked: x is not a function');
    expect(harness.logs).toContain('warn: reconcile failed: down');
  });

  it('a reconcile that throws at once, not by its promise, is contained as well', async () => {
    await put('a');
    await put('b');
    start({
      reconcile: ({ name }) => {
        if (name === 'a') throw new Error('at once');
        reconciled.push(name);
        return Promise.resolve();
      },
    });
    await harness.settle();
    expect(reconciled).toEqual(['b']);
  });

  it('TerminalError is counted and not tried again until the object changes', async () => {
    await put('a');
    start({
      reconcile: async () => {
        throw new TerminalError('no use');
      },
    });
    await harness.clock.advance(600_000);
    expect(records.map(({ outcome }) => outcome)).toEqual(['terminal']);
    await set('a', '1');
    await harness.settle();
    expect(records).toHaveLength(2);
  });

  it('requeueAfterMs looks again at that time without counting as a failure', async () => {
    await put('a');
    start({
      reconcile: async ({ name }) => {
        reconciled.push(name);
        return { requeueAfterMs: 1_000 };
      },
    });
    await harness.clock.advance(999);
    expect(reconciled).toHaveLength(1);
    await harness.clock.advance(1);
    expect(reconciled).toHaveLength(2);
    expect(records[0]).toMatchObject({ controller: 'test', outcome: 'requeued' });
  });

  it('enqueue brings a key from outside, now or later', async () => {
    const controller = start();
    await harness.settle();
    controller.enqueue({ namespace: '', name: 'now' });
    controller.enqueue({ namespace: '', name: 'later' }, 500);
    await harness.settle();
    expect(reconciled).toEqual(['now']);
    await harness.clock.advance(500);
    expect(reconciled).toEqual(['now', 'later']);
  });

  it('wrote waits until the informer has seen the write, so that the next reconcile reads it', async () => {
    await put('a');
    const seen: (string | undefined)[] = [];
    start({
      reconcile: async ({ namespace, name }, { wrote }) => {
        const n = informer.get(namespace, name)?.data?.['n'];
        seen.push(n);
        if (n !== undefined) return;
        const resume = harness.api.pauseWatches();
        harness.clock.setTimer(3_000, resume);
        await wrote(informer, await set(name, '1'));
      },
    });
    await harness.clock.advance(2_999);
    expect(seen).toEqual([undefined]);
    await harness.clock.advance(10);
    expect(seen).toEqual([undefined, '1']);
  });

  it('a write that the informer never sees ends in a retry, not in a hanging worker', async () => {
    await put('a');
    harness.clock.setTimer(20_000, () => stop.abort(new Error('enough')));
    start({
      reconcile: async ({ name }, { wrote }) => {
        harness.api.pauseWatches();
        await wrote(informer, await set(name, '1'));
      },
    });
    await harness.clock.advance(10_001);
    expect(records.map(({ outcome }) => outcome)).toEqual(['failed']);
    expect(harness.logs.find((line) => line.startsWith('warn: reconcile failed'))).toContain('has not seen version');
  });

  it('a full queue loses nothing: everything is read again once there is room', async () => {
    const gate: { open?: () => void } = {};
    start({
      queueCapacity: 4,
      reconcile: async ({ name }) => {
        if (!gate.open) await new Promise<void>((resolve) => (gate.open = resolve));
        reconciled.push(name);
      },
    });
    await harness.settle();
    const names = Array.from({ length: 12 }, (_, n) => `c${n}`);
    for (const name of names) await put(name);
    await harness.settle();
    expect(harness.logs).toContain('error: queue is full, will read everything again');
    gate.open?.();
    await harness.settle();
    expect([...new Set(reconciled)].sort()).toEqual([...names].sort());
  });

  it('when told to stop it ends the reconcile under way, drops the rest and is done', async () => {
    await put('a');
    await put('b');
    const controller = start({
      reconcile: async ({ name }, { signal }) => {
        reconciled.push(name);
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      },
    });
    await harness.settle();
    stop.abort(new Error('stop'));
    await controller.done;
    expect([reconciled, harness.clock.pending, harness.logs.filter((line) => line.includes('failed'))]).toEqual([['a'], 0, []]);
  });

  it('a metrics hook that throws harms nothing', async () => {
    await put('a');
    start({
      observe: () => {
        throw new Error('metrics');
      },
    });
    await harness.settle();
    expect(reconciled).toEqual(['a']);
  });

  describe('trace', () => {
    const exporter = new InMemorySpanExporter();
    beforeAll(() => {
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
      trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    });
    afterAll(() => {
      trace.disable();
      context.disable();
      propagation.disable();
    });
    beforeEach(() => exporter.reset());

    const spans = () => exporter.getFinishedSpans().filter(({ name }) => name === 'controller.reconcile');

    it('a reconcile is a child of the origin of the first event that woke it and links to those of further ones', async () => {
      const hold: { release?: () => void } = {};
      start({
        reconcile: async ({ name }) => {
          reconciled.push(`${name} in ${trace.getActiveSpan()?.spanContext().traceId}`);
          if (name === 'first') await new Promise<void>((resolve) => (hold.release = resolve));
        },
        watches: [watching(informer, { keys: ({ metadata }) => [{ namespace: '', name: metadata?.name === 'first' ? 'first' : 'rest' }] })],
      });
      await harness.settle();
      for (const [name, n] of [['first', 1], ['b', 2], ['c', 3], ['d', 4]] as const) {
        harness.api.writeWith({ traceparent: traceparent(n) });
        await put(name);
        await harness.settle();
      }
      hold.release?.();
      await harness.settle();
      expect(reconciled).toEqual([`first in ${traceId(1)}`, `rest in ${traceId(2)}`]);
      const [first, rest] = spans();
      expect([first?.parentSpanContext?.spanId, rest?.parentSpanContext?.spanId]).toEqual([traceparent(1).slice(36, 52), traceparent(2).slice(36, 52)]);
      expect(rest?.links.map(({ context: { traceId: id } }) => id)).toEqual([traceId(3), traceId(4)]);
      expect(first?.attributes).toMatchObject({ 'navarch.controller': 'test', 'navarch.outcome': 'done' });
    });

    it('retries and timers do not extend a trace', async () => {
      start({
        reconcile: async () => {
          reconciled.push(trace.getActiveSpan()?.spanContext().traceId ?? 'none');
          if (reconciled.length === 1) throw new ApiError('Unavailable', 'down');
          return reconciled.length < 4 ? { requeueAfterMs: 10 } : {};
        },
      });
      await harness.settle();
      harness.api.writeWith({ traceparent: traceparent(1) });
      await put('a');
      await harness.clock.advance(1_000);
      expect(reconciled).toEqual([traceId(1), 'none', 'none', 'none']);
      expect(spans()).toHaveLength(1);
      expect(spans()[0]?.attributes).toMatchObject({ 'navarch.outcome': 'failed' });
    });

    it('a restarted controller finds the context of an object whose create nobody has answered', async () => {
      harness.api.writeWith({ traceparent: traceparent(7) });
      await put('a');
      start();
      await harness.settle();
      expect(spans().map((span) => span.spanContext().traceId)).toEqual([traceId(7)]);
    });
  });
});
