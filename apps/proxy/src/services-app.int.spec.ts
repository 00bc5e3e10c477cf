import { createServer, type AddressInfo } from 'node:net';

import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { endpointSlices, events, networkPolicies, nodes, pods, services } from '@navarch/api';
import { seededRandom, silentLogger, systemClock } from '@navarch/base';
import { createMemoryApi, type MemoryApi } from '@navarch/client/testing';

import { requireKernel, runProxy, type Proxy } from './app';
import { cleanUp } from './clean-up';
import { createNftProcess } from './nft/nft-process';
import { createConntrack } from './services/flows';
import { createHealthPorts } from './services/health-ports';
import { MemoryRouteTable } from './testing/memory-route-table';
import { createLab, type Lab } from './testing/lab';
import { portOf, serviceOf, sliceOf } from './testing/objects';

describe('the proxy between the API and a real kernel', () => {
  let lab: Lab;
  let api: MemoryApi;
  let proxy: Proxy | undefined;
  const routes = new MemoryRouteTable([]);

  beforeAll(async () => {
    lab = createLab(['192.0.2.1/32']);
    lab.addHost('pod1', ['10.244.0.11']);
    lab.addHost('pod2', ['10.244.0.12']);
    for (const [host, address] of [['pod1', '10.244.0.11'], ['pod2', '10.244.0.12']] as const) await lab.serve(host, address, 8080);
  });
  afterAll(() => lab?.close());
  beforeEach(() => {
    api = createMemoryApi({ clock: systemClock, random: seededRandom(1) });
  });
  afterEach(async () => {
    await proxy?.close();
    proxy = undefined;
    lab.nft('flush', 'ruleset');
  });

  const nft = () => createNftProcess({ command: [...lab.inNode, 'nft'], clock: systemClock });
  function start(driftPeriodMs = 30_000): void {
    proxy = runProxy({
      client: api.client, clock: systemClock, random: seededRandom(2), logger: silentLogger, nodeName: 'self', routes, driftPeriodMs,
      services: { nft: nft(), flows: createConntrack([...lab.inNode, 'conntrack']), healthPorts: (failed) => createHealthPorts({ host: '127.0.0.1', logger: silentLogger, failed }) },
    });
  }
  const asks = async (from: string, to: string, port = 80): Promise<string> => {
    const answer = await lab.ask({ from, to, port });
    return 'by' in answer ? answer.by : answer.failed;
  };
  /** Asks until the answer is this one: the kernel follows by itself, and the test's own time limit ends a vain wait. */
  async function becomes(wanted: string, from: string, to: string, port = 80): Promise<void> {
    while ((await asks(from, to, port)) !== wanted);
  }
  const create = async (name: string, clusterIP: string, endpoints: string[], spec = {}): Promise<void> => {
    await api.client.resource(services).create(serviceOf(name, clusterIP, spec));
    await api.client.resource(endpointSlices).create(sliceOf(name, endpoints.map((address) => ({ addresses: [address], nodeName: 'self' }))));
  };

  it('a Service works as soon as it has endpoints, follows them, and is gone with its object', async () => {
    start();
    await create('a', '10.96.0.10', ['10.244.0.11']);
    await becomes('pod1', 'pod2', '10.96.0.10');
    const slice = await api.client.resource(endpointSlices).get('default', 'a-ipv4');
    await api.client.resource(endpointSlices).update({ ...slice, endpoints: [{ addresses: ['10.244.0.12'] }] });
    await becomes('pod2', 'pod1', '10.96.0.10');
    await api.client.resource(endpointSlices).delete('default', 'a-ipv4');
    await becomes('refused', 'pod1', '10.96.0.10');
    expect(proxy?.ready).toBe(true);
  });

  it('node ports answer at the addresses of the Node object, once it has them', async () => {
    start();
    await create('a', '10.96.0.10', ['10.244.0.11'], { type: 'NodePort', ports: [portOf({ nodePort: 30080 })] });
    await becomes('pod1', 'pod2', '10.96.0.10');
    const node = await api.client.resource(nodes).create({ metadata: { name: 'self' }, spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] } });
    await api.client.resource(nodes).updateStatus({ ...node, status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] } });
    await becomes('pod1', 'pod2', '192.0.2.1', 30080);
  });

  it('what someone flushed is restored within the period, and the next proxy takes over what the last one left', async () => {
    start(50);
    await create('a', '10.96.0.10', ['10.244.0.11']);
    await becomes('pod1', 'pod2', '10.96.0.10');
    lab.nft('flush', 'ruleset');
    await becomes('pod1', 'pod2', '10.96.0.10');
    await proxy?.close();
    expect(await asks('pod2', '10.96.0.10')).toBe('pod1');
    await api.client.resource(services).delete('default', 'a');
    await create('b', '10.96.0.11', ['10.244.0.12']);
    start();
    await becomes('pod2', 'pod1', '10.96.0.11');
    expect(await asks('pod1', '10.96.0.10')).not.toBe('pod1');
  });

  it('of two Services that claim one address and port the older has it, the other gets an event, and has it when the older goes', async () => {
    start();
    const external = { externalIPs: ['203.0.113.7'] };
    await create('older', '10.96.0.10', ['10.244.0.11'], external);
    await becomes('pod1', 'pod2', '203.0.113.7');
    await create('younger', '10.96.0.11', ['10.244.0.12'], external);
    await becomes('pod2', 'pod1', '10.96.0.11');
    expect(await asks('pod2', '203.0.113.7')).toBe('pod1');
    await proxy?.close();
    proxy = undefined;
    const told = (await api.client.resource(events).list()).items.filter(({ reason }) => reason === 'FrontendInUse');
    expect(told.map(({ involvedObject, message }) => [involvedObject?.name, message])).toEqual([['younger', '203.0.113.7 tcp 80 belongs to default/older']]);
    start();
    await api.client.resource(services).delete('default', 'older');
    await becomes('pod2', 'pod1', '203.0.113.7');
  });

  it('a change of a Service is followed into the kernel in the trace of the write: the reconcile holds the span proxy.kernel', async () => {
    const exporter = new InMemorySpanExporter();
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
    try {
      start();
      const traceId = 'a'.repeat(32);
      await context.with(trace.setSpanContext(context.active(), { traceId, spanId: 'b'.repeat(16), traceFlags: 1 }), () => create('a', '10.96.0.10', ['10.244.0.11']));
      await becomes('pod1', 'pod2', '10.96.0.10');
      await proxy?.close();
      proxy = undefined;
      const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
      const kernel = spans.filter(({ name }) => name === 'proxy.kernel');
      expect(kernel.length).toBeGreaterThan(0);
      for (const { parentSpanContext, attributes } of kernel) {
        expect(spans.find((span) => span.spanContext().spanId === parentSpanContext?.spanId)?.name).toBe('controller.reconcile');
        expect(attributes['navarch.services']).toBe(1);
      }
    } finally {
      trace.disable();
      context.disable();
    }
  });

  it('a health check port tells a load balancer whether this node has endpoints of the Service', async () => {
    const port = await freePort();
    start();
    await create('a', '10.96.0.10', ['10.244.0.11'], { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: port });
    await becomes('pod1', 'pod2', '10.96.0.10');
    const asked = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect([asked.status, await asked.json()]).toEqual([200, { service: { namespace: 'default', name: 'a' }, localEndpoints: 1, serviceProxyHealthy: true }]);
    await api.client.resource(endpointSlices).delete('default', 'a-ipv4');
    await becomes('refused', 'pod2', '10.96.0.10');
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(503);
  });

  it('the first policy is enforced as soon as it is made, and the last one\'s end frees all', async () => {
    start();
    await create('a', '10.96.0.10', ['10.244.0.11']);
    const pod = await api.client.resource(pods).create({ metadata: { namespace: 'default', name: 'pod1' }, spec: { nodeName: 'self', containers: [{ name: 'c', image: 'i' }] } });
    await api.client.resource(pods).updateStatus({ ...pod, status: { phase: 'Running', podIP: '10.244.0.11', podIPs: [{ ip: '10.244.0.11' }] } });
    await becomes('pod1', 'pod2', '10.96.0.10');
    expect(lab.nft('list', 'tables')).not.toContain('navarch-policies');
    await api.client.resource(networkPolicies).create({ metadata: { namespace: 'default', name: 'deny' }, spec: { podSelector: {}, policyTypes: ['Ingress'] } });
    await becomes('silence', 'pod2', '10.96.0.10');
    await api.client.resource(networkPolicies).delete('default', 'deny');
    await becomes('pod1', 'pod2', '10.96.0.10');
  });

  it('clean-up leaves nothing of ours and everything of others', async () => {
    start();
    await create('a', '10.96.0.10', ['10.244.0.11']);
    await becomes('pod1', 'pod2', '10.96.0.10');
    await proxy?.close();
    proxy = undefined;
    lab.nft('add', 'table', 'inet', 'foreign');
    routes.own.set('10.244.9.0/24', '192.0.2.9');
    const mine = nft();
    await cleanUp({ nft: mine, routes, logger: silentLogger });
    await mine.close();
    expect([lab.nft('list', 'tables'), routes.own.size]).toEqual(['table inet foreign\n', 0]);
  });

  it.each([
    ['missing', ['no-such-nft'], 'install the package nftables'],
    ['too old', ['sh', '-c', 'echo "nftables v0.9.3 (Topsy)"', 'sh'], 'nft 1.0.1 or newer is needed to balance Services, this is 0.9.3'],
    ['without rights', ['sh', '-c', 'test "$1" = --version && echo "nftables v1.0.6" && exit; echo "Error: Operation not permitted" >&2; exit 1', 'sh'], 'CAP_NET_ADMIN'],
  ])('nft that is %s is told at the start, to the log and in an event of the node', async (_name, command, message) => {
    const broken = createNftProcess({ command, clock: systemClock });
    await expect(requireKernel({ nft: broken, client: api.client, clock: systemClock, random: seededRandom(3), logger: silentLogger, nodeName: 'self' })).rejects.toThrow(message);
    expect((await api.client.resource(events).list()).items).toMatchObject([{ reason: 'ServicesUnavailable', involvedObject: { kind: 'Node', name: 'self' }, message: expect.stringContaining(message) as string }]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
