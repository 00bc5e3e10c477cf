import { namespaces, nodeMetrics, nodes, podMetrics, pods, type Resource } from '@navarch/api';
import { deferred } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { StatsResponse, Usage } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';

import { startCore, startMs, type Harness } from '../../testing/harness';
import { noKubelets } from '../pods/kubelet-connector';
import type { RequestOptions, User } from '../request';

const [nodeFigures, podFigures] = [nodeMetrics, podMetrics] as unknown as [Resource, Resource];
const usage = (cpuNanocores: number, workingSetBytes: number, timeMs = startMs + 5_400): Usage => ({ timeMs, windowMs: 10_250, cpuNanocores, workingSetBytes });

let cluster: Harness;
let asked: string[];
let underWay = 0;
let most = 0;
let answer: (node: string, signal: AbortSignal) => Promise<StatsResponse>;
beforeEach(async () => {
  asked = [];
  [underWay, most] = [0, 0];
  answer = async () => ({ node: usage(1_500_000_000, 2 * 1024 ** 3) });
  cluster = await startCore({ kubelets: { ...noKubelets(new Error('only figures')), stats: async (node, signal) => {
    asked.push(node.metadata?.name ?? '');
    most = Math.max(most, ++underWay);
    try {
      return await answer(node.metadata?.name ?? '', signal);
    } finally {
      underWay--;
    }
  } } });
});
afterEach(() => cluster.stop());

const addNode = (name: string, labels: Record<string, string> = {}): Promise<unknown> => cluster.client.resource(nodes).create({ metadata: { name, labels } });
async function addPod(name: string, node: string, over: { namespace?: string; phase?: string; labels?: Record<string, string> } = {}): Promise<Pod> {
  const { namespace = 'default', phase = 'Running', labels } = over;
  const client = cluster.client.resource(pods);
  const created = await client.create({ metadata: { name, namespace, ...(labels && { labels }) }, spec: { containers: [{ name: 'main', image: 'i' }], nodeName: node } });
  return client.updateStatus({ ...created, status: { phase } });
}
const figuresOf = (...running: Pod[]): StatsResponse => ({
  pods: running.map(({ metadata = {} }) => ({ namespace: metadata.namespace, pod: metadata.name, podUid: metadata.uid, containers: [
    { name: 'main', usage: usage(250_000_000, 3_000) }, { name: 'side', usage: usage(0, 10, startMs + 4_000) },
  ] })),
});
const names = async (resource: Resource, options?: RequestOptions, namespace?: string): Promise<string[]> =>
  (await cluster.list(resource, options, namespace)).items.map((item) => item.name);

