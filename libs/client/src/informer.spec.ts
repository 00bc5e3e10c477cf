import { configMaps } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { ConfigMap } from '@navarch/proto/k8s/io/api/core/v1/core';

import { createInformer, waitForSync, type Informer, type InformerOptions } from './informer';
import { clientHarness, type ClientHarness } from './testing/harness';

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({ metadata: { namespace: 'default', name }, data });

describe('informer', () => {
  let harness: ClientHarness;
  let stop: AbortController;
  let changes: string[];

  beforeEach(() => {
    harness = clientHarness();
    stop = new AbortController();
    changes = [];
  });
  afterEach(() => stop.abort(new Error('test over')));

  const client = () => harness.api.client.resource(configMaps);
  const put = (name: string, data?: Record<string, string>) => client().create(configMap(name, data));
  const set = (name: string, data: Record<string, string>) => client().patch('default', name, 'application/merge-patch+json', { data });

  async function started(options: Partial<InformerOptions<ConfigMap>> = {}): Promise<Informer<ConfigMap>> {
    const { clock, random, logger } = harness;
    const informer = createInformer({ client: client(), resource: configMaps, clock, random, logger, ...options });
    informer.onChange(({ type, object, old, initial }) => changes.push(`${type} ${object.metadata?.name} ${old?.data?.['n'] ?? '-'}>${object.data?.['n'] ?? '-'}${initial ? ' initial' : ''}`));
    informer.start(stop.signal);
    await harness.settle();
    return informer;
  }

  it('is synced when it has all present objects, and follows what changes', async () => {
    await put('a', { n: '1' });
    const informer = await started();
    await informer.synced;
    expect([informer.hasSynced, informer.get('default', 'a')?.data, informer.list().length]).toEqual([true, { n: '1' }, 1]);
    await set('a', { n: '2' });
    await put('b');
    await client().delete('default', 'a');
    await harness.settle();
    expect(changes).toEqual(['ADDED a ->1 initial', 'MODIFIED a 1>2', 'ADDED b ->-', 'DELETED a 2>2']);
    expect(informer.list().map(({ metadata }) => metadata?.name)).toEqual(['b']);
  });

  it('answers by namespace and index', async () => {
    await put('a', { colour: 'red' });
    await put('b', { colour: 'blue' });
    const informer = await started({ indexes: { colour: ({ data }) => [data?.['colour'] ?? ''] } });
    expect(informer.by('colour', 'red').map(({ metadata }) => metadata?.name)).toEqual(['a']);
    expect([informer.list('default').length, informer.list('other').length]).toEqual([2, 0]);
  });

  it('keeps the trace headers and commit time with each object', async () => {
    const write = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const informer = await started();
    harness.api.writeWith({ traceparent: write });
    await put('a');
    await harness.settle();
    expect(informer.headers('default', 'a')).toEqual({ traceparent: write, origin: write, commitTimeMs: harness.clock.now() });
    expect(informer.headers('default', 'absent')).toBeUndefined();
  });

  it('resumes after the server ended the watch: nothing twice, nothing missed', async () => {
    await put('a', { n: '1' });
    const informer = await started();
    harness.api.cutWatches();
    await set('a', { n: '2' });
    await put('b');
    await harness.clock.advance(1_000);
    expect(changes).toEqual(['ADDED a ->1 initial', 'MODIFIED a 1>2', 'ADDED b ->-']);
    expect(informer.list()).toHaveLength(2);
  });

  it('relists when its version expired, makes up what it missed and tells nothing that did not change', async () => {
    await put('same', { n: '1' });
    await put('changed', { n: '1' });
    await put('gone', { n: '1' });
    await put('again', { n: '1' });
    await started();
    changes.length = 0;
    harness.api.cutWatches();
    await set('changed', { n: '2' });
    await client().delete('default', 'gone');
    await client().delete('default', 'again');
    await put('again', { n: '9' });
    await put('new');
    harness.api.expireHistory();
    await harness.clock.advance(5_000);
    expect([...changes].sort()).toEqual(['ADDED again ->9 initial', 'ADDED new ->- initial', 'DELETED again 1>1 initial', 'DELETED gone 1>1 initial', 'MODIFIED changed 1>2 initial']);
  });

  it('a watch that breaks off in the middle of its initial events makes up no delete, and the next one starts over', async () => {
    await put('a', { n: '1' });
    await put('b', { n: '1' });
    const real = client();
    let breaking = false;
    const informer = await started({
      client: {
        ...bound(real),
        async *watch(options) {
          for await (const event of real.watch(options)) {
            if (breaking && event.object.metadata?.name === 'b') throw new ApiError('Unavailable', 'broke off');
            yield event;
          }
        },
      },
    });
    changes.length = 0;
    breaking = true;
    harness.api.cutWatches(new ApiError('Expired', 'too old'));
    await set('b', { n: '2' });
    harness.api.expireHistory();
    await harness.clock.advance(10_000);
    expect([changes, informer.list().length]).toEqual([[], 2]);
    breaking = false;
    await harness.clock.advance(10_000);
    expect([changes, informer.list().length]).toEqual([['MODIFIED b 1>2 initial'], 2]);
  });

  it('backs off while the server is away, longer each time and with jitter, and comes back', async () => {
    const tries: number[] = [];
    const real = client();
    let down = true;
    const informer = await started({
      client: {
        ...bound(real),
        watch: (options) => {
          tries.push(harness.clock.now());
          if (down) throw new ApiError('Unavailable', 'down');
          return real.watch(options);
        },
      },
    });
    await harness.clock.advance(120_000);
    const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    gaps.forEach((gap, index) => {
      const full = Math.min(30_000, 100 * 2 ** index);
      expect(gap).toBeGreaterThanOrEqual(full / 2);
      expect(gap).toBeLessThanOrEqual(full);
    });
    expect(gaps.length).toBeGreaterThan(8);
    expect(informer.hasSynced).toBe(false);
    down = false;
    await put('a');
    await harness.clock.advance(30_000);
    expect(informer.get('default', 'a')).toBeDefined();
  });

  it('a handler that throws is logged and stops nothing', async () => {
    const informer = await started();
    informer.onChange(() => {
      throw new Error('clumsy');
    });
    const later: string[] = [];
    informer.onChange(({ object }) => later.push(object.metadata?.name ?? ''));
    await put('a');
    await put('b');
    await harness.settle();
    expect([later, informer.list().length]).toEqual([['a', 'b'], 2]);
    expect(harness.logs.filter((line) => line === 'error: change handler failed: clumsy')).toHaveLength(2);
  });

  it('a handler that was stopped hears nothing more', async () => {
    const informer = await started();
    const heard: string[] = [];
    const stopHandler = informer.onChange(({ object }) => heard.push(object.metadata?.name ?? ''));
    await put('a');
    await harness.settle();
    stopHandler();
    await put('b');
    await harness.settle();
    expect(heard).toEqual(['a']);
  });

  it('waitFor resolves when the cache has the version, not before', async () => {
    const informer = await started();
    const resume = harness.api.pauseWatches();
    const written = await put('a');
    let seen = false;
    const waiting = informer.waitFor(written.metadata?.resourceVersion ?? '').then(() => (seen = true));
    await harness.settle();
    expect(seen).toBe(false);
    resume();
    await waiting;
    expect(informer.get('default', 'a')).toEqual(written);
  });

  it('waitFor is served by a relist as well', async () => {
    const informer = await started();
    harness.api.cutWatches();
    const written = await put('a');
    harness.api.expireHistory();
    const waiting = informer.waitFor(written.metadata?.resourceVersion ?? '');
    await harness.clock.advance(5_000);
    await waiting;
    expect(informer.get('default', 'a')).toEqual(written);
  });

  it('the cache sees only what its selectors select', async () => {
    await put('a');
    await put('b');
    const informer = await started({ fieldSelector: 'metadata.name=b' });
    expect(informer.list().map(({ metadata }) => metadata?.name)).toEqual(['b']);
  });

  it('stops when its signal aborts', async () => {
    const informer = await started();
    stop.abort(new Error('stop'));
    await put('a');
    await harness.clock.advance(60_000);
    expect([informer.list().length, harness.clock.pending]).toEqual([0, 0]);
  });

  it('starting it twice follows once', async () => {
    const informer = await started();
    informer.start(stop.signal);
    await put('a');
    await harness.settle();
    expect(changes).toEqual(['ADDED a ->-']);
  });

  it('waitForSync answers false when the signal aborts first', async () => {
    const { clock, random, logger } = harness;
    const informer = createInformer({ client: client(), resource: configMaps, clock, random, logger });
    const waiting = waitForSync([informer], stop.signal);
    stop.abort(new Error('stop'));
    expect(await waiting).toBe(false);
    expect(await waitForSync([informer], stop.signal)).toBe(false);
  });
});

/** A client's methods as own properties, so that one can be replaced. */
function bound<T extends object>(client: T): T {
  return new Proxy({} as T, {
    ownKeys: () => Object.getOwnPropertyNames(Object.getPrototypeOf(client)),
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    get: (_target, name) => {
      const value = Reflect.get(client, name) as unknown;
      return typeof value === 'function' ? (value.bind(client) as unknown) : value;
    },
  });
}
