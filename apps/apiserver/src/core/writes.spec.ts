import { configMaps, namespaces, nodes, pods, secrets, serviceAccounts, type Resource } from '@navarch/api';
import { silentLogger, type LogFields } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { admin, settle, startCore, startMs, type Harness } from '../testing/harness';
import { jsonType, protobufType } from './write/body';

const cm = configMaps as unknown as Resource;
const po = pods as unknown as Resource;
const ns = namespaces as unknown as Resource;

const configMap = (name: string, data: Record<string, string> = {}, more: object = {}) => ({ metadata: { name, namespace: 'default', ...more }, data });
const pod = (name: string, spec: object = {}): Pod => ({ metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec } });
const json = (value: unknown) => ({ contentType: jsonType, bytes: Buffer.from(JSON.stringify(value)) });
const mergePatch = (value: unknown) => ({ contentType: 'application/merge-patch+json', bytes: Buffer.from(JSON.stringify(value)) });

let cluster: Harness;
beforeEach(async () => {
  cluster = await startCore();
});
afterEach(() => cluster.stop());

const create = (name: string, data?: Record<string, string>) => cluster.one({ verb: 'create', resource: cm, object: configMap(name, data) });
const get = (name: string) => cluster.one({ verb: 'get', resource: cm, name });
const end = () => cluster.logs.objects.barrier();

describe('create', () => {
  it('gives uid, creation time and version, and takes none of them from the caller', async () => {
    const forged = { uid: 'mine', creationTimestamp: { seconds: 1 }, generation: 7, deletionTimestamp: { seconds: 1 }, selfLink: '/x' };
    const { metadata } = await cluster.one({ verb: 'create', resource: cm, object: configMap('a', {}, forged) });
    expect(metadata).toEqual({ name: 'a', namespace: 'default', uid: expect.stringMatching(/^[0-9a-f-]{36}$/), creationTimestamp: { seconds: startMs / 1_000 }, resourceVersion: expect.stringMatching(/^\d+$/) });
    expect(metadata.uid).not.toBe('mine');
  });

  it('a name that is taken is AlreadyExists, also when another replica took it a moment ago', async () => {
    const other = await startCore({ beside: cluster });
    await create('a');
    for (const replica of [cluster, other]) {
      await expect(replica.one({ verb: 'create', resource: cm, object: configMap('a') })).rejects.toMatchObject({ reason: 'AlreadyExists', code: 409, message: 'configmaps "a" already exists' });
    }
    await other.stop();
  });

  it('of many creates of one name exactly one wins', async () => {
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => create('a')));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ reason: 'AlreadyExists' });
  });

  it('takes the name of a deleted object again, with a new uid, also where the replica never saw the delete', async () => {
    const first = await create('a');
    await cluster.one({ verb: 'delete', resource: cm, name: 'a' });
    const second = await create('a');
    expect(second.uid).not.toBe(first.uid);
    await cluster.one({ verb: 'delete', resource: cm, name: 'a' });
    const fresh = await startCore({ beside: cluster });
    expect((await fresh.one({ verb: 'create', resource: cm, object: configMap('a') })).sequence).toBeGreaterThan(second.sequence);
    await fresh.stop();
  });

  it('invents a name from generateName, and tries again when it is taken', async () => {
    const made = await Promise.all(Array.from({ length: 30 }, () => cluster.one({ verb: 'create', resource: cm, object: { metadata: { namespace: 'default', generateName: 'web-' } } })));
    expect(new Set(made.map(({ name }) => name)).size).toBe(30);
    for (const { name, metadata } of made) {
      expect(name).toMatch(/^web-[a-z0-9]{5}$/);
      expect(metadata.name).toBe(name);
    }
  });

  it('with a resourceVersion is refused', async () => {
    await expect(cluster.one({ verb: 'create', resource: cm, object: configMap('a', {}, { resourceVersion: '5' }) })).rejects.toMatchObject({ reason: 'BadRequest', message: 'resourceVersion should not be set on objects to be created' });
  });

  it('an invalid object is Invalid with every cause and its field', async () => {
    const bad = { metadata: { name: 'Bad_Name' }, spec: { containers: [{ name: 'main' }, { name: 'main', image: 'x' }] } };
    const failure: { details: { causes: { field: string }[] } } = await cluster.one({ verb: 'create', resource: po, object: bad }).then(() => { throw new Error('created'); }, (error) => error);
    expect(failure).toMatchObject({ reason: 'Invalid', code: 422 });
    expect(failure.details.causes.map(({ field }) => field)).toEqual(expect.arrayContaining(['metadata.name', 'spec.containers[0].image', 'spec.containers[1].name']));
  });

  it('in a namespace that does not exist is NotFound in Kubernetes’ words', async () => {
    await expect(cluster.one({ verb: 'create', resource: cm, namespace: 'nowhere', object: { metadata: { name: 'a' } } })).rejects.toMatchObject({ reason: 'NotFound', message: 'namespaces "nowhere" not found', details: { kind: 'namespaces', name: 'nowhere' } });
  });

  it('the namespace of object and request must agree, unless the door says that the request wins', async () => {
    const elsewhere = { metadata: { name: 'a', namespace: 'kube-public' } };
    await expect(cluster.one({ verb: 'create', resource: cm, object: elsewhere })).rejects.toMatchObject({ reason: 'BadRequest' });
    expect((await cluster.one({ verb: 'create', resource: cm, object: elsewhere, options: { namespaceOverrides: true } })).namespace).toBe('default');
  });
});

