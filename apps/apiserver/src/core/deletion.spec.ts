import { configMaps, namespaces, pods, type Resource } from '@navarch/api';
import type { Namespace, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { settle, startCore, startMs, type Harness } from '../testing/harness';
import type { RequestOptions } from './request';

const cm = configMaps as unknown as Resource;
const po = pods as unknown as Resource;
const ns = namespaces as unknown as Resource;

let cluster: Harness;
beforeEach(async () => {
  cluster = await startCore();
});
afterEach(() => cluster.stop());

const configMap = (name: string, metadata: object = {}) => ({ metadata: { name, namespace: 'default', ...metadata } });
const create = (name: string, metadata?: object) => cluster.one({ verb: 'create', resource: cm, object: configMap(name, metadata) });
const remove = (name: string, options?: RequestOptions, resource = cm) => cluster.one({ verb: 'delete', resource, name, options });
const get = (name: string, resource = cm) => cluster.one({ verb: 'get', resource, name });
const gone = (name: string, resource = cm) => expect(get(name, resource)).rejects.toMatchObject({ reason: 'NotFound' });

async function boundPod(name: string, spec: object = {}): Promise<Pod> {
  await cluster.one({ verb: 'create', resource: po, object: { metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec } } as never });
  await cluster.ask({ verb: 'create', resource: po, name, subresource: 'binding', object: { metadata: { name }, target: { kind: 'Node', name: 'node-a' } } as never });
  return (await get(name, po)).object as Pod;
}

describe('deletion', () => {
  it('removes at once what nothing holds, and a second delete is NotFound', async () => {
    await create('a');
    await remove('a');
    await gone('a');
    await expect(remove('a')).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('waits for finalizers, of any kind, and goes with the last of them', async () => {
    await create('a', { finalizers: ['example.com/one', 'example.com/two'] });
    const marked = await remove('a');
    expect(marked.metadata).toMatchObject({ deletionTimestamp: { seconds: startMs / 1_000 }, deletionGracePeriodSeconds: 0 });
    const again = await remove('a');
    expect(again.sequence).toBe(marked.sequence);
    await cluster.one({ verb: 'update', resource: cm, name: 'a', object: configMap('a', { finalizers: ['example.com/two'] }) });
    expect((await get('a')).metadata.finalizers).toEqual(['example.com/two']);
    await cluster.one({ verb: 'patch', resource: cm, name: 'a', body: { contentType: 'application/merge-patch+json', bytes: Buffer.from('{"metadata":{"finalizers":null}}') } });
    await gone('a');
  });

  it('preconditions that do not hold are a Conflict, those that hold do not stand in the way', async () => {
    const made = await create('a');
    await expect(remove('a', { preconditions: { uid: 'other' } })).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('Precondition failed: UID in precondition: other') });
    await expect(remove('a', { preconditions: { resourceVersion: '1' } })).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('Precondition failed: ResourceVersion in precondition: 1') });
    await remove('a', { preconditions: { uid: made.uid, resourceVersion: made.resourceVersion } });
    await gone('a');
  });

  it('the propagation policy becomes the finalizer that garbage collection acts on', async () => {
    await create('a');
    expect((await remove('a', { propagationPolicy: 'Foreground' })).metadata.finalizers).toEqual(['foregroundDeletion']);
    await create('b');
    expect((await remove('b', { propagationPolicy: 'Orphan' })).metadata.finalizers).toEqual(['orphan']);
    await create('c');
    await remove('c', { propagationPolicy: 'Background' });
    await gone('c');
    expect((await remove('a', { propagationPolicy: 'Background' })).sequence).toBeGreaterThan(0);
    await gone('a');
    await create('d');
    await expect(remove('d', { propagationPolicy: 'Sideways' as never })).rejects.toMatchObject({ reason: 'Invalid' });
    await expect(remove('d', { propagationPolicy: 'Orphan', orphanDependents: true })).rejects.toMatchObject({ reason: 'Invalid' });
    await expect(remove('d', { gracePeriodSeconds: -1 })).rejects.toMatchObject({ reason: 'Invalid' });
  });

  it('deletecollection removes what is selected and answers it', async () => {
    for (const name of ['a', 'b', 'c']) await create(name, { labels: { group: name === 'c' ? 'two' : 'one' } });
    const answer = await cluster.ask({ verb: 'deletecollection', resource: cm, options: { labelSelector: 'group=one' } });
    expect(answer.type === 'list' && answer.items.map(({ name }) => name).sort()).toEqual(['a', 'b']);
    expect((await cluster.list(cm, {}, 'default')).items.map(({ name }) => name)).toEqual(['c']);
  });
});

