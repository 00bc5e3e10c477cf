import { nodes, pods, type Resource } from '@navarch/api';
import { traceIdOf } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { startCore, type Harness } from '../../testing/harness';
import { jsonType } from '../write/body';
import { noKubelets, type ContainerLogRequest } from './kubelet-connector';

const po = pods as unknown as Resource;
const trace = (digit: string) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;

let cluster: Harness;
let asked: ContainerLogRequest[];
beforeEach(async () => {
  asked = [];
  cluster = await startCore({ kubelets: { ...noKubelets(new Error('only logs here')), async *containerLog(node, request) {
    asked.push(request);
    yield Buffer.from(`${node.metadata?.name ?? ''}: hello\n`);
  } } });
});
afterEach(() => cluster.stop());

const create = (name: string, spec: object = {}, more: object = {}, traceparent?: string) =>
  cluster.one({ verb: 'create', resource: po, traceparent, object: { metadata: { name, namespace: 'default', ...more }, spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec } } as never });
const bind = (name: string, binding: object = {}, traceparent?: string) =>
  cluster.ask({ verb: 'create', resource: po, name, subresource: 'binding', traceparent, object: { metadata: { name }, target: { kind: 'Node', name: 'node-a' }, ...binding } as never });
const get = async (name: string) => (await cluster.one({ verb: 'get', resource: po, name })).object as Pod;

describe('pods/binding', () => {
  it('sets the node and the PodScheduled condition in one write', async () => {
    const made = await create('p');
    const watch = await cluster.watch(po, { resourceVersion: made.resourceVersion });
    expect(await bind('p', { metadata: { name: 'p', annotations: { by: 'test' } } })).toMatchObject({ type: 'status', status: { status: 'Success', code: 201 } });
    const pod = await get('p');
    expect(pod).toMatchObject({ metadata: { annotations: { by: 'test' } }, spec: { nodeName: 'node-a' } });
    expect(pod.status?.conditions).toContainEqual({ type: 'PodScheduled', status: 'True', lastTransitionTime: expect.anything() });
    expect(watch.items).toHaveLength(1);
    await watch.stop();
  });

  it('binds a pod once: the second is a Conflict that names the node, of many at once one wins', async () => {
    await create('p');
    const results = await Promise.allSettled(['node-a', 'node-b', 'node-c'].map((name) => bind('p', { target: { kind: 'Node', name } })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const { spec } = await get('p');
    await expect(bind('p')).rejects.toMatchObject({ reason: 'Conflict', message: `Operation cannot be fulfilled on pods "p": pod p is already assigned to node "${spec?.nodeName}"` });
  });

  it('of another pod of the same name (uid), of one being deleted, or with gates is a Conflict', async () => {
    await create('p');
    await expect(bind('p', { metadata: { name: 'p', uid: 'other' } })).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('UID in precondition: other') });
    await create('gated', { schedulingGates: [{ name: 'example.com/wait' }] });
    await expect(bind('gated')).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('schedulingGates') });
    await create('held', {}, { finalizers: ['example.com/hold'] });
    await cluster.one({ verb: 'delete', resource: po, name: 'held' });
    await expect(bind('held')).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('is being deleted') });
  });

  it('without a node, to something else than a node, or of an absent pod is refused', async () => {
    await create('p');
    await expect(bind('p', { target: {} })).rejects.toMatchObject({ reason: 'Invalid', details: { causes: [{ field: 'target.name' }] } });
    await expect(bind('p', { target: { kind: 'Pod', name: 'x' } })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('Unsupported value: "Pod"') });
    await expect(bind('absent')).rejects.toMatchObject({ reason: 'NotFound', message: 'pods "absent" not found' });
  });
});

describe('trace headers', () => {
  const headers = async (name: string) => {
    const { traceparent, origin } = await cluster.one({ verb: 'get', resource: po, name });
    return { traceparent: traceIdOf(traceparent), origin: traceIdOf(origin) };
  };

  it('a pod’s trace id is annotated at create, always this request’s own', async () => {
    await create('p', {}, { annotations: { 'navarch.io/trace-id': 'copied-from-a-template', other: 'kept' } }, trace('a'));
    expect((await get('p')).metadata?.annotations).toEqual({ 'navarch.io/trace-id': 'a'.repeat(32), other: 'kept' });
    await create('untraced', {}, { annotations: { 'navarch.io/trace-id': 'copied-from-a-template' } });
    expect((await get('untraced')).metadata?.annotations).toBeUndefined();
  });

  it('a binding moves origin, a status write carries it forward', async () => {
    await create('p', {}, {}, trace('a'));
    expect(await headers('p')).toEqual({ traceparent: 'a'.repeat(32), origin: 'a'.repeat(32) });
    await bind('p', {}, trace('b'));
    expect(await headers('p')).toEqual({ traceparent: 'b'.repeat(32), origin: 'b'.repeat(32) });
    const pod = await get('p');
    await cluster.one({ verb: 'update', resource: po, name: 'p', subresource: 'status', traceparent: trace('c'), object: { ...pod, status: { ...pod.status, phase: 'Running' } } as never });
    expect(await headers('p')).toEqual({ traceparent: 'c'.repeat(32), origin: 'b'.repeat(32) });
  });
});

describe('pods/log', () => {
  const log = async (name: string, options: object = {}): Promise<string> => {
    const response = await cluster.ask({ verb: 'get', resource: po, name, subresource: 'log', body: { contentType: jsonType, bytes: Buffer.from(JSON.stringify(options)) } });
    if (response.type !== 'stream') throw new Error('no stream');
    const chunks = [];
    for await (const chunk of response.chunks) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };
  const onNode = async (name: string, spec?: object): Promise<void> => {
    await cluster.one({ verb: 'create', resource: nodes as unknown as Resource, object: { metadata: { name: 'node-a' } } }).catch(() => undefined);
    await create(name, spec);
    await bind(name);
  };

  it('comes from the kubelet of the pod’s node, for its only container', async () => {
    await onNode('p');
    expect(await log('p', { tailLines: 10, follow: true })).toBe('node-a: hello\n');
    expect(asked).toEqual([{ namespace: 'default', pod: 'p', podUid: (await get('p')).metadata?.uid, options: { container: 'main', tailLines: 10, follow: true } }]);
  });

  it('of a pod without a node is empty, of an absent pod NotFound', async () => {
    await create('p');
    expect(await log('p')).toBe('');
    await expect(log('absent')).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('needs a container’s name where there are several, and one that exists', async () => {
    await onNode('p', { containers: [{ name: 'one', image: 'busybox' }, { name: 'two', image: 'busybox' }], initContainers: [{ name: 'init', image: 'busybox' }] });
    await expect(log('p')).rejects.toMatchObject({ reason: 'BadRequest', message: 'a container name must be specified for pod p, choose one of: [one two] or one of the init containers: [init]' });
    await expect(log('p', { container: 'three' })).rejects.toMatchObject({ reason: 'BadRequest', message: 'container three is not valid for pod p' });
    expect(await log('p', { container: 'init' })).toContain('hello');
  });

  it('refuses options that make no sense', async () => {
    await onNode('p');
    for (const options of [{ tailLines: -1 }, { limitBytes: 0 }, { sinceSeconds: 0 }, { sinceSeconds: 1, sinceTime: '2026-01-01T00:00:00Z' }]) {
      await expect(log('p', options)).rejects.toMatchObject({ reason: 'Invalid' });
    }
  });
});
