import { leases, nodes, pods, type ApiObject, type Resource } from '@navarch/api';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { startCore, type Ask, type Harness } from '../../testing/harness';
import type { User } from '../request';

const [po, no, le] = [pods, nodes, leases] as unknown as Resource[] as [Resource, Resource, Resource];
const kubelet: User = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] };
const mirror = { 'kubernetes.io/config.mirror': 'hash' };

let cluster: Harness;
beforeEach(async () => { cluster = await startCore(); });
afterEach(() => cluster.stop());

const asKubelet = (ask: Omit<Ask, 'user'>) => cluster.one({ ...ask, user: kubelet });
const refusal = (message: string) => ({ reason: 'Forbidden', message: expect.stringContaining(message) as string });
const node = (name: string, labels: Record<string, string> = {}, more: Partial<Node> = {}): Node => ({ metadata: { name, labels }, ...more });
const pod = (name: string, spec: object = {}, metadata: object = {}): Pod => ({ metadata: { name, namespace: 'default', ...metadata }, spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i' }], ...spec } });
const create = (resource: Resource, object: ApiObject) => asKubelet({ verb: 'create', resource, object });
const update = (resource: Resource, object: ApiObject, subresource?: string) => asKubelet({ verb: 'update', resource, name: object.metadata?.name ?? '', object, ...(subresource && { subresource }) });

describe('of its own Node a kubelet', () => {
  it('makes it and changes it, and no other', async () => {
    await create(no, node('node-1', { 'kubernetes.io/hostname': 'node-1', 'example.com/rack': 'r1', 'node.kubernetes.io/instance-type': 'vm', 'kubelet.kubernetes.io/own': 'x' }));
    await expect(create(no, node('node-2'))).rejects.toMatchObject(refusal('node "node-1" is not allowed to modify node "node-2"'));
    await update(no, node('node-1', { 'example.com/rack': 'r2' }));
    await expect(asKubelet({ verb: 'delete', resource: no, name: 'node-1' })).rejects.toMatchObject({ reason: 'Forbidden' });
  });

  it('sets no label by which pods are kept to certain nodes, neither at first nor later', async () => {
    const reserved = { 'node-restriction.kubernetes.io/secret': 'yes', 'node-role.kubernetes.io/control-plane': '', 'team.node-restriction.kubernetes.io/a': 'b', 'foo.k8s.io/x': 'y' };
    await expect(create(no, node('node-1', reserved))).rejects.toMatchObject(refusal('is not allowed to set the following labels: foo.k8s.io/x, node-restriction.kubernetes.io/secret, node-role.kubernetes.io/control-plane, team.node-restriction.kubernetes.io/a'));
    await create(no, node('node-1'));
    await expect(update(no, node('node-1', { 'node-restriction.kubernetes.io/secret': 'yes' }))).rejects.toMatchObject(refusal('is not allowed to modify labels: node-restriction.kubernetes.io/secret'));
  });

  it('keeps reserved labels that an administrator set, and cannot take them away', async () => {
    await cluster.one({ verb: 'create', resource: no, object: node('node-1', { 'node-role.kubernetes.io/worker': '' }) });
    await update(no, node('node-1', { 'node-role.kubernetes.io/worker': '', 'example.com/rack': 'r1' }));
    await expect(update(no, node('node-1'))).rejects.toMatchObject(refusal('is not allowed to modify labels: node-role.kubernetes.io/worker'));
  });

  it('registers with taints and changes neither them nor its owners afterwards', async () => {
    const tainted = node('node-1', {}, { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } });
    await create(no, tainted);
    await expect(update(no, node('node-1'))).rejects.toMatchObject(refusal('node "node-1" is not allowed to modify taints'));
    const owned = { ...tainted, metadata: { ...tainted.metadata, ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'u' }] } };
    await expect(update(no, owned)).rejects.toMatchObject(refusal('is not allowed to modify ownerReferences'));
  });
});

