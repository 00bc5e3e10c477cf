import { configMaps, namespaces, nodes, pods, type ApiObject } from '@navarch/api';
import type { Resource } from '@navarch/api';
import { hasReason, isApiError, type ErrorReason } from '@navarch/base';
import type { ConfigMap, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ApiClient, WatchEvent, WatchOptions } from '../api-client';
import { compareVersions } from '../version-waiters';

export interface ApiClientUnderTest {
  readonly client: ApiClient;
  close(): Promise<void>;
  /** Makes every version before now unreadable, as compaction does. */
  expireHistory(): Promise<void>;
  /** False where the wire has no place for them (Kubernetes' REST dialect). */
  readonly tellsCommitTimes?: boolean;
}

/** What every ApiClient keeps, whether it speaks gRPC, runs in the apiserver's process or is a fake. */
export function apiClientContract(name: string, makeClient: () => Promise<ApiClientUnderTest>): void {
  describe(`${name} keeps the contract of ApiClient`, () => {
    let subject: ApiClientUnderTest;
    let client: ApiClient;
    let namespace: string;
    let counter = 0;

    beforeAll(async () => {
      subject = await makeClient();
      client = subject.client;
    });
    afterAll(() => subject.close());
    beforeEach(async () => {
      namespace = `contract-${++counter}`;
      await client.resource(namespaces).create({ metadata: { name: namespace } });
    });

    const configMap = (objectName: string, data: Record<string, string> = {}, labels?: Record<string, string>): ConfigMap => ({
      metadata: { namespace, name: objectName, ...(labels && { labels }) }, data,
    });
    const pod = (objectName: string): Pod => ({
      metadata: { namespace, name: objectName }, spec: { containers: [{ name: 'main', image: 'busybox' }] },
    });
    const createConfigMap = (objectName: string, data?: Record<string, string>, labels?: Record<string, string>): Promise<ConfigMap> =>
      client.resource(configMaps).create(configMap(objectName, data, labels));

    describe('create and get', () => {
      it('create answers the stored object with uid, version and creation time, and get answers the same', async () => {
        const created = await createConfigMap('a', { key: 'value' });
        expect(created.metadata?.uid).toMatch(/^[0-9a-f-]{36}$/);
        expect(created.metadata?.resourceVersion).toMatch(/^[1-9]\d*$/);
        expect(created.metadata?.creationTimestamp?.seconds).toBeGreaterThan(0);
        expect(await client.resource(configMaps).get(namespace, 'a')).toEqual(created);
        expect(created.data).toEqual({ key: 'value' });
      });

      it('create fills in a name from generateName', async () => {
        const created = await client.resource(configMaps).create({ metadata: { namespace, generateName: 'made-' } });
        expect(created.metadata?.name).toMatch(/^made-.{5}$/);
      });

      it('create of a taken name is AlreadyExists', async () => {
        await createConfigMap('a');
        await expectReason(createConfigMap('a'), 'AlreadyExists');
      });

      it('create of an invalid object is Invalid and names the field', async () => {
        const failure = await rejection(client.resource(configMaps).create(configMap('Not_A_Name')));
        expect(isApiError(failure) && failure.reason).toBe('Invalid');
        expect(isApiError(failure) && failure.details.causes?.map(({ field }) => field)).toContain('metadata.name');
      });

      it('get of what does not exist is NotFound', async () => {
        await expectReason(client.resource(configMaps).get(namespace, 'absent'), 'NotFound');
      });

      it('a call whose signal has aborted fails and changes nothing', async () => {
        const signal = AbortSignal.abort(new Error('stop'));
        await rejection(client.resource(configMaps).create(configMap('a'), { signal }));
        await expectReason(client.resource(configMaps).get(namespace, 'a'), 'NotFound');
      });
    });

    describe('update, status and patch', () => {
      it('update with the current version takes effect and answers a later version', async () => {
        const created = await createConfigMap('a', { n: '1' });
        const updated = await client.resource(configMaps).update({ ...created, data: { n: '2' } });
        expect(updated.data).toEqual({ n: '2' });
        expect(compareVersions(versionOf(updated), versionOf(created))).toBeGreaterThan(0);
      });

      it('update with a stale version is Conflict, without a version it takes effect', async () => {
        const created = await createConfigMap('a', { n: '1' });
        await client.resource(configMaps).update({ ...created, data: { n: '2' } });
        await expectReason(client.resource(configMaps).update({ ...created, data: { n: '3' } }), 'Conflict');
        expect((await client.resource(configMaps).update(configMap('a', { n: '4' }))).data).toEqual({ n: '4' });
      });

      it('of many updates from one version exactly one wins', async () => {
        const created = await createConfigMap('a');
        const results = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => client.resource(configMaps).update({ ...created, data: { n: String(n) } })));
        expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const result of results) if (result.status === 'rejected') expect(hasReason(result.reason, 'Conflict')).toBe(true);
      });

      it('update of what does not exist is NotFound', async () => {
        await expectReason(client.resource(configMaps).update(configMap('absent')), 'NotFound');
      });

      it('update leaves status alone and updateStatus leaves the spec alone', async () => {
        const created = await client.resource(pods).create(pod('p'));
        const reported = await client.resource(pods).updateStatus({ ...created, spec: { ...created.spec, activeDeadlineSeconds: 5 }, status: { ...created.status, message: 'reported' } });
        expect(reported.status?.message).toBe('reported');
        expect(reported.spec).toEqual(created.spec);
        const updated = await client.resource(pods).update({ ...reported, metadata: { ...reported.metadata, labels: { a: 'b' } }, status: { message: 'lost' } });
        expect(updated.status?.message).toBe('reported');
        expect(updated.metadata?.labels).toEqual({ a: 'b' });
      });

      it('a merge patch changes what it names and removes what it nulls', async () => {
        await createConfigMap('a', { keep: '1', drop: '2' });
        const patched = await client.resource(configMaps).patch(namespace, 'a', 'application/merge-patch+json', { data: { drop: null, add: '3' } });
        expect(patched.data).toEqual({ keep: '1', add: '3' });
      });

      it('a patch of the status subresource changes status only', async () => {
        const created = await client.resource(pods).create(pod('p'));
        const patch = { spec: { activeDeadlineSeconds: 5 }, status: { message: 'patched' } };
        const patched = await client.resource(pods).patch(namespace, 'p', 'application/merge-patch+json', patch, { subresource: 'status' });
        expect(patched.status?.message).toBe('patched');
        expect(patched.spec).toEqual(created.spec);
      });

      it('concurrent patches of one object all take effect', async () => {
        await createConfigMap('a');
        const keys = Array.from({ length: 20 }, (_, n) => `k${n}`);
        await Promise.all(keys.map((key) => client.resource(configMaps).patch(namespace, 'a', 'application/merge-patch+json', { data: { [key]: 'x' } })));
        expect(Object.keys((await client.resource(configMaps).get(namespace, 'a')).data ?? {}).sort()).toEqual([...keys].sort());
      });

      it('bindPod sets the node once; a second binding is Conflict, of an absent pod NotFound', async () => {
        const bind = (podName: string): Promise<void> => client.bindPod({ metadata: { namespace, name: podName }, target: { kind: 'Node', name: 'node-a' } });
        await client.resource(pods).create(pod('p'));
        await bind('p');
        expect((await client.resource(pods).get(namespace, 'p')).spec?.nodeName).toBe('node-a');
        await expectReason(bind('p'), 'Conflict');
        await expectReason(bind('absent'), 'NotFound');
      });
    });

    describe('delete', () => {
      it('delete answers the last state and the object is gone', async () => {
        await createConfigMap('a', { last: 'state' });
        expect((await client.resource(configMaps).delete(namespace, 'a')).data).toEqual({ last: 'state' });
        await expectReason(client.resource(configMaps).get(namespace, 'a'), 'NotFound');
        await expectReason(client.resource(configMaps).delete(namespace, 'a'), 'NotFound');
      });

      it('delete with a precondition on another uid is Conflict', async () => {
        await createConfigMap('a');
        const deleteOptions = { preconditions: { uid: '00000000-0000-4000-8000-000000000000' } };
        await expectReason(client.resource(configMaps).delete(namespace, 'a', { deleteOptions }), 'Conflict');
        expect((await client.resource(configMaps).get(namespace, 'a')).metadata?.name).toBe('a');
      });

      it('an object with a finalizer is marked, and goes when its last finalizer goes', async () => {
        await client.resource(configMaps).create({ metadata: { namespace, name: 'a', finalizers: ['example.com/wait'] } });
        const marked = await client.resource(configMaps).delete(namespace, 'a');
        expect(marked.metadata?.deletionTimestamp?.seconds).toBeGreaterThan(0);
        await client.resource(configMaps).patch(namespace, 'a', 'application/merge-patch+json', { metadata: { finalizers: null } });
        await expectReason(client.resource(configMaps).get(namespace, 'a'), 'NotFound');
      });

      it('a name can be taken again after a delete, by an object with another uid', async () => {
        const first = await createConfigMap('a');
        await client.resource(configMaps).delete(namespace, 'a');
        const second = await createConfigMap('a');
        expect(second.metadata?.uid).not.toBe(first.metadata?.uid);
      });

      it('a deleted namespace is Terminating until finalize takes its last finalizer', async () => {
        const terminating = await client.resource(namespaces).delete('', namespace);
        expect(terminating.metadata?.deletionTimestamp?.seconds).toBeGreaterThan(0);
        const found = await client.resource(namespaces).get('', namespace);
        expect(found.status?.phase).toBe('Terminating');
        expect(found.spec?.finalizers).toEqual(['kubernetes']);
        await client.resource(namespaces).update({ ...found, spec: {} }, { subresource: 'finalize' });
        await expectReason(client.resource(namespaces).get('', namespace), 'NotFound');
      });
    });

    describe('list', () => {
      it('list answers the namespace asked for, by labels and fields', async () => {
        await createConfigMap('a', {}, { app: 'x', tier: 'front' });
        await createConfigMap('b', {}, { app: 'x' });
        await createConfigMap('c', {}, { app: 'y' });
        const names = async (options: object): Promise<(string | undefined)[]> =>
          (await client.resource(configMaps).list({ namespace, ...options })).items.map(({ metadata }) => metadata?.name).sort();
        expect(await names({})).toEqual(['a', 'b', 'c']);
        expect(await names({ labelSelector: 'app=x' })).toEqual(['a', 'b']);
        expect(await names({ labelSelector: 'app in (x,y),!tier' })).toEqual(['b', 'c']);
        expect(await names({ fieldSelector: 'metadata.name=c' })).toEqual(['c']);
      });

      it('list answers all items, however many pages they take, at a version from which a watch misses nothing', async () => {
        await Promise.all(Array.from({ length: 620 }, (_, n) => createConfigMap(`item-${n}`)));
        const { items, resourceVersion } = await client.resource(configMaps).list({ namespace });
        expect(new Set(items.map(({ metadata }) => metadata?.name)).size).toBe(620);
        await createConfigMap('later');
        const [event] = await watched(configMaps, { namespace, resourceVersion }, 1);
        expect(event?.object.metadata?.name).toBe('later');
      });

      it('list sees every write that was answered before it', async () => {
        for (let n = 0; n < 10; n++) {
          await createConfigMap(`w-${n}`);
          expect((await client.resource(configMaps).list({ namespace })).items).toHaveLength(n + 1);
        }
      });
    });

    describe('watch', () => {
      it('initial events are the present objects and a bookmark that says so; changes follow', async () => {
        await createConfigMap('a');
        await createConfigMap('b');
        const reading = watched(configMaps, { namespace, sendInitialEvents: true }, 4, async (events) => {
          if (events.at(-1)?.initialEventsEnd) await createConfigMap('c');
        });
        const events = await reading;
        expect(events.map(({ type, object }) => [type, object.metadata?.name])).toEqual([['ADDED', 'a'], ['ADDED', 'b'], ['BOOKMARK', undefined], ['ADDED', 'c']]);
        expect(events.map(({ initialEventsEnd }) => initialEventsEnd === true)).toEqual([false, false, true, false]);
      });

      it('each change comes once, in order, with its version, last state and commit time', async () => {
        const first = await createConfigMap('a', { n: '0' });
        await client.resource(configMaps).update({ ...first, data: { n: '1' } });
        await client.resource(configMaps).patch(namespace, 'a', 'application/merge-patch+json', { data: { n: '2' } });
        await client.resource(configMaps).delete(namespace, 'a');
        const events = await watched(configMaps, { namespace, resourceVersion: versionOf(first) }, 3);
        expect(events.map(({ type, object }) => [type, object.data?.['n']])).toEqual([['MODIFIED', '1'], ['MODIFIED', '2'], ['DELETED', '2']]);
        const versions = [versionOf(first), ...events.map(({ resourceVersion }) => resourceVersion)];
        expect(versions).toEqual([...new Set(versions)].sort(compareVersions));
        for (const event of events) {
          expect(event.object.metadata?.resourceVersion).toBe(event.resourceVersion);
          if (subject.tellsCommitTimes ?? true) expect(event.commitTimeMs).toBeGreaterThan(0);
        }
      });

      it('a watch by label sees an object come and go as its labels do', async () => {
        const first = await createConfigMap('a', {}, { app: 'x' });
        const label = (app: string): Promise<ConfigMap> => client.resource(configMaps).patch(namespace, 'a', 'application/merge-patch+json', { metadata: { labels: { app } } });
        await label('y');
        await createConfigMap('other', {}, { app: 'y' });
        await label('x');
        const events = await watched(configMaps, { namespace, labelSelector: 'app=x', resourceVersion: versionOf(first) }, 2);
        expect(events.map(({ type, object }) => [type, object.metadata?.name])).toEqual([['DELETED', 'a'], ['ADDED', 'a']]);
      });

      it('a watch by spec.nodeName sees a pod from its binding on', async () => {
        const first = await client.resource(pods).create(pod('p'));
        await client.resource(pods).create(pod('q'));
        await client.bindPod({ metadata: { namespace, name: 'p' }, target: { kind: 'Node', name: 'node-b' } });
        const [event] = await watched(pods, { namespace, fieldSelector: 'spec.nodeName=node-b', resourceVersion: versionOf(first) }, 1);
        expect([event?.type, event?.object.metadata?.name, event?.object.spec?.nodeName]).toEqual(['ADDED', 'p', 'node-b']);
      });

      it('a watch of a cluster-scoped kind needs no namespace', async () => {
        const nodeName = `node-${namespace}`;
        const created = await client.resource(nodes).create({ metadata: { name: nodeName } });
        const events = await watched(nodes, { sendInitialEvents: true, fieldSelector: `metadata.name=${nodeName}` }, 2);
        expect(events[0]?.object).toEqual(created);
        expect(events[1]?.initialEventsEnd).toBe(true);
      });

      it('a watch ends when its signal aborts', async () => {
        const stop = new AbortController();
        const reading = (async () => {
          for await (const event of client.resource(configMaps).watch({ namespace, sendInitialEvents: true, signal: stop.signal })) {
            if (event.initialEventsEnd) stop.abort(new Error('enough'));
          }
        })();
        // By a return or by a throw, but it ends.
        await reading.catch(() => undefined);
        expect(stop.signal.aborted).toBe(true);
      });

      it('a watch from a version whose successors can no longer be read is Expired', async () => {
        const first = await createConfigMap('a');
        await createConfigMap('b');
        await subject.expireHistory();
        await expectReason(watched(configMaps, { namespace, resourceVersion: versionOf(first) }, 1), 'Expired', 'Gone');
      });
    });

    /** The first `count` events, other bookmarks than the one that ends the initial events left out. */
    async function watched<T extends ApiObject>(
      resource: Resource<T>, options: Omit<WatchOptions, 'signal'>, count: number, onEvent?: (events: readonly WatchEvent<T>[]) => Promise<void>,
    ): Promise<WatchEvent<T>[]> {
      const stop = new AbortController();
      const events: WatchEvent<T>[] = [];
      try {
        for await (const event of client.resource(resource).watch({ ...options, signal: stop.signal })) {
          if (event.type === 'BOOKMARK' && !event.initialEventsEnd) continue;
          events.push(event);
          if (events.length === count) break;
          await onEvent?.(events);
        }
      } finally {
        stop.abort(new Error('read enough'));
      }
      return events;
    }
  });
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (thrown) {
    return thrown;
  }
  throw new Error('expected a rejection');
}

async function expectReason(promise: Promise<unknown>, ...reasons: ErrorReason[]): Promise<void> {
  const failure = await rejection(promise);
  if (!hasReason(failure, ...reasons)) throw new Error(`expected ${reasons.join(' or ')}`, { cause: failure });
}

function versionOf(object: ApiObject): string {
  return object.metadata?.resourceVersion ?? '';
}
