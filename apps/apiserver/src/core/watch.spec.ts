import { configMaps, pods, type Resource } from '@navarch/api';
import { hasReason } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import * as fc from 'fast-check';

import { admin, settle, startCore, type Harness } from '../testing/harness';

const cm = configMaps as unknown as Resource;
const po = pods as unknown as Resource;

const configMap = (name: string, labels?: Record<string, string>, data: Record<string, string> = {}) => ({ metadata: { name, namespace: 'default', ...(labels && { labels }) }, data });
const pod = (name: string, nodeName?: string): Pod => ({ metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'busybox' }], ...(nodeName && { nodeName }) } });

describe('the watch contract', () => {
  let cluster: Harness;

  beforeEach(async () => {
    cluster = await startCore();
  });
  afterEach(() => cluster.stop());

  const create = (name: string, labels?: Record<string, string>) => cluster.one({ verb: 'create', resource: cm, object: configMap(name, labels) });
  const update = (name: string, labels?: Record<string, string>, data?: Record<string, string>) => cluster.one({ verb: 'update', resource: cm, name, object: configMap(name, labels, data) });
  const remove = (name: string) => cluster.one({ verb: 'delete', resource: cm, name });

  it('shows every change once, in order, each with its own version', async () => {
    const { resourceVersion } = await cluster.list(cm);
    const watch = await cluster.watch(cm, { resourceVersion });
    const a = await create('a');
    const b = await create('b');
    const changed = await update('a', undefined, { n: '1' });
    const gone = await remove('b');
    await settle();
    expect(watch.seen()).toEqual([`ADDED a@${a.sequence}`, `ADDED b@${b.sequence}`, `MODIFIED a@${changed.sequence}`, `DELETED b@${gone.sequence}`]);
    await watch.stop();
  });

  it('a delete carries the version of the delete and the last state', async () => {
    const made = await create('a', { app: 'x' });
    const watch = await cluster.watch(cm, { resourceVersion: made.resourceVersion });
    await remove('a');
    await settle();
    const [item] = watch.items;
    expect(item?.type).toBe('DELETED');
    expect(item?.sequence).toBeGreaterThan(made.sequence);
    expect(item?.object.metadata).toMatchObject({ name: 'a', labels: { app: 'x' }, resourceVersion: String(item?.sequence) });
    await watch.stop();
  });

  it('without gaps or repeats: from any version, list plus watch equals the present state, whatever happened', async () => {
    const operation = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), what: fc.constantFrom('put', 'remove', 'begin') });
    await fc.assert(fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 25 }), async (operations) => {
      const follower: { watch: Awaited<ReturnType<Harness['watch']>>; state: Map<string, number> }[] = [];
      for (const [at, { name, what }] of operations.entries()) {
        if (what === 'begin') {
          const list = await cluster.list(cm, {}, 'default');
          const state = new Map(list.items.map((item) => [item.name, item.sequence]));
          follower.push({ state, watch: await cluster.watch(cm, { resourceVersion: list.resourceVersion }, { namespace: 'default' }) });
        } else if (what === 'remove') await remove(name).catch(ignoreMissing);
        else await create(name).catch(() => update(name, undefined, { at: String(at), run: String(cluster.clock.now()) + Math.floor(at) }));
      }
      await settle();
      const now = new Map((await cluster.list(cm, {}, 'default')).items.map((item) => [item.name, item.sequence]));
      for (const { watch, state } of follower) {
        const versions = watch.items.map(({ sequence }) => sequence);
        expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
        for (const { type, object, sequence } of watch.items) {
          if (type === 'DELETED') state.delete(object.name);
          else state.set(object.name, sequence);
        }
        expect(Object.fromEntries(state)).toEqual(Object.fromEntries(now));
        await watch.stop();
      }
    }), { numRuns: 40 });
  });

  it('is atomic with the list while writes are under way', async () => {
    const writes = Array.from({ length: 50 }, (_, n) => create(`w${n}`));
    const list = await cluster.list(cm, {}, 'default');
    const watch = await cluster.watch(cm, { resourceVersion: list.resourceVersion }, { namespace: 'default' });
    await Promise.all(writes);
    await settle();
    const names = [...list.items.map(({ name }) => name), ...watch.items.map(({ object }) => object.name)].sort();
    expect(names).toEqual(Array.from({ length: 50 }, (_, n) => `w${n}`).sort());
    await watch.stop();
  });

  it('resumes from any version in the window with exactly the changes after it', async () => {
    const made = [];
    for (let n = 0; n < 10; n++) made.push(await create(`r${n}`));
    for (const [at, { resourceVersion }] of made.entries()) {
      const watch = await cluster.watch(cm, { resourceVersion });
      await settle();
      expect(watch.items.map(({ object }) => object.name)).toEqual(made.slice(at + 1).map(({ name }) => name));
      await watch.stop();
    }
  });

  it('a version that the window no longer has is Expired, in Kubernetes’ words', async () => {
    const small = await startCore({ window: { keepMs: 0, minEvents: 2, maxEvents: 3 } });
    const first = await small.one({ verb: 'create', resource: cm, object: configMap('first') });
    for (let n = 0; n < 8; n++) await small.one({ verb: 'create', resource: cm, object: configMap(`n${n}`) });
    await expect(small.watch(cm, { resourceVersion: first.resourceVersion })).rejects.toMatchObject({ reason: 'Expired', code: 410, message: expect.stringMatching(/^too old resource version: \d+ \(\d+\)$/) });
    await small.stop();
  });

  it('a version below the compaction floor is Expired', async () => {
    const first = await create('a');
    const last = await update('a', undefined, { n: '1' });
    const compaction = cluster.logs.objects.compact(last.sequence);
    await cluster.clock.advance(120_000);
    await compaction;
    await settle();
    await expect(cluster.watch(cm, { resourceVersion: first.resourceVersion })).rejects.toMatchObject({ reason: 'Expired' });
    const later = await cluster.watch(cm, { resourceVersion: String(last.sequence) });
    await later.stop();
  });

  it('a version that does not exist yet is waited for, and then "Too large resource version"', async () => {
    const { resourceVersion } = await cluster.list(cm);
    const tooLarge = cluster.watch(cm, { resourceVersion: String(Number(resourceVersion) + 1_000) });
    const failure = expect(tooLarge).rejects.toMatchObject({ reason: 'Timeout', message: expect.stringContaining('Too large resource version: '), details: { retryAfterSeconds: 1 } });
    await cluster.clock.advance(3_000);
    await failure;
  });

  it('a version that is no number is a bad request', async () => {
    await expect(cluster.watch(cm, { resourceVersion: 'abc' })).rejects.toMatchObject({ reason: 'BadRequest' });
  });

  it('without a version begins with the present state, like version 0', async () => {
    await create('a');
    for (const resourceVersion of [undefined, '0']) {
      const watch = await cluster.watch(cm, { resourceVersion }, { namespace: 'default' });
      await create(`later-${resourceVersion ?? 'none'}`);
      await settle();
      expect(watch.items.map(({ type, object }) => `${type} ${object.name}`)).toEqual(expect.arrayContaining(['ADDED a', `ADDED later-${resourceVersion ?? 'none'}`]));
      await watch.stop();
    }
  });

  it('initial events stream the state and end with an annotated bookmark', async () => {
    await create('a');
    await create('b');
    const watch = await cluster.watch(cm, { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true }, { namespace: 'default' });
    await settle();
    expect(watch.items.map(({ type, object }) => `${type} ${object.name}`)).toEqual(['ADDED a', 'ADDED b', 'BOOKMARK ']);
    const end = watch.items[2];
    expect(end?.initialEventsEnd).toBe(true);
    expect(end?.object.metadata).toEqual({ resourceVersion: String(end?.sequence), annotations: { 'k8s.io/initial-events-end': 'true' } });
    const resumed = await cluster.watch(cm, { resourceVersion: String(end?.sequence) }, { namespace: 'default' });
    const c = await create('c');
    await settle();
    expect(resumed.seen()).toEqual([`ADDED c@${c.sequence}`]);
    expect(watch.items.at(-1)?.object.name).toBe('c');
    await Promise.all([watch.stop(), resumed.stop()]);
  });

  it('initial events carry the trace headers and the commit time of each object’s last write', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await cluster.one({ verb: 'create', resource: cm, object: configMap('traced'), traceparent });
    const watch = await cluster.watch(cm, { sendInitialEvents: true }, { namespace: 'default' });
    await settle();
    expect(watch.items[0]).toMatchObject({ traceparent: expect.stringContaining('0af7651916cd43dd8448eb211c80319c'), origin: expect.stringContaining('0af7651916cd43dd8448eb211c80319c'), commitTimeMs: cluster.clock.now() });
    await watch.stop();
  });

  it('bookmarks come periodically and at the end, only to those who asked for them', async () => {
    const { resourceVersion } = await cluster.list(cm);
    const asked = await cluster.watch(cm, { resourceVersion, allowWatchBookmarks: true, timeoutSeconds: 150 });
    const silent = await cluster.watch(cm, { resourceVersion, timeoutSeconds: 150 });
    await cluster.clock.advance(60_000);
    expect(asked.items.map(({ type }) => type)).toEqual(['BOOKMARK']);
    const other = await cluster.one({ verb: 'create', resource: po, object: pod('elsewhere') });
    await cluster.clock.advance(60_000);
    expect(asked.items[1]?.sequence).toBeGreaterThanOrEqual(other.sequence);
    await cluster.clock.advance(30_000);
    await Promise.all([asked.ended, silent.ended]);
    expect(asked.items).toHaveLength(3);
    expect(silent.items).toEqual([]);
  });

  it('a server that drains ends its watches with a bookmark', async () => {
    const { resourceVersion } = await cluster.list(cm);
    const watch = await cluster.watch(cm, { resourceVersion, allowWatchBookmarks: true });
    const made = await create('a');
    cluster.core.drain();
    await watch.ended;
    expect(watch.items.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']);
    expect(watch.items[1]?.sequence).toBeGreaterThanOrEqual(made.sequence);
  });

  describe('with selectors', () => {
    it('what stops matching is DELETED, what starts matching is ADDED, the rest is not shown', async () => {
      const { resourceVersion } = await cluster.list(cm);
      const watch = await cluster.watch(cm, { resourceVersion, labelSelector: 'app=x' });
      await create('other', { app: 'y' });
      const first = await create('a', { app: 'x' });
      const changed = await update('a', { app: 'x' }, { n: '1' });
      const left = await update('a', { app: 'y' }, { n: '1' });
      await update('a', { app: 'z' }, { n: '1' });
      const back = await update('a', { app: 'x' }, { n: '2' });
      const gone = await remove('a');
      await settle();
      expect(watch.seen()).toEqual([`ADDED a@${first.sequence}`, `MODIFIED a@${changed.sequence}`, `DELETED a@${left.sequence}`, `ADDED a@${back.sequence}`, `DELETED a@${gone.sequence}`]);
      // The state that last matched, under the version of the change that ended it.
      expect(watch.items[2]?.object.metadata).toMatchObject({ labels: { app: 'x' }, resourceVersion: String(left.sequence) });
      await watch.stop();
    });

    it('resuming keeps the same semantics', async () => {
      const start = await create('a', { app: 'x' });
      const left = await update('a', { app: 'y' });
      const watch = await cluster.watch(cm, { resourceVersion: start.resourceVersion, labelSelector: 'app=x' });
      await settle();
      expect(watch.seen()).toEqual([`DELETED a@${left.sequence}`]);
      await watch.stop();
    });

    it('a field selector follows a pod onto its node, and its index finds it', async () => {
      const { resourceVersion } = await cluster.list(po);
      const watch = await cluster.watch(po, { resourceVersion, fieldSelector: 'spec.nodeName=node-a' });
      await cluster.one({ verb: 'create', resource: po, object: pod('p') });
      await cluster.one({ verb: 'create', resource: po, object: pod('q') });
      for (const [name, node] of [['p', 'node-a'], ['q', 'node-b']] as const) {
        await cluster.ask({ verb: 'create', resource: po, name, subresource: 'binding', object: { metadata: { name }, target: { kind: 'Node', name: node } } as never });
      }
      await settle();
      expect(watch.items.map(({ type, object }) => `${type} ${object.name}`)).toEqual(['ADDED p']);
      expect((await cluster.list(po, { fieldSelector: 'spec.nodeName=node-b' })).items.map(({ name }) => name)).toEqual(['q']);
      await watch.stop();
    });

    it('a watch by name and by namespace sees only that', async () => {
      const { resourceVersion } = await cluster.list(cm);
      const byName = await cluster.watch(cm, { resourceVersion, fieldSelector: 'metadata.name=a' });
      const elsewhere = await cluster.watch(cm, { resourceVersion }, { namespace: 'kube-system' });
      await create('a');
      await create('b');
      await settle();
      expect(byName.items.map(({ object }) => object.name)).toEqual(['a']);
      expect(elsewhere.items).toEqual([]);
      await Promise.all([byName.stop(), elsewhere.stop()]);
    });

    it('a field that the kind does not offer is a bad request', async () => {
      await expect(cluster.watch(cm, { fieldSelector: 'spec.nodeName=a' })).rejects.toMatchObject({ reason: 'BadRequest', message: expect.stringContaining('field label not supported') });
    });
  });

  it('all watchers of a change share one item, so that it is encoded once', async () => {
    const { resourceVersion } = await cluster.list(cm);
    const watches = await Promise.all([cluster.watch(cm, { resourceVersion }), cluster.watch(cm, { resourceVersion }, { namespace: 'default' })]);
    await create('a');
    await settle();
    expect(watches[0].items[0]).toBe(watches[1].items[0]);
    await Promise.all(watches.map((watch) => watch.stop()));
  });

  it('a slow watcher is cut off and never waited for, the others see everything', async () => {
    const tight = await startCore({ watchQueueCapacity: 4 });
    const { resourceVersion } = await tight.list(cm);
    const quick = await tight.watch(cm, { resourceVersion });
    const stopping = new AbortController();
    const slow = await tight.ask({ verb: 'watch', resource: cm, options: { resourceVersion }, signal: stopping.signal });
    if (slow.type !== 'watch') throw new Error('no watch');
    for (let n = 0; n < 6; n++) await tight.one({ verb: 'create', resource: cm, object: configMap(`c${n}`) });
    await settle();
    expect(slow.cutOff.aborted).toBe(true);
    const reader = slow.items[Symbol.asyncIterator]();
    await expect(reader.next()).rejects.toMatchObject({ reason: 'Unavailable' });
    expect(quick.items).toHaveLength(6);
    stopping.abort();
    await quick.stop();
    await tight.stop();
  });

  it('refuses option combinations that Kubernetes refuses', async () => {
    await expect(cluster.watch(cm, { resourceVersionMatch: 'NotOlderThan' })).rejects.toMatchObject({ reason: 'BadRequest' });
    await expect(cluster.watch(cm, { resourceVersionMatch: 'Exact', sendInitialEvents: true })).rejects.toMatchObject({ reason: 'BadRequest' });
  });

  it('a kind that leaves the registry takes its watches with it', async () => {
    const { resourceVersion } = await cluster.list(cm);
    const watch = await cluster.watch(cm, { resourceVersion });
    cluster.core.registry.remove({ group: '', version: 'v1', resource: 'configmaps' });
    await watch.ended;
    await expect(cluster.list(cm)).rejects.toMatchObject({ reason: 'NotFound', message: 'the server could not find the requested resource' });
  });

  it('a watch ends when its caller goes, and leaves nothing behind', async () => {
    const { cache } = cluster.core.kinds.get('', 'configmaps');
    const watch = await cluster.watch(cm, {}, { user: admin });
    expect(cache.watchers.size).toBe(1);
    await watch.stop();
    expect(cache.watchers.size).toBe(0);
  });
});

function ignoreMissing(error: unknown): void {
  if (!hasReason(error, 'NotFound')) throw error;
}