describe('of pods a kubelet', () => {
  it('makes mirror pods of its own and none else', async () => {
    await create(po, pod('static', {}, { annotations: mirror }));
    expect((await cluster.one({ verb: 'get', resource: po, name: 'static' })).object).toMatchObject({ metadata: { annotations: mirror }, spec: { nodeName: 'node-1' } });
    await expect(create(po, pod('plain'))).rejects.toMatchObject(refusal('pod does not have "kubernetes.io/config.mirror" annotation, node "node-1" can only create mirror pods'));
    await expect(create(po, pod('elsewhere', { nodeName: 'node-2' }, { annotations: mirror }))).rejects.toMatchObject(refusal('node "node-1" can only create pods with spec.nodeName set to itself'));
  });

  it('gives a mirror pod nothing of the cluster’s: no account, secret, config map, claim or token', async () => {
    const volume = (volumeSource: object) => ({ volumes: [{ name: 'v', volumeSource }] });
    const uses: [string, object][] = [
      ['a service account', { serviceAccountName: 'robot' }], ['secrets', volume({ secret: { secretName: 's' } })], ['configmaps', volume({ configMap: { localObjectReference: { name: 'c' } } })],
      ['persistentvolumeclaims', volume({ persistentVolumeClaim: { claimName: 'p' } })], ['a service account', volume({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } })],
    ];
    for (const [what, spec] of uses) await expect(create(po, pod('static', spec, { annotations: mirror }))).rejects.toMatchObject(refusal(`can not create pods that reference ${what}`));
  });

  it('lets a mirror pod be owned by its own Node alone', async () => {
    const { uid } = await create(no, node('node-1'));
    const owned = (...owners: object[]) => pod('static', {}, { annotations: mirror, ownerReferences: owners });
    const own = { apiVersion: 'v1', kind: 'Node', name: 'node-1', uid, controller: true };
    for (const owner of [{ ...own, uid: 'other' }, { ...own, name: 'node-2' }, { ...own, controller: undefined }]) await expect(create(po, owned(owner))).rejects.toMatchObject(refusal('with an owner reference set to itself'));
    await expect(create(po, owned(own, { ...own, uid: 'second', controller: undefined }))).rejects.toMatchObject(refusal('with a single owner reference set to itself'));
    await create(po, owned(own));
  });

  it('reports on those bound to it, and leaves their labels alone', async () => {
    for (const [name, nodeName] of [['mine', 'node-1'], ['theirs', 'node-2']]) await cluster.one({ verb: 'create', resource: po, object: pod(name ?? '', { nodeName }) });
    await update(po, { ...pod('mine'), status: { phase: 'Running' } } as Pod, 'status');
    await expect(update(po, { ...pod('theirs', { nodeName: 'node-2' }), status: { phase: 'Failed' } } as Pod, 'status')).rejects.toMatchObject({ reason: 'Forbidden' });
    await expect(update(po, pod('mine', {}, { labels: { a: 'b' } }))).rejects.toMatchObject({ reason: 'Forbidden' });
  });

  it('deletes and evicts those bound to it', async () => {
    for (const [name, nodeName] of [['mine', 'node-1'], ['other', 'node-1'], ['theirs', 'node-2']]) await cluster.one({ verb: 'create', resource: po, object: pod(name ?? '', { nodeName }) });
    await asKubelet({ verb: 'delete', resource: po, name: 'mine' });
    const evict = (name: string) => cluster.ask({ verb: 'create', resource: po, name, subresource: 'eviction', object: { metadata: { name, namespace: 'default' } }, user: kubelet });
    expect(await evict('other')).toMatchObject({ type: 'status' });
    for (const refused of [asKubelet({ verb: 'delete', resource: po, name: 'theirs' }), evict('theirs')]) await expect(refused).rejects.toMatchObject({ reason: 'Forbidden' });
  });
});

it('a kubelet renews its own lease in kube-node-lease, and no other anywhere', async () => {
  const lease = (name: string, namespace = 'kube-node-lease') => asKubelet({ verb: 'create', resource: le, namespace, object: { metadata: { name, namespace } } });
  await lease('node-1');
  await expect(lease('node-2')).rejects.toMatchObject(refusal('can only access node lease with the same name as the requesting node'));
  await expect(lease('node-1', 'kube-system')).rejects.toMatchObject({ reason: 'Forbidden' });
});

it('nobody else is held to a node’s rules', async () => {
  await cluster.one({ verb: 'create', resource: no, object: node('node-9', { 'node-role.kubernetes.io/control-plane': '' }) });
  await cluster.one({ verb: 'create', resource: po, object: pod('plain') });
});
