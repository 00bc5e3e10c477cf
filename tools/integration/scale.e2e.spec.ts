/**
 * Hollow nodes at scale, on a whole cluster in this process: 20 nodes and 200 pods here; NAVARCH_SCALE=full makes it 500 nodes and 5,000
 * pods (half an hour on two cores).
 */
import { deployments, events, isPodReady, nodes as nodeResource, replicaSets } from '@navarch/api';

import { changeDeployment, hollowDeployment, startHollowCluster, type HollowCluster } from '../bench/lib/hollow-cluster';

const full = process.env.NAVARCH_SCALE === 'full';
const [nodes, pods] = full ? [500, 5_000] : [20, 200];
const limitMs = full ? 1_800_000 : 480_000;
jest.setTimeout(limitMs + 30_000);

describe(`${nodes} hollow nodes`, () => {
  let cluster: HollowCluster;
  beforeAll(async () => { cluster = await startHollowCluster(nodes); });
  afterAll(() => cluster.close());

  const ready = (version: string): number => cluster.pods.list('default').filter((pod) => pod.metadata?.annotations?.version === version && !pod.metadata.deletionTimestamp && isPodReady(pod)).length;
  const settled = (count: number, version: string) => (): boolean => ready(version) === count && cluster.pods.list('default').length === count;

  it('are all Ready, each with a pod range of its own', async () => {
    const list = async () => (await cluster.client.resource(nodeResource).list()).items;
    await cluster.until('all nodes Ready', async () => (await list()).every(({ status }) => status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')), limitMs);
    expect(new Set((await list()).map(({ spec }) => spec?.podCIDR)).size).toBe(nodes);
  });

  it(`run the ${pods} pods of a Deployment, each with an address of its own, on every node, and not one pod more was made`, async () => {
    let most = 0;
    const stop = cluster.pods.onChange(() => { most = Math.max(most, cluster.pods.list('default').length); });
    await cluster.client.resource(deployments).create(hollowDeployment('big', pods));
    await cluster.until('all pods Ready', settled(pods, '1'), limitMs);
    stop();
    expect(most).toBe(pods);
    expect(new Set(cluster.pods.list('default').map(({ status }) => status?.podIP)).size).toBe(pods);
    expect(new Set(cluster.pods.list('default').map(({ spec }) => spec?.nodeName)).size).toBe(nodes);
  });

  it('roll them out, and never more than maxSurge allows exist, nor fewer than maxUnavailable allows are ready', async () => {
    let [most, fewest] = [0, Infinity];
    const stop = cluster.pods.onChange(() => {
      const alive = cluster.pods.list('default').filter(({ metadata }) => !metadata?.deletionTimestamp);
      most = Math.max(most, alive.length);
      fewest = Math.min(fewest, alive.filter(isPodReady).length);
    });
    await changeDeployment(cluster.client, 'big', (deployment) => ({ ...deployment, spec: { ...deployment.spec, template: { metadata: { annotations: { version: '2' } } } } }));
    await cluster.until('all pods rolled', settled(pods, '2'), limitMs);
    stop();
    expect(most).toBeLessThanOrEqual(Math.ceil(pods * 1.25));
    expect(fewest).toBeGreaterThanOrEqual(Math.ceil(pods * 0.75));
  });

  it('are scaled down, and then nothing is left of the Deployment: no pod, no ReplicaSet, no sandbox; Events stay in bounds', async () => {
    await changeDeployment(cluster.client, 'big', (deployment) => ({ ...deployment, spec: { ...deployment.spec, replicas: pods / 10 } }));
    await cluster.until('scaled down', settled(pods / 10, '2'), limitMs);
    await cluster.client.resource(deployments).delete('default', 'big');
    const sets = async () => (await cluster.client.resource(replicaSets).list({ namespace: 'default' })).items.length;
    const sandboxes = async () => (await Promise.all(cluster.nodes.map(({ runtime }) => runtime.listPodSandboxes()))).flat().length;
    await cluster.until('nothing left', async () => cluster.pods.list('default').length + (await sets()) + (await sandboxes()) === 0, limitMs);
    // Scheduled, pulled or present, created, started, killed, and a few of each workload: per pod of either version.
    expect((await cluster.client.resource(events).list({ namespace: 'default' })).items.length).toBeLessThan(8 * 2 * pods);
  });
});
