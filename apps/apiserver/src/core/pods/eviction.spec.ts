import { podDisruptionBudgets, pods, type ApiObject, type Resource } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Eviction, PodDisruptionBudget } from '@navarch/proto/k8s/io/api/policy/v1/policy';

import { startCore, type Harness } from '../../testing/harness';

const po = pods as unknown as Resource;
const pdb = podDisruptionBudgets as unknown as Resource;

let cluster: Harness;
beforeEach(async () => { cluster = await startCore(); });
afterEach(() => cluster.stop());

const patch = (resource: Resource, name: string, value: object, subresource?: string) =>
  cluster.one({ verb: 'patch', resource, name, subresource, body: { contentType: 'application/merge-patch+json', bytes: Buffer.from(JSON.stringify(value)) } });
const setStatus = (resource: Resource, name: string, status: object) => patch(resource, name, { status }, 'status');

/** A running pod, ready unless told. */
async function running(name: string, { ready = true, phase = 'Running' } = {}): Promise<void> {
  await cluster.one({ verb: 'create', resource: po, object: { metadata: { name, namespace: 'default', labels: { app: 'web' } }, spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i' }] } } as Pod });
  const status = { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] };
  await setStatus(po, name, status);
}
async function budget(name: string, status: PodDisruptionBudget['status'], spec: PodDisruptionBudget['spec'] = {}): Promise<void> {
  await cluster.one({ verb: 'create', resource: pdb, object: { metadata: { name, namespace: 'default' }, spec: { selector: { matchLabels: { app: 'web' } }, ...spec } } as ApiObject });
  await setStatus(pdb, name, { observedGeneration: 1, ...status });
}
const evict = (name: string, deleteOptions?: Eviction['deleteOptions'], options = {}) =>
  cluster.ask({ verb: 'create', resource: po, name, subresource: 'eviction', object: { metadata: { name, namespace: 'default' }, deleteOptions } as ApiObject, options });
const marked = async (name: string): Promise<number | undefined> => (await cluster.one({ verb: 'get', resource: po, name })).metadata.deletionGracePeriodSeconds;
const statusOf = async (name: string) => ((await cluster.one({ verb: 'get', resource: pdb, name })).object as PodDisruptionBudget).status;

describe('pods/eviction', () => {
  it('deletes a pod that no budget covers, with the delete options of the eviction', async () => {
    await running('a');
    expect(await evict('a', { gracePeriodSeconds: 7 })).toMatchObject({ type: 'status', status: { status: 'Success', code: 201 } });
    expect(await marked('a')).toBe(7);
  });

  it('says in the pod that it is the target of a disruption, in the write that marks it', async () => {
    await running('a');
    const watch = await cluster.watch(po);
    await evict('a');
    const { object } = await cluster.one({ verb: 'get', resource: po, name: 'a' });
    expect((object as Pod).status?.conditions).toContainEqual(expect.objectContaining({ type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }));
    expect(watch.seen().filter((event) => event.startsWith('MODIFIED'))).toHaveLength(1);
    await watch.stop();
  });

  it('takes one disruption from the budget and notes the pod there; at none left it says so', async () => {
    await running('a');
    await budget('web', { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 });
    await evict('a');
    expect(await marked('a')).toBe(30);
    const status = await statusOf('web');
    expect([status?.disruptionsAllowed, Object.keys(status?.disruptedPods ?? {})]).toEqual([undefined, ['a']]);
    expect(status?.conditions).toMatchObject([{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }]);
  });

  it('is TooManyRequests in Kubernetes’ words where the budget allows none, and the pod stays', async () => {
    await running('a');
    await budget('web', { currentHealthy: 1, desiredHealthy: 1 });
    await expect(evict('a')).rejects.toMatchObject({
      reason: 'TooManyRequests', code: 429, message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: { causes: [{ reason: 'DisruptionBudget', message: 'The disruption budget web needs 1 healthy pods and has 1 currently' }] },
    });
    expect(await marked('a')).toBeUndefined();
  });

  it('waits for a budget whose controller has not seen its latest generation', async () => {
    await running('a');
    await budget('web', { disruptionsAllowed: 1, observedGeneration: 0 });
    await expect(evict('a')).rejects.toMatchObject({ code: 429, details: { retryAfterSeconds: 10, causes: [{ message: 'The disruption budget web is still being processed by the server.' }] } });
  });

  it('of many evictions at once exactly as many succeed as the budget allows', async () => {
    const names = Array.from({ length: 8 }, (_, n) => `p${n}`);
    for (const name of names) await running(name);
    await budget('web', { disruptionsAllowed: 3, currentHealthy: 8, desiredHealthy: 5 });
    const results = await Promise.allSettled(names.map((name) => evict(name)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect(Object.keys((await statusOf('web'))?.disruptedPods ?? {})).toHaveLength(3);
  });

  it.each(['Pending', 'Succeeded', 'Failed'])('asks no budget for a pod that is %s', async (phase) => {
    await running('a', { phase, ready: false });
    await budget('web', {});
    await evict('a');
    expect((await statusOf('web'))?.disruptedPods).toBeUndefined();
  });

  it('an unready pod is free while enough others are healthy, or always where the budget says so', async () => {
    await running('a', { ready: false });
    await budget('web', { currentHealthy: 1, desiredHealthy: 2 });
    await expect(evict('a')).rejects.toMatchObject({ code: 429 });
    await patch(pdb, 'web', { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } });
    await evict('a');
    expect(await marked('a')).toBe(30);
  });

  it('a dry run, asked for in the request or in the eviction, changes neither pod nor budget', async () => {
    await running('a');
    await budget('web', { disruptionsAllowed: 1 });
    await evict('a', { dryRun: ['All'] });
    await evict('a', undefined, { dryRun: ['All'] });
    expect(await marked('a')).toBeUndefined();
    expect((await statusOf('web'))?.disruptionsAllowed).toBe(1);
  });

  it('refuses another pod’s name, a wrong uid, an absent pod, and a pod of two budgets', async () => {
    await running('a');
    await expect(evict('absent')).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(evict('a', { preconditions: { uid: '00000000-0000-4000-8000-000000000000' } })).rejects.toMatchObject({ reason: 'Conflict' });
    await expect(cluster.ask({ verb: 'create', resource: po, name: 'a', subresource: 'eviction', object: { metadata: { name: 'b' } } })).rejects.toMatchObject({ reason: 'BadRequest', message: 'name in URL does not match name in Eviction object' });
    await budget('one', { disruptionsAllowed: 1 });
    await budget('two', { disruptionsAllowed: 1 });
    await expect(evict('a')).rejects.toMatchObject({ code: 500, message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.' });
  });
});
