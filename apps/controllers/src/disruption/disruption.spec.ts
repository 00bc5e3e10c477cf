import { deployments, intOrString, jobs, ownerReference, podDisruptionBudgets, pods, replicaSets, timeFromMs } from '@navarch/api';
import type { PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from '@navarch/proto/k8s/io/api/policy/v1/policy';

import { ControllerCluster } from '../testing/cluster';

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };
const selector = { matchLabels: { app: 'web' } };
let cluster: ControllerCluster;
beforeEach(async () => {
  cluster = new ControllerCluster();
  await cluster.start();
  await cluster.addNode('node-1');
});
afterEach(() => cluster.close());

const budgets = () => cluster.api.client.resource(podDisruptionBudgets);
const make = async (spec: PodDisruptionBudgetSpec): Promise<void> => {
  await budgets().create({ metadata: { namespace: 'default', name: 'web' }, spec: { selector, ...spec } });
  await cluster.settle();
};
const numbers = async (): Promise<number[]> => {
  await cluster.clock.advance(1_000);
  const { expectedPods = 0, desiredHealthy = 0, currentHealthy = 0, disruptionsAllowed = 0 }: PodDisruptionBudgetStatus = (await budgets().get('default', 'web')).status ?? {};
  return [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed];
};
/** Every pod runs and is ready. */
const allReady = async (): Promise<void> => {
  const client = cluster.api.client.resource(pods);
  for (const { metadata, spec } of (await client.list()).items) {
    const name = metadata?.name ?? '';
    if (!spec?.nodeName) await cluster.api.client.bindPod({ metadata: { namespace: 'default', name }, target: { kind: 'Node', name: 'node-1' } });
    const bound = await client.get('default', name);
    await client.updateStatus({ ...bound, status: { ...bound.status, phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } });
  }
  await cluster.settle();
};

describe('the disruption controller', () => {
  it('counts against the size of the Deployment above the ReplicaSet of the pods', async () => {
    await cluster.api.client.resource(deployments).create({ metadata: { namespace: 'default', name: 'web' }, spec: { replicas: 4, selector, template } });
    await cluster.clock.advance(1_000);
    await allReady();
    await make({ maxUnavailable: intOrString('25%') });
    expect(await numbers()).toEqual([4, 3, 4, 1]);
  });

  it('counts against the size of any kind that has a scale, and follows its pods', async () => {
    await cluster.api.client.resource(replicaSets).create({ metadata: { namespace: 'default', name: 'web' }, spec: { replicas: 3, selector, template } });
    await cluster.clock.advance(1_000);
    await make({ minAvailable: intOrString('60%') });
    expect(await numbers()).toEqual([3, 2, 0, 0]);
    await allReady();
    expect(await numbers()).toEqual([3, 2, 3, 1]);
  });

  it('allows nothing for pods of a controller without a size, and says so', async () => {
    const job = await cluster.api.client.resource(jobs).create({ metadata: { namespace: 'default', name: 'work' }, spec: { managedBy: 'example.com/queue', template: { spec: { ...template.spec, restartPolicy: 'Never' } } } });
    await cluster.api.client.resource(pods).create({ metadata: { namespace: 'default', name: 'p', labels: { app: 'web' }, ownerReferences: [ownerReference(jobs, job)] }, spec: template.spec });
    await make({ maxUnavailable: intOrString(1) });
    expect(await numbers()).toEqual([0, 0, 0, 0]);
    expect((await budgets().get('default', 'web')).status?.conditions).toMatchObject([{ status: 'False', reason: 'SyncFailed', message: 'found no controllers for pod "p"' }]);
    expect(await cluster.events('CalculateExpectedPodCountFailed')).toHaveLength(1);
  });

  it('says when it selects nothing, and when nobody manages what it selects', async () => {
    await make({ maxUnavailable: intOrString(1) });
    await cluster.clock.advance(1_000);
    expect(await cluster.events('NoPods')).toHaveLength(1);
    await cluster.api.client.resource(pods).create({ metadata: { namespace: 'default', name: 'lone', labels: { app: 'web' } }, spec: template.spec });
    await cluster.clock.advance(1_000);
    expect(await cluster.events('UnmanagedPods')).toHaveLength(1);
  });

  it('gives back what an eviction took whose pod was not deleted within two minutes, and says so', async () => {
    await cluster.addPod('a', 'node-1');
    await cluster.api.client.resource(pods).patch('default', 'a', 'application/merge-patch+json', { metadata: { labels: { app: 'web' } } });
    await make({ minAvailable: intOrString(0) });
    expect(await numbers()).toEqual([1, 0, 1, 1]);
    const budget = await budgets().get('default', 'web');
    await budgets().updateStatus({ ...budget, status: { ...budget.status, disruptionsAllowed: undefined, disruptedPods: { a: timeFromMs(cluster.clock.now()) } } });
    expect(await numbers()).toEqual([1, 0, 0, 0]);
    await cluster.clock.advance(120_000);
    expect([await numbers(), (await budgets().get('default', 'web')).status?.disruptedPods]).toEqual([[1, 0, 1, 1], undefined]);
    expect(await cluster.events('NotDeleted')).toHaveLength(1);
  });

  it('writes nothing when nothing has changed', async () => {
    await make({ minAvailable: intOrString(1) });
    await numbers();
    const before = cluster.api.writes.length;
    await cluster.clock.advance(600_000);
    expect(cluster.api.writes.slice(before).filter((write) => write.includes('poddisruptionbudgets'))).toEqual([]);
  });
});
