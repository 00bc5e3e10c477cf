import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { endpointSlices, nodes, pods, services } from '@navarch/api';
import type { Pod, Service, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { ControllerCluster } from '../testing/cluster';

describe('EndpointSlices', () => {
  let cluster: ControllerCluster;
  beforeEach(() => {
    cluster = new ControllerCluster();
  });
  afterEach(() => cluster.close());

  const client = () => cluster.api.client;
  const addService = (name: string, spec: ServiceSpec = {}): Promise<Service> =>
    client().resource(services).create({ metadata: { namespace: 'default', name }, spec: { ports: [{ port: 80 }], ipFamilies: ['IPv4'], selector: { app: name }, ...spec } });
  const addPod = async (name: string, app: string, ip: string, node?: string): Promise<Pod> => {
    await client().resource(pods).create({ metadata: { namespace: 'default', name, labels: { app } }, spec: { containers: [{ name: 'main', image: 'x' }], nodeName: node } });
    return report(name, ip);
  };
  const report = async (name: string, ip: string, ready = true): Promise<Pod> => {
    const pod = await client().resource(pods).get('default', name);
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: { seconds: Math.floor(cluster.clock.now() / 1_000) } }];
    return client().resource(pods).updateStatus({ ...pod, status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions } });
  };
  const slicesOf = async (name: string): Promise<EndpointSlice[]> => (await client().resource(endpointSlices).list()).items.filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === name);
  const endpointsOf = async (name: string): Promise<string[]> =>
    (await slicesOf(name)).flatMap(({ endpoints = [] }) => endpoints.map(({ addresses, conditions }) => `${addresses?.[0]} ${conditions?.ready ? 'ready' : 'not ready'}`)).sort();
  const sliceWrites = (): number => cluster.api.writes.filter((write) => write.includes(' endpointslices ')).length;

  it('follow pods at once: no time has to pass between a change and its slice', async () => {
    await cluster.start();
    await addService('web');
    await addPod('a', 'web', '10.0.0.1');
    await addPod('other', 'db', '10.0.0.9');
    await cluster.settle();
    expect(await endpointsOf('web')).toEqual(['10.0.0.1 ready']);
    await addPod('b', 'web', '10.0.0.2');
    await report('a', '10.0.0.1', false);
    await cluster.settle();
    expect(await endpointsOf('web')).toEqual(['10.0.0.1 not ready', '10.0.0.2 ready']);
    await client().resource(pods).delete('default', 'a');
    await cluster.settle();
    expect(await endpointsOf('web')).toEqual(['10.0.0.2 ready']);
    expect((await slicesOf('web')).length).toBe(1);
  });

  it('a pod that loses the label leaves, a selector that changes brings others', async () => {
    await cluster.start();
    await addService('web');
    await addPod('a', 'web', '10.0.0.1');
    await addPod('b', 'db', '10.0.0.2');
    await cluster.settle();
    await client().resource(pods).patch('default', 'a', 'application/merge-patch+json', { metadata: { labels: { app: 'none' } } });
    await cluster.settle();
    expect(await endpointsOf('web')).toEqual([]);
    await client().resource(services).patch('default', 'web', 'application/merge-patch+json', { spec: { selector: { app: 'db' } } });
    await cluster.settle();
    expect(await endpointsOf('web')).toEqual(['10.0.0.2 ready']);
  });

  it('bear the trace of the pod that they tell of as their origin, to whoever watches them', async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(new BasicTracerProvider());
    try {
      await cluster.start();
      await addService('web');
      await addPod('a', 'web', '10.0.0.1');
      await cluster.settle();
      const watching = new AbortController();
      const heard: (string | undefined)[] = [];
      const watch = (async () => {
        for await (const { type, origin } of client().resource(endpointSlices).watch({ signal: watching.signal, resourceVersion: (await client().resource(endpointSlices).list()).resourceVersion })) if (type === 'MODIFIED') heard.push(origin?.split('-')[1]);
      })().catch(() => undefined);
      await cluster.settle();
      const traceId = 'a'.repeat(32);
      await context.with(trace.setSpanContext(context.active(), { traceId, spanId: 'b'.repeat(16), traceFlags: 1 }), () => addPod('b', 'web', '10.0.0.2'));
      await cluster.settle();
      expect([await endpointsOf('web'), heard]).toEqual([['10.0.0.1 ready', '10.0.0.2 ready'], [traceId]]);
      watching.abort(new Error('heard'));
      await watch;
    } finally {
      trace.disable();
      context.disable();
    }
  });

  it('carry the time of the change that they tell of', async () => {
    await cluster.start();
    await addService('web');
    await cluster.settle();
    await addPod('a', 'web', '10.0.0.1');
    await cluster.settle();
    await cluster.clock.advance(60_000);
    const [before] = await slicesOf('web');
    await report('a', '10.0.0.1', false);
    await cluster.settle();
    const [after] = await slicesOf('web');
    const trigger = (slice: EndpointSlice | undefined): number => Date.parse(slice?.metadata?.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'] ?? '');
    expect(trigger(after) - trigger(before)).toBe(60_000);
  });

  it('of a Service without a selector are nobody’s business here', async () => {
    await cluster.start();
    await addService('manual', { selector: undefined });
    await client().resource(endpointSlices).create({ metadata: { namespace: 'default', name: 'mine', labels: { 'kubernetes.io/service-name': 'manual' } }, addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.1'] }] });
    await addPod('a', 'manual', '10.0.0.1');
    await cluster.settle();
    expect((await slicesOf('manual')).map(({ metadata }) => metadata?.name)).toEqual(['mine']);
  });

  it('go with their Service, and when it becomes another name; what others manage stays', async () => {
    await cluster.start();
    await addService('web');
    await addService('moved');
    await client().resource(endpointSlices).create({ metadata: { namespace: 'default', name: 'mine', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4', endpoints: [] });
    await cluster.settle();
    await client().resource(services).delete('default', 'web');
    await client().resource(services).patch('default', 'moved', 'application/merge-patch+json', { spec: { type: 'ExternalName', externalName: 'a.example' } });
    await cluster.settle();
    expect([(await slicesOf('web')).map(({ metadata }) => metadata?.name), await slicesOf('moved')]).toEqual([['mine'], []]);
  });

  it('are mended when somebody deletes or changes one', async () => {
    await cluster.start();
    await addService('web');
    await addPod('a', 'web', '10.0.0.1');
    await cluster.settle();
    const [slice] = await slicesOf('web');
    await client().resource(endpointSlices).update({ ...slice, endpoints: [] });
    await cluster.settle();
    expect(await endpointsOf('web')).toEqual(['10.0.0.1 ready']);
    await client().resource(endpointSlices).delete('default', slice?.metadata?.name ?? '');
    await cluster.settle();
    expect(await endpointsOf('web')).toEqual(['10.0.0.1 ready']);
  });

  it('learn of a node’s zone when it gets one', async () => {
    await cluster.start();
    await cluster.addNode('n');
    await addService('web', { trafficDistribution: 'PreferClose' });
    await addPod('a', 'web', '10.0.0.1', 'n');
    await cluster.settle();
    await client().resource(nodes).patch('', 'n', 'application/merge-patch+json', { metadata: { labels: { 'topology.kubernetes.io/zone': 'east' } } });
    await cluster.settle();
    expect((await slicesOf('web'))[0]?.endpoints?.[0]).toMatchObject({ zone: 'east', hints: { forZones: [{ name: 'east' }] } });
  });

  it('nothing is written for a change of a pod that no endpoint shows', async () => {
    await cluster.start();
    await addService('web');
    const pod = await addPod('a', 'web', '10.0.0.1');
    await cluster.settle();
    const writes = sliceWrites();
    await client().resource(pods).updateStatus({ ...pod, status: { ...pod.status, message: 'busy' } });
    await client().resource(pods).patch('default', 'a', 'application/merge-patch+json', { metadata: { annotations: { note: 'x' } } });
    await cluster.settle();
    expect(sliceWrites()).toBe(writes);
  });

  it('one pod’s change costs the Services that select it, not all there are', async () => {
    const reconciled: string[] = [];
    await cluster.start();
    for (let index = 0; index < 200; index++) await addService(`s${index}`);
    await addPod('a', 's7', '10.0.0.1');
    await cluster.settle();
    const before = cluster.api.writes.length;
    await report('a', '10.0.0.1', false);
    await cluster.settle();
    reconciled.push(...cluster.api.writes.slice(before).filter((write) => write.includes('endpoint')));
    expect(reconciled.every((write) => write.includes('default/s7'))).toBe(true);
    expect(reconciled.length).toBeGreaterThan(0);
  });

  it('a write that fails is tried again until the slices are right', async () => {
    await cluster.start();
    await addService('web');
    cluster.api.failNext('create', new Error('lost'), { plural: 'endpointslices', landed: true });
    await addPod('a', 'web', '10.0.0.1');
    await cluster.clock.advance(5_000);
    expect(await endpointsOf('web')).toEqual(['10.0.0.1 ready']);
    expect((await slicesOf('web')).length).toBe(1);
  });
});
