import { deployments, horizontalPodAutoscalers, podMetrics, pods, replicaSets, replicationControllers, statefulSets, timeFromMs, type Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import type { Deployment, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { ReplicationController } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ControllerCluster } from '../testing/cluster';
import type { MetricsSource } from './metrics-source';

const template = (app: string) => ({ metadata: { labels: { app } }, spec: { containers: [{ name: 'main', image: 'i', resources: { requests: { cpu: { string: '100m' }, memory: { string: '64Mi' } } } }] } });
const cpu = (averageUtilization: number): MetricSpec => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } });
const atOnce = { scaleDown: { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }], selectPolicy: 'Max' } };

let cluster: ControllerCluster;
beforeEach(async () => {
  cluster = new ControllerCluster();
  await cluster.addNamespace('default');
  await cluster.runPods();
});
afterEach(() => cluster.close());

async function deploy(replicas: number, app = 'web', over: Deployment['spec'] = {}): Promise<void> {
  await cluster.api.client.resource(deployments).create({ metadata: { namespace: 'default', name: app }, spec: { replicas, selector: { matchLabels: { app } }, template: template(app), ...over } });
  await cluster.clock.advance(2_000);
}
async function autoscale(spec: HorizontalPodAutoscalerSpec = {}, name = 'web'): Promise<void> {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  await cluster.api.client.resource(horizontalPodAutoscalers).create({ metadata: { namespace: 'default', name }, spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 10, metrics: [cpu(50)], ...spec } });
}
/** Every pod there is uses so much, as measured now. */
async function use(milliCores: number, container = 'main'): Promise<void> {
  const client = cluster.api.client.resource(podMetrics);
  for (const { metadata = {} } of (await client.list()).items) await client.delete('default', metadata.name ?? '');
  for (const { metadata } of (await cluster.api.client.resource(pods).list()).items) {
    await client.create({
      metadata: { namespace: 'default', name: metadata?.name, labels: metadata?.labels }, timestamp: timeFromMs(cluster.clock.now()), window: { duration: 10_000_000_000 },
      containers: [{ name: container, usage: { cpu: { string: `${milliCores}m` }, memory: { string: '32Mi' } } }],
    });
  }
}
/** Long enough for pods' CPU to count. */
const mature = (): Promise<void> => cluster.clock.advance(300_000);
const period = (): Promise<void> => cluster.clock.advance(15_100);
const replicas = async (name = 'web'): Promise<number> => (await cluster.api.client.resource(deployments).get('default', name)).spec?.replicas ?? 0;
const autoscaler = (name = 'web'): Promise<HorizontalPodAutoscaler> => cluster.api.client.resource(horizontalPodAutoscalers).get('default', name);
const condition = async (type: string, name = 'web'): Promise<string> => {
  const found = (await autoscaler(name)).status?.conditions?.find((each) => each.type === type);
  return found ? `${found.status} ${found.reason}` : 'none';
};
const told = async (reason: string): Promise<string[]> => (await cluster.events(reason)).map(({ message = '' }) => message);

