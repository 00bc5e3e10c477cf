/** A controller whose cache has not heard that an owner went makes its dependents anew, which the garbage collector takes away again. */
import { daemonSets, deployments, jobs, pods, replicaSets, statefulSets, type ApiObject, type Resource } from '@navarch/api';
import { isNotFound, seededRandom, silentLogger } from '@navarch/base';
import { createInformer } from '@navarch/client';

import { ControllerCluster } from '../testing/cluster';

const selector = { matchLabels: { app: 'web' } };
const template = { metadata: { labels: selector.matchLabels }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };
const workload = (more: object = {}): ApiObject => ({ metadata: { namespace: 'default', name: 'web' }, spec: { replicas: 1, selector, template, ...more } }) as ApiObject;
const job = { metadata: { namespace: 'default', name: 'web' }, spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } } as ApiObject;
const seconds = 60;
jest.setTimeout(60_000);
const atOnce = { deleteOptions: { gracePeriodSeconds: 0, propagationPolicy: 'Background' } };

const unlessGone = (thrown: unknown): void => {
  if (!isNotFound(thrown)) throw thrown;
};

describe('a controller whose cache still has an owner that is gone', () => {
  let cluster: ControllerCluster;
  let stop: AbortController;
  let collected: number;
  beforeEach(async () => {
    stop = new AbortController();
    collected = 0;
    cluster = new ControllerCluster();
    await cluster.addNode('node-1');
    await cluster.start();
  });
  afterEach(async () => {
    stop.abort(new Error('the test ends'));
    await cluster.close();
  });

  /** As a garbage collector with a current cache does, without taking any time. */
  const collect = (resource: Resource<ApiObject>, ownerUid: string): void => {
    const { clock, api } = cluster;
    const informer = createInformer({ client: api.client.resource(resource), resource, clock, random: seededRandom(1), logger: silentLogger });
    informer.onChange(({ type, object: { metadata } }) => {
      if (type !== 'ADDED' || !metadata?.ownerReferences?.some(({ uid }) => uid === ownerUid)) return;
      collected += 1;
      void api.client.resource(resource).delete(metadata.namespace ?? '', metadata.name ?? '', atOnce).catch(unlessGone);
    });
    informer.start(stop.signal);
  };

  const cases: readonly [string, string, Resource<ApiObject>, Resource<ApiObject>, ApiObject][] = ([
    ['Deployment', deployments, replicaSets, workload()], ['ReplicaSet', replicaSets, pods, workload()],
    ['StatefulSet', statefulSets, pods, workload({ serviceName: 'web' })],
    ['DaemonSet', daemonSets, pods, workload({ replicas: undefined })], ['Job', jobs, pods, job],
  ] as const).flatMap(([kind, owners, dependents, object]) => ['is gone', 'was replaced'].map((end) => [kind, end, owners as never, dependents as never, object] as const)) as never;

  it.each(cases)('a %s that %s gets dependents once a second at most, and none once it is heard of', async (_kind, end, owners, dependents, object) => {
    const replaced = end === 'was replaced';
    const { api, clock } = cluster;
    const client = api.client.resource(owners);
    const first = await client.create(object);
    await clock.advance(1_000);
    const resume = api.pauseWatches(owners.plural);
    await client.delete('default', 'web', { deleteOptions: { propagationPolicy: 'Background' } });
    if (replaced) await client.create(object);
    const made = (): number => api.writes.filter((write) => write.startsWith(`create ${dependents.plural} `)).length;
    const before = made();
    collect(dependents, first.metadata?.uid ?? '');
    await clock.advance(seconds * 1_000);
    expect(collected).toBeGreaterThan(0);
    expect(made() - before).toBeLessThanOrEqual(seconds + 20);
    resume();
    await clock.advance(90_000);
    const { items } = await api.client.resource(dependents).list({ namespace: 'default' });
    expect(items.filter(({ metadata }) => metadata?.ownerReferences?.[0]?.uid === first.metadata?.uid)).toEqual([]);
    expect(items).toHaveLength(replaced ? 1 : 0);
  });
});