describe('metrics.k8s.io', () => {
  it('says what nodes use, with the window and time that their kubelets measured', async () => {
    await addNode('node-1', { zone: 'a' });
    const { json } = await cluster.one({ verb: 'get', resource: nodeFigures, name: 'node-1' });
    expect(JSON.parse(json.toString())).toMatchObject({
      apiVersion: 'metrics.k8s.io/v1beta1', kind: 'NodeMetrics', metadata: { name: 'node-1', labels: { zone: 'a' } },
      timestamp: '2026-01-01T00:00:05Z', window: '10.25s', usage: { cpu: '1500m', memory: '2Gi' },
    });
  });

  it('says what each container of a pod uses, from the time of the one measured first', async () => {
    await addNode('node-1');
    const pod = await addPod('web', 'node-1', { labels: { app: 'web' } });
    answer = async () => figuresOf(pod);
    const { json } = await cluster.one({ verb: 'get', resource: podFigures, namespace: 'default', name: 'web' });
    expect(JSON.parse(json.toString())).toMatchObject({
      kind: 'PodMetrics', metadata: { name: 'web', namespace: 'default', labels: { app: 'web' } }, timestamp: '2026-01-01T00:00:04Z', window: '10.25s',
      containers: [{ name: 'main', usage: { cpu: '250m', memory: '2Ki' } }, { name: 'side', usage: { cpu: '0', memory: '0' } }],
    });
  });

  it('lists by namespace, label and field, and asks only the nodes concerned', async () => {
    await cluster.client.resource(namespaces).create({ metadata: { name: 'other' } });
    for (const name of ['node-1', 'node-2', 'node-3']) await addNode(name, { pool: name === 'node-3' ? 'b' : 'a' });
    const all = [await addPod('a', 'node-1', { labels: { app: 'x' } }), await addPod('b', 'node-2'), await addPod('c', 'node-3', { namespace: 'other' })];
    answer = async () => ({ node: usage(1, 1), ...figuresOf(...all) });
    expect(await names(podFigures, {}, 'default')).toEqual(['a', 'b']);
    expect(asked.sort()).toEqual(['node-1', 'node-2']);
    expect(await names(podFigures, { labelSelector: 'app=x' })).toEqual(['a']);
    expect(await names(podFigures, { fieldSelector: 'metadata.namespace=other' })).toEqual(['c']);
    expect(await names(nodeFigures, { labelSelector: 'pool=a' })).toEqual(['node-1', 'node-2']);
    await expect(names(podFigures, { fieldSelector: 'spec.nodeName=node-1' })).rejects.toMatchObject({ reason: 'BadRequest' });
  });

  it('a node that fails, or does not answer in time, is missing and no error', async () => {
    for (const name of ['node-1', 'node-2', 'node-3']) await addNode(name);
    answer = async (node, signal) => {
      if (node === 'node-1') return { node: usage(1, 1) };
      if (node === 'node-2') throw new Error('gone');
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const listed = names(nodeFigures);
    await cluster.clock.advance(2_000);
    expect(await listed).toEqual(['node-1']);
    await expect(cluster.one({ verb: 'get', resource: nodeFigures, name: 'node-2' })).rejects.toMatchObject({ reason: 'NotFound', message: 'nodes.metrics.k8s.io "node-2" not found' });
    expect(asked.filter((node) => node === 'node-2')).toHaveLength(1);
  });

  it('pods that do not run, that came back under the same name, or that have not been measured are missing', async () => {
    await addNode('node-1');
    const [done, again] = [await addPod('done', 'node-1', { phase: 'Succeeded' }), await addPod('again', 'node-1')];
    await addPod('new', 'node-1');
    answer = async () => figuresOf(done, { ...again, metadata: { ...again.metadata, uid: 'former' } });
    expect(await names(podFigures, {}, 'default')).toEqual([]);
  });

  it('asks many nodes at the same time, but not without bound', async () => {
    for (let index = 0; index < 40; index++) await addNode(`node-${index}`);
    const gate = deferred<void>();
    answer = async () => {
      await gate.promise;
      return { node: usage(1, 1) };
    };
    const listed = names(nodeFigures);
    await cluster.clock.advance(0);
    expect(underWay).toBe(32);
    gate.resolve();
    expect(await listed).toHaveLength(40);
    expect(most).toBe(32);
  });

  it('asks a node once for all who want to know at the same time, and again when its figures are old', async () => {
    await addNode('node-1');
    await Promise.all([names(nodeFigures), names(nodeFigures), names(nodeFigures)]);
    expect(asked).toEqual(['node-1']);
    await cluster.clock.advance(3_000);
    await names(nodeFigures);
    expect(asked).toEqual(['node-1', 'node-1']);
  });

  it('is for those who may: everyone else is refused', async () => {
    const nobody: User = { name: 'nobody', groups: ['system:authenticated'] };
    await expect(cluster.ask({ verb: 'list', resource: nodeFigures, user: nobody })).rejects.toMatchObject({
      reason: 'Forbidden', message: 'nodes.metrics.k8s.io is forbidden: User "nobody" cannot list resource "nodes" in API group "metrics.k8s.io" at the cluster scope',
    });
    expect(asked).toEqual([]);
  });

  it('can be read and nothing else', async () => {
    await expect(cluster.ask({ verb: 'watch', resource: nodeFigures })).rejects.toMatchObject({ reason: 'MethodNotAllowed' });
    await expect(cluster.ask({ verb: 'delete', resource: nodeFigures, name: 'node-1' })).rejects.toMatchObject({ reason: 'MethodNotAllowed' });
    await expect(cluster.ask({ verb: 'get', resource: nodeFigures, name: 'node-1', subresource: 'status' })).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(cluster.ask({ verb: 'list', resource: nodeFigures, namespace: 'default' })).rejects.toMatchObject({ reason: 'BadRequest' });
  });
});