describe('an autoscaler', () => {
  it('sizes a Deployment by what its pods use of what they request, and says so', async () => {
    await cluster.start();
    await deploy(2);
    await mature();
    await use(100);
    await autoscale();
    await cluster.clock.advance(1_000);
    expect(await replicas()).toBe(4);
    expect((await autoscaler()).status).toMatchObject({ currentReplicas: 2, desiredReplicas: 4, currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 100, averageValue: { string: '100m' } } } }] });
    expect((await autoscaler()).status?.lastScaleTime).toBeDefined();
    expect([await condition('AbleToScale'), await condition('ScalingActive'), await condition('ScalingLimited')]).toEqual(['True SucceededRescale', 'True ValidMetricFound', 'False DesiredWithinRange']);
    expect(await told('SuccessfulRescale')).toEqual(['New size: 4; reason: cpu resource utilization (percentage of request) above target']);
  });

  it('looks every fifteen seconds, whatever its own status writes and other changes wake', async () => {
    await cluster.start();
    await deploy(2);
    await mature();
    await use(50);
    await autoscale();
    await cluster.clock.advance(1_000);
    const list = jest.spyOn(cluster.api.client.resource(podMetrics), 'list');
    await cluster.clock.advance(61_000);
    expect(list.mock.calls.length).toBe(4);
    expect(await replicas()).toBe(2);
  });

  it('shrinks when the load ends: held up by the last five minutes, or at once where its behaviour says so', async () => {
    await cluster.start();
    await deploy(4);
    await mature();
    await use(50);
    await autoscale();
    await period();
    await use(5);
    await period();
    expect([await replicas(), await condition('AbleToScale')]).toEqual([4, 'True ScaleDownStabilized']);
    const client = cluster.api.client.resource(horizontalPodAutoscalers);
    const current = await autoscaler();
    await client.update({ ...current, spec: { ...current.spec, behavior: atOnce } });
    await cluster.clock.advance(1_000);
    expect(await replicas()).toBe(1);
    expect(await told('SuccessfulRescale')).toEqual(['New size: 1; reason: All metrics below target']);
  });

  it('brings a size outside of its bounds back, without asking for figures', async () => {
    await cluster.start();
    await deploy(1);
    await autoscale({ minReplicas: 3 });
    await cluster.clock.advance(1_000);
    expect(await replicas()).toBe(3);
    expect(await told('SuccessfulRescale')).toEqual(['New size: 3; reason: Current number of replicas below Spec.MinReplicas']);
  });

  it('leaves a target alone that was scaled to zero', async () => {
    await cluster.start();
    await deploy(0);
    await autoscale();
    await cluster.clock.advance(1_000);
    expect([await replicas(), await condition('ScalingActive')]).toEqual([0, 'False ScalingDisabled']);
  });

  it('sizes a Deployment whose rollout is paused', async () => {
    await cluster.start();
    await deploy(2);
    await cluster.api.client.resource(deployments).patch('default', 'web', 'application/merge-patch+json', { spec: { paused: true } });
    await mature();
    await use(100);
    await autoscale();
    await cluster.clock.advance(1_000);
    expect(await replicas()).toBe(4);
  });

  it('sizes a StatefulSet, by one container alone', async () => {
    await cluster.start();
    await cluster.api.client.resource(statefulSets).create({ metadata: { namespace: 'default', name: 'db' }, spec: { replicas: 1, serviceName: 'db', podManagementPolicy: 'Parallel', selector: { matchLabels: { app: 'db' } }, template: template('db') } });
    await mature();
    await use(150);
    await autoscale({ scaleTargetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' }, metrics: [{ type: 'ContainerResource', containerResource: { name: 'cpu', container: 'main', target: { type: 'AverageValue', averageValue: { string: '50m' } } } }] });
    await cluster.clock.advance(1_000);
    expect((await cluster.api.client.resource(statefulSets).get('default', 'db')).spec?.replicas).toBe(3);
  });

  it.each<[string, string, Resource<ReplicaSet> | Resource<ReplicationController>]>([['ReplicaSet', 'apps/v1', replicaSets], ['ReplicationController', 'v1', replicationControllers]])('sizes a %s', async (kind, apiVersion, resource) => {
    await cluster.start();
    const client = cluster.api.client.resource(resource as Resource<ReplicaSet>);
    const selector = kind === 'ReplicaSet' ? { matchLabels: { app: 'web' } } : { app: 'web' };
    await client.create({ metadata: { namespace: 'default', name: 'set' }, spec: { replicas: 2, selector, template: template('web') } } as ReplicaSet);
    await mature();
    await use(100);
    await autoscale({ scaleTargetRef: { apiVersion, kind, name: 'set' }, behavior: atOnce });
    await cluster.clock.advance(2_000);
    expect((await client.get('default', 'set')).spec?.replicas).toBe(4);
    expect((await cluster.api.client.resource(pods).list()).items).toHaveLength(4);
    await mature();
    await use(10);
    await period();
    await cluster.clock.advance(60_000);
    expect((await client.get('default', 'set')).spec?.replicas).toBe(1);
    expect(await condition('ScalingActive')).toBe('True ValidMetricFound');
  });

  it('of several metrics the one that asks for most decides, from every source', async () => {
    const source: MetricsSource = {
      resource: async () => new Map(), pods: async () => new Map((await cluster.podNames()).map((name) => [name, { milli: 20_000, atMs: cluster.clock.now(), windowMs: 1_000 }])),
      object: async () => 60_000, external: async () => [40_000, 30_000],
    };
    await cluster.start({ metrics: source });
    await deploy(2);
    const metrics: MetricSpec[] = [
      { type: 'Pods', pods: { metric: { name: 'rate' }, target: { type: 'AverageValue', averageValue: { string: '10' } } } },
      { type: 'Object', object: { metric: { name: 'hits' }, describedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'main' }, target: { type: 'Value', value: { string: '20' } } } },
      { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: { string: '10' } } } },
    ];
    await autoscale({ metrics, behavior: { scaleUp: { policies: [{ type: 'Pods', value: 9, periodSeconds: 15 }] } } });
    await cluster.clock.advance(1_000);
    expect(await replicas()).toBe(7);
    expect((await autoscaler()).status?.currentMetrics).toMatchObject([
      { pods: { current: { averageValue: { string: '20' } } } }, { object: { current: { value: { string: '60' } } } }, { external: { current: { averageValue: { string: '35' } } } },
    ]);
    expect(await told('SuccessfulRescale')).toEqual(['New size: 7; reason: external metric queue above target']);
  });
});

