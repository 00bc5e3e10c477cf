import { configMaps, events, nodes, secrets, type ApiObject, type Resource } from '@navarch/api';
import { ApiError, isNotFound } from '@navarch/base';
import type { ConfigMap, Secret } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { ControllerCluster } from '../testing/cluster';

describe('garbage collection', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
    await cluster.clock.advance(500);
  });
  afterEach(() => cluster.close());

  const maps = () => cluster.api.client.resource(configMaps);
  const reference = (owner: ApiObject, over: Partial<OwnerReference> = {}): OwnerReference =>
    ({ apiVersion: 'v1', kind: 'ConfigMap', name: owner.metadata?.name ?? '', uid: owner.metadata?.uid ?? '', ...over });
  const ghost = (name: string, uid = '00000000-0000-4000-8000-000000000001'): OwnerReference => ({ apiVersion: 'v1', kind: 'ConfigMap', name, uid });
  const make = (name: string, ownerReferences: OwnerReference[] = [], over: { namespace?: string; finalizers?: string[] } = {}): Promise<ConfigMap> =>
    maps().create({ metadata: { namespace: 'default', name, ...over, ...(ownerReferences.length > 0 && { ownerReferences }) } });
  const makeSecret = (name: string, ownerReferences: OwnerReference[]): Promise<Secret> =>
    cluster.api.client.resource(secrets).create({ metadata: { namespace: 'default', name, ownerReferences } });
  const remove = (name: string, propagationPolicy: string) => maps().delete('default', name, { deleteOptions: { propagationPolicy } });
  const exists = <T extends ApiObject>(name: string, resource: Resource<T>, namespace = 'default'): Promise<boolean> =>
    cluster.api.client.resource(resource).get(namespace, name).then(() => true, (thrown: unknown) => !isNotFound(thrown));
  const names = async (): Promise<string[]> => [
    ...(await maps().list()).items.map(({ metadata }) => metadata?.name ?? ''),
    ...(await cluster.api.client.resource(secrets).list()).items.map(({ metadata }) => metadata?.name ?? ''),
  ].sort();
  const pass = (ms = 2_000): Promise<void> => cluster.clock.advance(ms);

  it('in the background the owner goes at once, its dependents of every kind and theirs in turn follow', async () => {
    const owner = await make('owner');
    const child = await make('child', [reference(owner)]);
    await makeSecret('grandchild', [reference(child)]);
    await make('stranger');
    await pass();
    expect(await names()).toEqual(['child', 'grandchild', 'owner', 'stranger']);
    await remove('owner', 'Background');
    expect(await exists('owner', configMaps)).toBe(false);
    await pass();
    expect(await names()).toEqual(['stranger']);
  });

  it('in the foreground the owner waits for dependents that block it, and not for those that do not', async () => {
    const owner = await make('owner');
    await make('blocking', [reference(owner, { blockOwnerDeletion: true })], { finalizers: ['example.com/wait'] });
    await make('other', [reference(owner)], { finalizers: ['example.com/wait'] });
    await remove('owner', 'Foreground');
    await pass();
    expect(await names()).toEqual(['blocking', 'other', 'owner']);
    expect((await maps().get('default', 'other')).metadata?.deletionTimestamp).toBeDefined();
    await maps().patch('default', 'blocking', 'application/merge-patch+json', { metadata: { finalizers: null } });
    await pass();
    expect(await names()).toEqual(['other']);
  });

  it('an orphaning owner goes, and its dependents stay without their reference to it and with the others', async () => {
    const [owner, second] = [await make('owner'), await make('second')];
    await make('child', [reference(owner), reference(second)]);
    await remove('owner', 'Orphan');
    await pass();
    expect(await names()).toEqual(['child', 'second']);
    expect((await maps().get('default', 'child')).metadata?.ownerReferences?.map(({ name }) => name)).toEqual(['second']);
  });

  it('an object with an owner left keeps only the references to those that are there', async () => {
    const [first, second] = [await make('first'), await make('second')];
    await make('child', [reference(first), reference(second)]);
    await remove('first', 'Background');
    await pass();
    expect((await maps().get('default', 'child')).metadata?.ownerReferences?.map(({ name }) => name)).toEqual(['second']);
    await remove('second', 'Background');
    await pass();
    expect(await names()).toEqual([]);
  });

  it('an owner that nobody ever saw is asked for, and only its absence makes the object go', async () => {
    const owner = await make('owner');
    await make('wrong-uid', [ghost('owner')]);
    await make('never-there', [ghost('nobody')]);
    await make('right', [reference(owner)]);
    await pass();
    expect(await names()).toEqual(['owner', 'right']);
  });

  it('an owner made anew under its name with another uid does not keep the dependents of the old one', async () => {
    const old = await make('owner');
    await make('child', [reference(old)]);
    await remove('owner', 'Background');
    await make('owner');
    await pass();
    expect(await names()).toEqual(['owner']);
  });

  it('an owner that cannot be asked for keeps its dependents, and is asked again', async () => {
    for (let n = 0; n < 3; n++) cluster.api.failNext('get', new ApiError('Unavailable', 'not now'), { plural: 'configmaps' });
    await make('child', [ghost('nobody')]);
    await cluster.clock.advance(0);
    expect(await names()).toEqual(['child']);
    await pass(5_000);
    expect(await names()).toEqual([]);
  });

  it('an owner of a kind that is not served keeps its dependents', async () => {
    await make('child', [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: ghost('x').uid }]);
    await pass(700_000);
    expect(await names()).toEqual(['child']);
  });

  it('an owner in another namespace counts as absent, with an event OwnerRefInvalidNamespace', async () => {
    const owner = await make('owner', [], { namespace: 'elsewhere' });
    await make('child', [reference(owner)]);
    await pass();
    expect(await names()).toEqual(['owner']);
    const told = (await cluster.api.client.resource(events).list({ namespace: 'default' })).items.filter(({ reason }) => reason === 'OwnerRefInvalidNamespace');
    expect(told.map(({ message }) => message)).toEqual([`ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: ${owner.metadata?.uid}] does not exist in namespace "default"`]);
  });

  it('an object without namespace is never deleted for a namespaced owner, and an event OwnerRefInvalidNamespace tells of it', async () => {
    await cluster.api.client.resource(nodes).create({ metadata: { name: 'node-x', ownerReferences: [ghost('nobody')] } });
    await pass(20_000);
    expect(await exists('node-x', nodes, '')).toBe(true);
    const told = (await cluster.api.client.resource(events).list()).items.filter(({ reason }) => reason === 'OwnerRefInvalidNamespace');
    expect(told.map(({ involvedObject }) => involvedObject?.name)).toEqual(['node-x']);
  });

  it('owners in a circle that block each other all go, in the foreground and in the background', async () => {
    for (const policy of ['Foreground', 'Background']) {
      const a = await make('a');
      const b = await make('b', [reference(a, { blockOwnerDeletion: true })]);
      await maps().update({ ...a, metadata: { ...a.metadata, ownerReferences: [reference(b, { blockOwnerDeletion: true })] } });
      await pass();
      await remove('a', policy);
      await pass(5_000);
      expect(await names()).toEqual([]);
    }
  });

  it('an object that got a new owner while it was judged stays', async () => {
    const [owner, second] = [await make('owner'), await make('second')];
    const child = await make('child', [reference(owner)]);
    await pass();
    const resume = cluster.api.pauseWatches();
    await maps().update({ ...child, metadata: { ...child.metadata, ownerReferences: [reference(second)] } });
    await remove('owner', 'Background');
    await pass();
    resume();
    await pass();
    expect(await names()).toEqual(['child', 'second']);
  });

  it('what is left of a deletion is finished by the next leader', async () => {
    const owner = await make('owner');
    await make('child', [reference(owner)]);
    const [first] = [...cluster.controllers()];
    await cluster.stop(first!);
    await remove('owner', 'Background');
    await cluster.start();
    await pass(20_000);
    expect(await names()).toEqual([]);
  });

  it('dependents are deleted with one write each, and an absent owner is asked for once', async () => {
    const owner = await make('owner');
    for (let n = 0; n < 200; n++) await make(`child-${n}`, [reference(owner)]);
    await pass();
    const before = cluster.api.writes.length;
    await remove('owner', 'Background');
    await pass();
    expect(await names()).toEqual([]);
    expect(cluster.api.writes.slice(before).filter((write) => write.includes('configmaps'))).toHaveLength(201);
  });
});