describe('bodies', () => {
  const post = (body: { contentType: string; bytes: Uint8Array }, options = {}, warn?: (message: string) => void) => cluster.one({ verb: 'create', resource: cm, body, options, warn });

  it('come as JSON or protobuf, with or without apiVersion and kind', async () => {
    const a = await post(json({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { k: 'v' } }));
    const b = await post({ contentType: protobufType, bytes: configMaps.codec.encode({ metadata: { name: 'b' }, data: { k: 'v' } }) });
    const c = await post(json({ metadata: { name: 'c', creationTimestamp: null }, data: { k: 'v' } }));
    for (const made of [a, b, c]) expect(made.object).toMatchObject({ data: { k: 'v' } });
  });

  it('an unknown field is an error when Strict, a warning when Warn, and neither when Ignore', async () => {
    const body = (name: string) => json({ metadata: { name }, dta: {} });
    await expect(post(body('a'), { fieldValidation: 'Strict' })).rejects.toMatchObject({ reason: 'BadRequest', message: expect.stringContaining('dta') });
    const warnings: string[] = [];
    await post(body('b'), { fieldValidation: 'Warn' }, (message) => warnings.push(message));
    expect(warnings.join()).toContain('dta');
    await post(body('c'), { fieldValidation: 'Ignore' }, () => { throw new Error('warned'); });
  });

  it.each([
    ['a wrong type', json({ metadata: { name: 'a' }, data: 5 })],
    ['a number beyond 2^53', { contentType: jsonType, bytes: Buffer.from('{"metadata":{"name":"a","generation":9007199254740993}}') }],
    ['text that is no JSON', { contentType: jsonType, bytes: Buffer.from('{"metadata":') }],
    ['bytes that are no UTF-8', { contentType: jsonType, bytes: Buffer.from([0x22, 0xff, 0xfe, 0x22]) }],
    ['malformed protobuf', { contentType: protobufType, bytes: Buffer.from([0x0a, 0xff, 0xff, 0x01]) }],
    ['deep nesting in JSON', { contentType: jsonType, bytes: Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`) }],
    ['deep nesting in protobuf', { contentType: protobufType, bytes: Buffer.alloc(100_000, 0x0b) }],
    ['another kind', json({ kind: 'Secret', metadata: { name: 'a' } })],
    ['another API version', json({ apiVersion: 'v2', metadata: { name: 'a' } })],
    ['no object at all', json(null)],
  ])('%s is a bad request', async (_name, body) => {
    await expect(post(body, { fieldValidation: 'Strict' })).rejects.toMatchObject({ reason: 'BadRequest', code: 400 });
  });

  it('more than 3 MiB is RequestEntityTooLarge, in any form', async () => {
    const data = { blob: 'x'.repeat(3 * 1024 * 1024) };
    const bodies = [json({ metadata: { name: 'a' }, data }), { contentType: protobufType, bytes: configMaps.codec.encode({ metadata: { name: 'a' }, data }) }];
    for (const body of bodies) await expect(post(body)).rejects.toMatchObject({ reason: 'RequestEntityTooLarge', code: 413, message: 'Request entity too large: limit is 3145728' });
    await expect(cluster.one({ verb: 'create', resource: po, object: pod('p', { containers: [{ name: 'main', image: 'busybox', args: [data.blob] }] }) })).rejects.toMatchObject({ reason: 'RequestEntityTooLarge' });
  });

  it('in a format that nobody speaks is UnsupportedMediaType', async () => {
    await expect(post({ contentType: 'text/plain', bytes: Buffer.from('a') })).rejects.toMatchObject({ reason: 'UnsupportedMediaType', code: 415 });
  });

  it('a secret’s content is in no error and in no log', async () => {
    const lines: string[] = [];
    const take = (message: string, fields?: LogFields): void => void lines.push(message, JSON.stringify(fields ?? {}));
    const logger = { ...silentLogger, debug: take, info: take, warn: take, error: take, child: () => logger };
    const watched = await startCore({ logger });
    const attempts = [
      watched.one({ verb: 'create', resource: secrets as unknown as Resource, body: { contentType: jsonType, bytes: Buffer.from('{"metadata":{"name":"s"},"stringData":{"password":"hunter2"') } }),
      watched.one({ verb: 'create', resource: secrets as unknown as Resource, body: json({ metadata: { name: 'Bad Name' }, stringData: { password: 'hunter2' } }) }),
      watched.one({ verb: 'create', resource: secrets as unknown as Resource, body: json({ metadata: { name: 's' }, stringData: { 'bad key!': 'hunter2' } }) }),
    ];
    for (const attempt of attempts) {
      const error: Error = await attempt.then(() => { throw new Error('accepted'); }, (failure) => failure);
      lines.push(JSON.stringify(error), error.message, error.stack ?? '');
    }
    expect(lines.join('\n')).not.toContain('hunter2');
    await watched.stop();
  });
});

describe('update', () => {
  it('with the current version takes effect, with a stale one it is a Conflict in Kubernetes’ words', async () => {
    const made = await create('a');
    const change = (n: string) => cluster.one({ verb: 'update', resource: cm, name: 'a', object: configMap('a', { n }, { resourceVersion: made.resourceVersion }) });
    await change('1');
    await expect(change('2')).rejects.toMatchObject({ reason: 'Conflict', code: 409, message: 'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again' });
    expect((await get('a')).object).toMatchObject({ data: { n: '1' } });
  });

  it('without a version it never conflicts, whoever else writes', async () => {
    await create('a');
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => cluster.one({ verb: 'update', resource: cm, name: 'a', object: configMap('a', { n: String(n) }) })));
    expect(results.map(({ status }) => status)).toEqual(Array(20).fill('fulfilled'));
  });

  it('a stale cache neither refuses nor swallows a write: the same update through a replica that lags', async () => {
    const other = await startCore({ beside: cluster });
    const made = await create('a', { v: 'old' });
    await other.list(cm);
    other.logs.objects.line.faults.deliveryDelayMs = 1_000;
    await cluster.one({ verb: 'update', resource: cm, name: 'a', object: configMap('a', { v: 'new' }) });
    // For the lagging replica this looks like a write that changes nothing.
    const back = other.one({ verb: 'update', resource: cm, name: 'a', object: configMap('a', { v: 'old' }) });
    await cluster.clock.advance(5_000);
    expect((await back).sequence).toBeGreaterThan(made.sequence);
    expect((await get('a')).object).toMatchObject({ data: { v: 'old' } });
    await other.stop();
  });

  it('that changes nothing writes nothing', async () => {
    const made = await create('a', { one: '1', two: '2' });
    const same = await cluster.one({ verb: 'update', resource: cm, name: 'a', object: configMap('a', { two: '2', one: '1' }) });
    const patched = await cluster.one({ verb: 'patch', resource: cm, name: 'a', body: mergePatch({ data: { one: '1' } }) });
    expect([same.sequence, patched.sequence]).toEqual([made.sequence, made.sequence]);
  });

  it('keeps what only the server sets, and a wrong uid is a Conflict', async () => {
    const made = await create('a');
    const changed = await cluster.one({ verb: 'update', resource: cm, name: 'a', object: configMap('a', { n: '1' }, { creationTimestamp: { seconds: 5 }, deletionTimestamp: { seconds: 5 } }) });
    expect(changed.metadata).toEqual({ ...made.metadata, resourceVersion: changed.resourceVersion });
    await expect(cluster.one({ verb: 'update', resource: cm, name: 'a', object: configMap('a', {}, { uid: 'other' }) })).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('Precondition failed: UID in precondition: other') });
  });

  it('of what does not exist is NotFound, and the name must be that of the request', async () => {
    await expect(cluster.one({ verb: 'update', resource: cm, name: 'a', object: configMap('a') })).rejects.toMatchObject({ reason: 'NotFound' });
    await create('a');
    await expect(cluster.one({ verb: 'update', resource: cm, name: 'a', object: configMap('b') })).rejects.toMatchObject({ reason: 'BadRequest', message: 'the name of the object (b) does not match the name on the URL (a)' });
  });

  it('of the object leaves status alone, of the status subresource everything else', async () => {
    await cluster.one({ verb: 'create', resource: nodes as unknown as Resource, object: { metadata: { name: 'n1' } } });
    const node = { metadata: { name: 'n1', labels: { l: '1' } }, spec: { unschedulable: true }, status: { nodeInfo: { kernelVersion: '6' } } };
    const main = await cluster.one({ verb: 'update', resource: nodes as unknown as Resource, name: 'n1', object: node as never });
    expect(main.object).toMatchObject({ spec: { unschedulable: true } });
    expect((main.object as { status?: { nodeInfo?: object } }).status?.nodeInfo).toBeUndefined();
    const status = await cluster.one({ verb: 'update', resource: nodes as unknown as Resource, name: 'n1', subresource: 'status', object: { ...node, spec: {} } as never });
    expect(status.object).toMatchObject({ spec: { unschedulable: true }, status: { nodeInfo: { kernelVersion: '6' } } });
  });
});

describe('patch', () => {
  it('merges, removes by null, and loses no concurrent patch', async () => {
    await create('a', { keep: '1', drop: '2' });
    await Promise.all(Array.from({ length: 20 }, (_, n) => cluster.one({ verb: 'patch', resource: cm, name: 'a', body: mergePatch({ data: { [`k${n}`]: 'x', drop: null } }) })));
    const { data } = (await get('a')).object as { data: Record<string, string> };
    expect(Object.keys(data).sort()).toEqual(['keep', ...Array.from({ length: 20 }, (_, n) => `k${n}`)].sort());
  });

  it('with a stale metadata.resourceVersion is a Conflict', async () => {
    const made = await create('a');
    await create('b');
    await cluster.one({ verb: 'patch', resource: cm, name: 'a', body: mergePatch({ data: { n: '1' } }) });
    await expect(cluster.one({ verb: 'patch', resource: cm, name: 'a', body: mergePatch({ metadata: { resourceVersion: made.resourceVersion }, data: { n: '2' } }) })).rejects.toMatchObject({ reason: 'Conflict' });
  });

  it('of a type that is not served yet is UnsupportedMediaType and says which are', async () => {
    await create('a');
    await expect(cluster.one({ verb: 'patch', resource: cm, name: 'a', body: { contentType: 'application/strategic-merge-patch+yaml', bytes: Buffer.from('{}') } }))
      .rejects.toMatchObject({ reason: 'UnsupportedMediaType', code: 415, message: expect.stringContaining('application/merge-patch+json') });
  });

  it('that is no object, or makes the object invalid or another, is refused', async () => {
    await create('a');
    const patch = (value: unknown, fieldValidation?: 'Strict') => cluster.one({ verb: 'patch', resource: cm, name: 'a', body: mergePatch(value), options: { fieldValidation } });
    await expect(patch([1])).rejects.toMatchObject({ reason: 'BadRequest' });
    await expect(patch({ data: 5 })).rejects.toMatchObject({ reason: 'BadRequest' });
    await expect(patch({ metadata: { name: 'b' } })).rejects.toMatchObject({ reason: 'BadRequest' });
    await expect(patch({ data: { 'bad key!': 'x' } })).rejects.toMatchObject({ reason: 'Invalid' });
    await expect(patch({ nosuch: 1 }, 'Strict')).rejects.toMatchObject({ reason: 'BadRequest' });
  });
});

describe('dry run', () => {
  it('does everything but write', async () => {
    await create('a', { n: '1' });
    const before = await end();
    const dryRun = { dryRun: ['All'] };
    const made = await cluster.one({ verb: 'create', resource: po, object: pod('p'), options: dryRun });
    expect(made.object).toMatchObject({ metadata: { uid: expect.any(String) }, spec: { restartPolicy: 'Always', serviceAccountName: 'default' } });
    expect(made.resourceVersion).toBe('');
    expect((await cluster.one({ verb: 'patch', resource: cm, name: 'a', body: mergePatch({ data: { n: '2' } }), options: dryRun })).object).toMatchObject({ data: { n: '2' } });
    await cluster.one({ verb: 'delete', resource: cm, name: 'a', options: dryRun });
    await expect(cluster.one({ verb: 'create', resource: cm, object: configMap('a'), options: dryRun })).rejects.toMatchObject({ reason: 'AlreadyExists' });
    expect((await get('a')).object).toMatchObject({ data: { n: '1' } });
    await expect(cluster.one({ verb: 'get', resource: po, name: 'p' })).rejects.toMatchObject({ reason: 'NotFound' });
    expect((await cluster.list(cm, {}, 'default')).items.every(({ sequence }) => sequence < before)).toBe(true);
  });

  it('with another value is a bad request', async () => {
    await expect(cluster.one({ verb: 'create', resource: cm, object: configMap('a'), options: { dryRun: ['Some'] } })).rejects.toMatchObject({ reason: 'BadRequest' });
  });
});

describe('what every cluster and every pod has', () => {
  it('the four namespaces, each with its default service account', async () => {
    expect((await cluster.list(ns)).items.map(({ name }) => name)).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system']);
    expect((await cluster.list(serviceAccounts as unknown as Resource)).items.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(['default/default', 'kube-node-lease/default', 'kube-public/default', 'kube-system/default']);
  });

  it('default service account, tolerations of five minutes, and priority', async () => {
    const made = await cluster.one({ verb: 'create', resource: po, object: pod('p') });
    expect((made.object as Pod).spec).toMatchObject({
      serviceAccountName: 'default', priority: 0, preemptionPolicy: 'PreemptLowerPriority',
      tolerations: ['not-ready', 'unreachable'].map((what) => ({ key: `node.kubernetes.io/${what}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })),
    });
  });

  it('a pod’s own tolerations stay as they are', async () => {
    const own = [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }];
    const made = await cluster.one({ verb: 'create', resource: po, object: pod('p', { tolerations: own }) });
    expect((made.object as Pod).spec?.tolerations).toEqual([own[0], expect.objectContaining({ key: 'node.kubernetes.io/unreachable' })]);
    const all = await cluster.one({ verb: 'create', resource: po, object: pod('q', { tolerations: [{ operator: 'Exists' }] }) });
    expect((all.object as Pod).spec?.tolerations).toHaveLength(1);
  });

  it('system priority classes resolve, unknown ones and contradictions are Forbidden', async () => {
    const critical = await cluster.one({ verb: 'create', resource: po, object: pod('p', { priorityClassName: 'system-node-critical' }) });
    expect((critical.object as Pod).spec?.priority).toBe(2_000_001_000);
    await expect(cluster.one({ verb: 'create', resource: po, object: pod('q', { priorityClassName: 'vip' }) })).rejects.toMatchObject({ reason: 'Forbidden', message: 'pods "q" is forbidden: no PriorityClass with name vip was found' });
    await expect(cluster.one({ verb: 'create', resource: po, object: pod('r', { priority: 7 }) })).rejects.toMatchObject({ reason: 'Forbidden', message: expect.stringContaining('must not be provided in pod spec') });
  });

  it('a service account that does not exist is Forbidden, one made a moment ago is found', async () => {
    const asking = () => cluster.one({ verb: 'create', resource: po, object: pod('p', { serviceAccountName: 'robot' }) });
    await expect(asking()).rejects.toMatchObject({ reason: 'Forbidden', message: 'pods "p" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found' });
    await cluster.one({ verb: 'create', resource: serviceAccounts as unknown as Resource, object: { metadata: { name: 'robot' } } });
    expect((await asking()).name).toBe('p');
  });
});

describe('who writes', () => {
  it('is told apart: a user without a name in the table may do nothing', async () => {
    const user = { name: 'eve', groups: ['system:authenticated'] };
    await expect(cluster.one({ verb: 'get', resource: po, name: 'p', user })).rejects.toMatchObject({ reason: 'Forbidden', code: 403, message: 'pods "p" is forbidden: User "eve" cannot get resource "pods" in API group "" in the namespace "default"' });
    await expect(cluster.ask({ verb: 'list', resource: po, user })).rejects.toMatchObject({ message: 'pods is forbidden: User "eve" cannot list resource "pods" in API group "" at the cluster scope' });
    await expect(cluster.ask({ verb: 'create', resource: po, name: 'p', subresource: 'binding', user })).rejects.toMatchObject({ message: expect.stringContaining('resource "pods/binding"') });
    expect((await cluster.one({ verb: 'create', resource: po, object: pod('p'), user: admin })).name).toBe('p');
    await settle();
  });
});
