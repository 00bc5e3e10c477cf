import { endpointSlices, leases, microTimeFromMs, nodes } from '@navarch/api';
import type { createMemoryApi } from '@navarch/client/testing';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { ControllerCluster } from '../../testing/cluster';

type Client = ReturnType<typeof createMemoryApi>['client'];
const labels = (node: string) => ({ 'kubernetes.io/service-name': 'kube-dns', 'endpointslice.kubernetes.io/managed-by': 'dns.navarch.io', 'navarch.io/dns-server': node });

/** What a DNS server writes (apps/dns/src/registration.ts), under a clock that may be wrong. */
class DnsServer {
  constructor(private readonly client: Client, readonly node: string, private readonly wrongByMs = 0) {}

  async appear(nowMs: number, families: readonly string[] = ['IPv4']): Promise<void> {
    await this.renew(nowMs);
    for (const [index, family] of families.entries()) {
      await this.client.resource(endpointSlices).create({
        metadata: { namespace: 'kube-system', name: `kube-dns-${this.node}${index > 0 ? '-ipv6' : ''}`, labels: labels(this.node) },
        addressType: family, ports: [{ name: 'dns', protocol: 'UDP', port: 53 }],
        endpoints: [{ addresses: [family === 'IPv4' ? '10.89.0.11' : 'fd00::11'], nodeName: this.node, conditions: { ready: true, serving: true, terminating: false } }],
      });
    }
  }

  async renew(nowMs: number): Promise<void> {
    const all = this.client.resource(leases);
    const spec = { holderIdentity: this.node, leaseDurationSeconds: 20, renewTime: microTimeFromMs(nowMs + this.wrongByMs) };
    const metadata = { namespace: 'kube-system', name: `dns-${this.node}`, labels: labels(this.node) };
    const present = await all.get('kube-system', metadata.name).catch(() => undefined);
    await (present ? all.update({ ...present, spec }) : all.create({ metadata, spec }));
  }
}

describe('DNS servers in their Service', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
    for (const name of ['a', 'b']) await cluster.addNode(name);
  });
  afterEach(() => cluster.close());

  const serverOn = async (node: string, wrongByMs?: number, families?: readonly string[]): Promise<DnsServer> => {
    const server = new DnsServer(cluster.api.client, node, wrongByMs);
    await server.appear(cluster.clock.now(), families);
    await cluster.settle();
    return server;
  };
  /** Seconds pass; these servers renew every 5. */
  const pass = async (seconds: number, ...alive: readonly DnsServer[]): Promise<void> => {
    for (let left = seconds; left > 0; left -= 5) {
      for (const server of alive) await server.renew(cluster.clock.now());
      await cluster.clock.advance(Math.min(left, 5) * 1_000);
    }
  };
  const slices = async (): Promise<EndpointSlice[]> => (await cluster.api.client.resource(endpointSlices).list({ namespace: 'kube-system' })).items;
  const names = async (): Promise<(string | undefined)[]> => (await slices()).map(({ metadata }) => metadata?.name);

  it('one that stops renewing its lease leaves when the lease has run out, in both families; the others stay', async () => {
    const [, living] = [await serverOn('a', 0, ['IPv4', 'IPv6']), await serverOn('b')];
    await pass(19, living);
    expect(await names()).toEqual(['kube-dns-a', 'kube-dns-a-ipv6', 'kube-dns-b']);
    await pass(2, living);
    expect(await names()).toEqual(['kube-dns-b']);
    await pass(60, living);
    expect(await names()).toEqual(['kube-dns-b']);
  });

  it.each([-3_600_000, 3_600_000])('is judged by our own clock: one whose clock is wrong by %d ms lives and dies like the others', async (wrongByMs) => {
    const server = await serverOn('a', wrongByMs);
    await pass(60, server);
    expect(await names()).toEqual(['kube-dns-a']);
    await pass(26);
    expect(await names()).toEqual([]);
  });

  it('one that comes back is an endpoint again, and has its whole time', async () => {
    const server = await serverOn('a');
    await pass(30);
    await server.appear(cluster.clock.now());
    await pass(18);
    expect(await names()).toEqual(['kube-dns-a']);
  });

  it('one whose node is not Ready gets no questions, and gets them again afterwards', async () => {
    const server = await serverOn('a');
    const conditions = async () => (await slices())[0]?.endpoints?.[0]?.conditions;
    expect(await conditions()).toMatchObject({ ready: true });
    await cluster.setCondition('a', 'Ready', 'False');
    await cluster.settle();
    expect(await conditions()).toMatchObject({ ready: false });
    await pass(10, server);
    await cluster.setCondition('a', 'Ready', 'True');
    await cluster.settle();
    expect(await conditions()).toMatchObject({ ready: true, terminating: false });
  });

  it('one whose node is gone leaves at once, and its lease when it has run out', async () => {
    await serverOn('a');
    await cluster.api.client.resource(nodes).delete('', 'a');
    await cluster.settle();
    expect(await names()).toEqual([]);
    await pass(30);
    await expect(cluster.api.client.resource(leases).get('kube-system', 'dns-a')).rejects.toThrow('not found');
  });

  it('a new leader gives everyone a lease’s time before it judges', async () => {
    const dead = await serverOn('a');
    await pass(10);
    for (const controllers of [...cluster.controllers()]) await cluster.stop(controllers);
    await pass(60);
    await cluster.start();
    await pass(19);
    expect(await names()).toEqual([`kube-dns-${dead.node}`]);
    await pass(3);
    expect(await names()).toEqual([]);
  });

  it('slices of other Services, and slices in other namespaces that look like a server’s, are left alone', async () => {
    const all = cluster.api.client.resource(endpointSlices);
    await all.create({ metadata: { namespace: 'default', name: 'theirs', labels: labels('a') }, addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] });
    await all.create({ metadata: { namespace: 'kube-system', name: 'other', labels: { 'kubernetes.io/service-name': 'other' } }, addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] });
    await pass(60);
    expect((await all.list()).items.map(({ metadata }) => metadata?.name).sort()).toEqual(['other', 'theirs']);
  });
});