describe('an autoscaler that cannot do its work says why, and tries again once a period', () => {
  it('figures are missing', async () => {
    await cluster.start();
    await deploy(2);
    await autoscale();
    await cluster.clock.advance(1_000);
    expect((await autoscaler()).status?.conditions?.find(({ type }) => type === 'ScalingActive')).toMatchObject({
      status: 'False', reason: 'FailedGetResourceMetric',
      message: 'the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    });
    const writes = cluster.api.writes.filter((write) => write.includes('horizontalpodautoscalers')).length;
    await cluster.clock.advance(45_100);
    expect(cluster.api.writes.filter((write) => write.includes('horizontalpodautoscalers')).length).toBe(writes);
    const [event] = await cluster.events('FailedGetResourceMetric');
    expect(event?.count).toBe(4);
    expect(await replicas()).toBe(2);
  });

  it.each<[string, MetricSpec, string, string]>([
    ['a pods metric where nobody serves custom metrics', { type: 'Pods', pods: { metric: { name: 'rate' }, target: { type: 'AverageValue', averageValue: { string: '10' } } } }, 'FailedGetPodsMetric', 'no custom metrics API (custom.metrics.k8s.io) registered'],
    ['an object metric where nobody serves custom metrics', { type: 'Object', object: { metric: { name: 'hits' }, describedObject: { kind: 'Service', name: 's' }, target: { type: 'Value', value: { string: '10' } } } }, 'FailedGetObjectMetric', 'no custom metrics API (custom.metrics.k8s.io) registered'],
    ['an external metric where nobody serves any', { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: { string: '10' } } } }, 'FailedGetExternalMetric', 'no external metrics API (external.metrics.k8s.io) registered'],
    ['a container that the pods have not', { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'other', target: { type: 'Utilization', averageUtilization: 50 } } }, 'FailedGetContainerResourceMetric', 'container other not present in metrics for pod default/web-'],
  ])('%s', async (_name, metric, reason, message) => {
    await cluster.start();
    await deploy(1);
    await use(10);
    await autoscale({ metrics: [metric] });
    await cluster.clock.advance(1_000);
    expect(await condition('ScalingActive')).toBe(`False ${reason}`);
    expect((await told(reason))[0]).toContain(message);
    expect((await told('FailedComputeMetricsReplicas'))[0]).toContain('invalid metrics (1 invalid out of 1), first error is: ');
  });

  it('some figures are missing: the others may make it grow, but not shrink', async () => {
    const missing: MetricSpec = { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'Value', value: { string: '10' } } } };
    await cluster.start();
    await deploy(2);
    await mature();
    await use(100);
    await autoscale({ metrics: [cpu(50), missing], behavior: atOnce });
    await cluster.clock.advance(1_000);
    expect(await replicas()).toBe(4);
    await mature();
    await use(5);
    await period();
    expect([await replicas(), await condition('ScalingActive')]).toEqual([4, 'False FailedGetExternalMetric']);
  });

  it('pods that request nothing', async () => {
    await cluster.start();
    await deploy(1, 'web', { template: { ...template('web'), spec: { containers: [{ name: 'main', image: 'i' }] } } });
    await mature();
    await use(10);
    await autoscale();
    await cluster.clock.advance(1_000);
    expect((await told('FailedGetResourceMetric'))[0]).toMatch(/missing request for cpu in container main of Pod web-/);
  });

  it('a target that does not exist, or has no size', async () => {
    await cluster.start();
    await autoscale();
    await autoscale({ scaleTargetRef: { apiVersion: 'v1', kind: 'ConfigMap', name: 'c' } }, 'other');
    await cluster.clock.advance(1_000);
    expect([await condition('AbleToScale'), await condition('AbleToScale', 'other')]).toEqual(['False FailedGetScale', 'False FailedGetScale']);
    expect((await told('FailedGetScale')).sort()).toEqual(['configmaps "c" has no scale', 'deployments "web" not found']);
  });

  it('two autoscalers of the same pods', async () => {
    await cluster.start();
    await deploy(2);
    await mature();
    await use(50);
    await autoscale();
    await autoscale({}, 'second');
    await period();
    await period();
    expect([await condition('ScalingActive'), await condition('ScalingActive', 'second')]).toEqual(['False AmbiguousSelector', 'False AmbiguousSelector']);
    expect((await told('AmbiguousSelector'))[0]).toBe('pods by selector app=web are controlled by multiple HPAs: [default/second default/web]');
    await cluster.api.client.resource(horizontalPodAutoscalers).delete('default', 'second');
    await period();
    expect(await condition('ScalingActive')).toBe('True ValidMetricFound');
  });

  it('a size that cannot be written', async () => {
    await cluster.start();
    await deploy(1);
    cluster.api.failNext('update', new ApiError('Forbidden', 'not now'), { plural: 'deployments' });
    await autoscale({ minReplicas: 3 });
    await cluster.clock.advance(1_000);
    expect([await replicas(), await condition('AbleToScale')]).toEqual([1, 'False FailedUpdateScale']);
    expect(await told('FailedRescale')).toEqual(['New size: 3; reason: Current number of replicas below Spec.MinReplicas; error: not now']);
    await period();
    expect(await replicas()).toBe(3);
  });
});
