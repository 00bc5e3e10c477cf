import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';

import { configMaps, daemonSets, pods, statefulSets, type ApiObject } from '@navarch/api';

import { nodeOf } from '../daemonset/daemon-pod';
import { ControllerCluster } from '../testing/cluster';
import { PodRunner } from '../testing/pod-runner';

const labels = { app: 'x' };
const template = (image: string) => ({ metadata: { labels }, spec: { containers: [{ name: 'main', image, envFrom: [{ configMapRef: { localObjectReference: { name: 'app' } } }] }] } });
const metadata = { namespace: 'default', name: 'x', annotations: { 'navarch.io/rollout-on-config-change': 'true' } };

describe('One trace', () => {
  let cluster: ControllerCluster;
  let runner: PodRunner;
  let stop: AbortController;
  /** The trace of each pod's create, in order. */
  let traces: string[];
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(new BasicTracerProvider());
  });
  afterAll(() => {
    trace.disable();
    context.disable();
  });
  beforeEach(async () => {
    cluster = new ControllerCluster();
    traces = [];
    stop = new AbortController();
    await cluster.start();
    for (const name of ['a', 'b', 'c']) await cluster.addNode(name);
    runner = new PodRunner(cluster, 'a', (pod) => ({ node: nodeOf(pod), readyAfterMs: 500 }));
    void follow(stop.signal);
    await cluster.settle();
  });
  afterEach(async () => {
    stop.abort();
    await runner.close();
    await cluster.close();
  });

  const follow = async (signal: AbortSignal): Promise<void> => {
    for await (const { type, traceparent } of cluster.api.client.resource(pods).watch({ signal, sendInitialEvents: true })) if (type === 'ADDED') traces.push(traceparent?.slice(3, 35) ?? 'none');
  };
  /** As kubectl's request would: a write under a span of its own. Answers its trace. */
  const request = async <T extends ApiObject>(write: () => Promise<T>): Promise<string> => {
    const span = trace.getTracer('test').startSpan('kubectl', {}, ROOT_CONTEXT);
    await context.with(trace.setSpan(ROOT_CONTEXT, span), write);
    span.end();
    await cluster.clock.advance(20_000);
    return span.spanContext().traceId;
  };
  const stateful = () => cluster.api.client.resource(statefulSets);
  const daemons = () => cluster.api.client.resource(daemonSets);
  const configure = async (value: string) => {
    const client = cluster.api.client.resource(configMaps);
    const next = { metadata: { namespace: 'default', name: 'app' }, data: { value } };
    return client.update(next).catch(() => client.create(next));
  };

  it('holds all pods of an ordered StatefulSet, though each waits for the one before, and all of its rolling update', async () => {
    const first = await request(() => stateful().create({ metadata, spec: { replicas: 3, selector: { matchLabels: labels }, template: template('x:1') } }));
    expect(traces).toEqual([first, first, first]);
    const set = await stateful().get('default', 'x');
    const second = await request(() => stateful().update({ ...set, spec: { ...set.spec, template: template('x:2') } }));
    expect(traces.slice(3)).toEqual([second, second, second]);
  });

  it('holds all pods of a DaemonSet and all of its rolling update', async () => {
    const first = await request(() => daemons().create({ metadata, spec: { selector: { matchLabels: labels }, template: template('x:1') } }));
    expect(traces).toEqual([first, first, first]);
    const set = await daemons().get('default', 'x');
    const second = await request(() => daemons().update({ ...set, spec: { ...set.spec, template: template('x:2') } }));
    expect(traces.slice(3)).toEqual([second, second, second]);
  });

  it('holds a rollout that a change of configuration brings, also after the quiet time', async () => {
    await configure('1');
    await request(() => stateful().create({ metadata, spec: { replicas: 2, selector: { matchLabels: labels }, template: template('x:1') } }));
    const change = await request(() => configure('2'));
    expect(traces.slice(2)).toEqual([change, change]);
  });

  it('ends when the set is as it was asked to be: a pod that is lost later begins another', async () => {
    const first = await request(() => stateful().create({ metadata, spec: { replicas: 1, selector: { matchLabels: labels }, template: template('x:1') } }));
    const loss = await request(() => cluster.api.client.resource(pods).delete('default', 'x-0', { deleteOptions: { gracePeriodSeconds: 0 } }));
    expect(traces).toEqual([first, loss]);
  });
});