describe('graceful deletion of pods', () => {
  it('marks a running pod and leaves it to the kubelet, whose delete with grace 0 removes it', async () => {
    await boundPod('p');
    const marked = await remove('p', {}, po);
    expect(marked.metadata).toMatchObject({ deletionTimestamp: { seconds: startMs / 1_000 + 30 }, deletionGracePeriodSeconds: 30 });
    await remove('p', { gracePeriodSeconds: 0, preconditions: { uid: marked.uid } }, po);
    await gone('p', po);
  });

  it('takes the pod’s own grace, the caller’s before it, and only ever shortens it', async () => {
    await boundPod('p', { terminationGracePeriodSeconds: 100 });
    expect((await remove('p', {}, po)).metadata.deletionGracePeriodSeconds).toBe(100);
    expect((await remove('p', { gracePeriodSeconds: 200 }, po)).metadata.deletionGracePeriodSeconds).toBe(100);
    await cluster.clock.advance(10_000);
    const shorter = await remove('p', { gracePeriodSeconds: 20 }, po);
    expect(shorter.metadata).toMatchObject({ deletionTimestamp: { seconds: startMs / 1_000 + 20 }, deletionGracePeriodSeconds: 20 });
  });

  it('removes a pod without a node, and one that has ended, at once', async () => {
    await cluster.one({ verb: 'create', resource: po, object: { metadata: { name: 'waiting', namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'busybox' }] } } as never });
    await remove('waiting', {}, po);
    await gone('waiting', po);
    const pod = await boundPod('done');
    await cluster.one({ verb: 'update', resource: po, name: 'done', subresource: 'status', object: { ...pod, status: { ...pod.status, phase: 'Succeeded' } } as never });
    await remove('done', {}, po);
    await gone('done', po);
  });

  it('with finalizers a pod stays until they are gone, whatever the grace', async () => {
    await boundPod('p');
    await cluster.one({ verb: 'patch', resource: po, name: 'p', body: { contentType: 'application/merge-patch+json', bytes: Buffer.from('{"metadata":{"finalizers":["example.com/hold"]}}') } });
    await remove('p', { gracePeriodSeconds: 0 }, po);
    expect((await get('p', po)).metadata.deletionGracePeriodSeconds).toBe(0);
    await cluster.one({ verb: 'patch', resource: po, name: 'p', body: { contentType: 'application/merge-patch+json', bytes: Buffer.from('{"metadata":{"finalizers":null}}') } });
    await gone('p', po);
  });
});

describe('namespaces', () => {
  const make = (name: string) => cluster.one({ verb: 'create', resource: ns, object: { metadata: { name } } });
  const finalize = (name: string, finalizers: string[]) => cluster.one({ verb: 'update', resource: ns, name, subresource: 'finalize', object: { metadata: { name }, spec: { finalizers } } as never });

  it('a deleted namespace is Terminating, takes nothing new, and goes when finalize empties its list', async () => {
    await make('team');
    const marked = await remove('team', {}, ns);
    expect(marked.object as Namespace).toMatchObject({ metadata: { deletionTimestamp: expect.anything() }, spec: { finalizers: ['kubernetes'] }, status: { phase: 'Terminating' } });
    await expect(cluster.one({ verb: 'create', resource: cm, namespace: 'team', object: { metadata: { name: 'a' } } })).rejects.toMatchObject({
      reason: 'Forbidden', message: 'configmaps "a" is forbidden: unable to create new content in namespace team because it is being terminated', details: { causes: [{ reason: 'NamespaceTerminating' }] },
    });
    await expect(remove('team', {}, ns)).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('The system is ensuring all content is removed from this namespace') });
    await finalize('team', []);
    await gone('team', ns);
  });

  it('finalize changes nothing but the finalizers, and removes only what is being deleted', async () => {
    await make('team');
    await finalize('team', ['kubernetes', 'example.com/audit']);
    expect(((await get('team', ns)).object as Namespace).spec?.finalizers).toEqual(['kubernetes', 'example.com/audit']);
    await finalize('team', []);
    expect((await get('team', ns)).name).toBe('team');
  });

  it('default, kube-system and kube-public may not be deleted', async () => {
    await expect(remove('kube-system', {}, ns)).rejects.toMatchObject({ reason: 'Forbidden', message: 'namespaces "kube-system" is forbidden: this namespace may not be deleted' });
  });

  it('watchers see the whole way', async () => {
    await make('team');
    const { resourceVersion } = await cluster.list(ns);
    const watch = await cluster.watch(ns, { resourceVersion });
    await remove('team', {}, ns);
    await finalize('team', []);
    await settle();
    expect(watch.items.map(({ type }) => type)).toEqual(['MODIFIED', 'DELETED']);
    await watch.stop();
  });
});
