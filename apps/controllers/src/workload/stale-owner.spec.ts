/** A controller whose cache has not heard that an owner went makes its dependents anew, which the garbage collector takes away again. */
import { deployments, pods, replicaSets, statefulSets, type ApiObject, type Resource } from '@navarch/api';
import { isNotFound, seededRandom, silentLogger } from '@navarch/base';
import { createInformer } from '@navarch/client';

import { ControllerCluster } from '../testing/cluster';

const selector = { matchLabels: { app: 'web' } };
const template = { metadata: { labels: selector.matchLabels }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };
const workload = (more: object = {}): ApiObject => ({ metadata: { namespace: 'default', name: 'web' }, spec: { replicas: 1, selector, template, ...more } }) as ApiObject;
const seconds = 120;
const atOnce = { deleteOptions: { gracePeriodSeconds: 0, propagationPolicy: 'Background' } };

const unlessGone = (thrown: unknown): void => {
  if (!isNotFound(thrown)) throw thrown;
};

describe('a controller whose cache still has an owner that is gone', () => {
  let cluster: ControllerCluster;
  const stop = new AbortController();
  beforeEach(async () => {
    cluster = new ControllerCluster();
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
      void api.client.resource(resource).delete(metadata.namespace ?? '', metadata.name ?? '', atOnce).catch(unlessGone);
    });
    informer.start(stop.signal);
  };

  const cases: readonly [string, Resource<ApiObject>, Resource<ApiObject>, ApiObject, boolean][] = ([
    ['Deployment', deployments, replicaSets, workload()], ['ReplicaSet', replicaSets, pods, workload()],
    ['StatefulSet', statefulSets, pods, workload({ serviceName: 'web' })],
  ] as const).flatMap(([kind, owners, dependents, object]) => [false, true].map((replaced) => [kind, owners as never, dependents as never, object, replaced] as const)) as never;

  it.each(cases)('a %s makes dependents for it once a second at most, until it hears', async (_kind, owners, dependents, object, replaced) => {
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
    expect(made()).toBeGreaterThan(before);
    expect(made() - before).toBeLessThanOrEqual(seconds + 20);
    resume();
    await clock.advance(90_000);
    const { items } = await api.client.resource(dependents).list({ namespace: 'default' });
    expect(items).toHaveLength(replaced ? 1 : 0);
  });
});
