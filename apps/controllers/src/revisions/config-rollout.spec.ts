import { configMaps, controllerRevisions, daemonSets, pods, statefulSets, type ApiObject, type Resource } from '@navarch/api';
import type { DaemonSet, StatefulSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { nodeOf } from '../daemonset/daemon-pod';
import { ControllerCluster } from '../testing/cluster';
import { PodRunner } from '../testing/pod-runner';

const labels = { app: 'x' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'x:1', envFrom: [{ configMapRef: { localObjectReference: { name: 'app' } } }] }] } };
const metadata = { namespace: 'default', name: 'x', annotations: { 'navarch.io/rollout-on-config-change': 'true' } };

describe.each<[string, Resource<StatefulSet> | Resource<DaemonSet>, ApiObject]>([
  ['StatefulSet', statefulSets, { metadata, spec: { replicas: 2, selector: { matchLabels: labels }, template } } as StatefulSet],
  ['DaemonSet', daemonSets, { metadata, spec: { selector: { matchLabels: labels }, template } } as DaemonSet],
])('%s and its configuration', (_kind, resource, object) => {
  let cluster: ControllerCluster;
  let runner: PodRunner;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
    for (const name of ['a', 'b']) await cluster.addNode(name);
    runner = new PodRunner(cluster, 'a', (pod) => ({ node: nodeOf(pod) }));
    await configure('1');
  });
  afterEach(async () => {
    await runner.close();
    await cluster.close();
  });

  const sets = () => cluster.api.client.resource(resource as Resource);
  const configure = async (value: string): Promise<void> => {
    const client = cluster.api.client.resource(configMaps);
    const next = { metadata: { namespace: 'default', name: 'app' }, data: { value } };
    await client.update(next).catch(() => client.create(next));
    await cluster.clock.advance(100);
  };
  const create = async (over: ApiObject['metadata'] = {}): Promise<void> => {
    await sets().create({ ...object, metadata: { ...object.metadata, ...over } });
    await cluster.clock.advance(2_000);
  };
  const uids = async () => (await cluster.api.client.resource(pods).list()).items.map((pod) => pod.metadata?.uid).sort();
  const history = async () => (await cluster.api.client.resource(controllerRevisions).list()).items.sort((left, right) => (left.revision ?? 0) - (right.revision ?? 0));

  it('a change rolls its pods when it has settled, and the history tells what changed; its template stays as it was', async () => {
    await create();
    const [before, { spec }] = [await uids(), await sets().get('default', 'x') as StatefulSet];
    await configure('2');
    await cluster.clock.advance(2_000);
    expect(await uids()).toEqual(before);
    await cluster.clock.advance(10_000);
    const after = await uids();
    expect([after.length, after.filter((uid) => before.includes(uid))]).toEqual([2, []]);
    expect((await history()).map((each) => [each.revision, each.metadata?.annotations?.['kubernetes.io/change-cause']])).toEqual([[1, undefined], [2, 'configuration changed: configmap/app']]);
    expect((await cluster.events('ConfigurationChanged')).map(({ message }) => message)).toEqual(['Rolling out the change of configmap/app']);
    expect((await sets().get('default', 'x') as StatefulSet).spec).toEqual(spec);
  });

  it('a storm of changes makes one rollout', async () => {
    await create();
    for (let n = 2; n < 12; n++) {
      await configure(String(n));
      await cluster.clock.advance(1_000);
    }
    await cluster.clock.advance(20_000);
    expect((await history()).map(({ revision }) => revision)).toEqual([1, 2]);
  });

  it('the configuration put back makes its revision the latest again', async () => {
    await create();
    await configure('2');
    await cluster.clock.advance(20_000);
    const [first] = await history();
    await configure('1');
    await cluster.clock.advance(20_000);
    expect((await history()).map(({ metadata: { name } = {}, revision }) => [name === first?.metadata?.name, revision])).toEqual([[false, 2], [true, 3]]);
  });

  it('who does not ask is not rolled, and who asks later is rolled by later changes only', async () => {
    await create({ annotations: {} });
    const before = await uids();
    await configure('2');
    await cluster.clock.advance(20_000);
    await sets().patch('default', 'x', 'application/merge-patch+json', { metadata: { annotations: metadata.annotations } });
    await cluster.clock.advance(20_000);
    expect(await uids()).toEqual(before);
    await configure('3');
    await cluster.clock.advance(20_000);
    expect((await uids()).filter((uid) => before.includes(uid))).toEqual([]);
  });
});
