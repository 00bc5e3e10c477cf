/** The server over real sockets, asked by dig (bind9-dnsutils). */
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';

import { endpointSlices, leases, nodes, services } from '@navarch/api';
import { silentLogger, systemClock, systemRandom } from '@navarch/base';
import { createMemoryApi, type MemoryApi } from '@navarch/client/testing';

import { runDns, type Dns } from './app';
import { sampleServices, sampleSlices } from './testing';

const run = promisify(execFile);

describe('the DNS server, asked by dig', () => {
  let api: MemoryApi;
  let dns: Dns;
  let far: Dns;
  const common = { clock: systemClock, random: systemRandom, logger: silentLogger, ttl: 5 };
  const listen = [{ host: '127.0.0.1', port: 0 }];

  beforeAll(async () => {
    api = createMemoryApi({ clock: systemClock, random: systemRandom });
    await api.client.resource(nodes).create({ metadata: { name: 'node-1' } });
    for (const service of sampleServices) await api.client.resource(services).create(structuredClone(service));
    for (const slice of sampleSlices) await api.client.resource(endpointSlices).create(structuredClone(slice));
    const many = { metadata: { namespace: 'shop', name: 'many', labels: { 'kubernetes.io/service-name': 'many' } }, addressType: 'IPv4', ports: [], endpoints: Array.from({ length: 100 }, (_, index) => ({ addresses: [`10.244.7.${index}`], conditions: { ready: true } })) };
    await api.client.resource(services).create({ metadata: { namespace: 'shop', name: 'many' }, spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [] } });
    await api.client.resource(endpointSlices).create(many);
    // The other server knows the same Services under another domain.
    far = await runDns({ ...common, client: api.client, domain: 'far.test', listen, upstreams: [] });
    dns = await runDns({
      ...common, client: api.client, domain: 'cluster.local', listen, upstreams: [{ host: '127.0.0.1', port: 9 }, { host: '127.0.0.1', port: far.ports[0] ?? 0 }],
      registration: { nodeName: 'node-1', addresses: ['10.89.0.2'], serviceAddress: '10.96.0.10' },
    });
  });
  afterAll(async () => {
    await dns?.close();
    await far?.close();
  });

  const dig = async (...args: string[]): Promise<string> => (await run('dig', ['@127.0.0.1', '-p', String(dns.ports[0]), '+time=5', '+tries=1', '+nocookie', ...args])).stdout;
  const short = async (...args: string[]): Promise<string[]> => (await dig('+short', ...args)).trim().split('\n').sort();

  it('answers by UDP and by TCP', async () => {
    expect(await short('web.shop.svc.cluster.local')).toEqual(['10.96.1.1']);
    expect(await short('+tcp', 'web.shop.svc.cluster.local', 'AAAA')).toEqual(['fd00:96::1']);
    expect(await short('_sql._tcp.db.shop.svc.cluster.local', 'SRV')).toContain('0 100 5432 db-0.db.shop.svc.cluster.local.');
    expect(await short('-x', '10.96.1.1')).toEqual(['web.shop.svc.cluster.local.']);
    expect(await short('dns-version.cluster.local', 'TXT')).toEqual(['"1.1.0"']);
  });

  it('says authoritatively what is not there, with the zone\'s SOA', async () => {
    const said = await dig('absent.shop.svc.cluster.local');
    expect(said).toMatch(/status: NXDOMAIN/);
    expect(said).toMatch(/flags: qr aa rd ra/);
    expect(said).toMatch(/cluster\.local\.\s+5\s+IN\s+SOA\s+ns\.dns\.cluster\.local\./);
  });

  it('sends a client that cannot take the answer to TCP, where dig goes by itself', async () => {
    expect(await dig('+noedns', '+ignore', 'many.shop.svc.cluster.local')).toMatch(/flags: qr aa tc/);
    expect(await short('many.shop.svc.cluster.local')).toHaveLength(100);
  });

  it('passes other names on, by UDP and TCP, past a server that is not there', async () => {
    expect(await short('web.shop.svc.far.test')).toEqual(['10.96.1.1']);
    expect(await short('+tcp', 'many.shop.svc.far.test')).toHaveLength(100);
    expect(await dig('absent.shop.svc.far.test')).toMatch(/status: NXDOMAIN/);
    expect(await dig('www.example.com')).toMatch(/status: REFUSED/);
  });

  it('counts answers by code and transport, questions to other servers, and what its cache knew', async () => {
    const figure = (line: string): number => Number(dns.metrics().split('\n').find((each) => each.startsWith(`${line} `))?.split(' ').at(-1) ?? 0);
    const lines = ['navarch_dns_answers_total{rcode="NXDOMAIN",transport="tcp"}', 'navarch_dns_answers_total{rcode="FORWARDED",transport="udp"}', 'navarch_dns_forwards_total{outcome="answered"}', 'navarch_dns_cache_hits_total'];
    const before = lines.map(figure);
    await dig('+tcp', 'absent.shop.svc.cluster.local');
    for (let n = 0; n < 2; n++) await dig('db.shop.svc.far.test');
    expect(lines.map(figure).map((count, at) => count - (before[at] ?? 0))).toEqual([1, 2, 1, 1]);
    expect(dns.metrics()).toMatch(/^# TYPE navarch_dns_answers_total counter$/m);
  });

  it('follows what changes in the cluster', async () => {
    expect(await dig('later.shop.svc.cluster.local')).toMatch(/NXDOMAIN/);
    const created = await api.client.resource(services).create({ metadata: { namespace: 'shop', name: 'later' }, spec: { clusterIP: '10.96.1.9', clusterIPs: ['10.96.1.9'], ports: [{ name: 'http', port: 80 }] } });
    expect(await short('later.shop.svc.cluster.local')).toEqual(['10.96.1.9']);
    await api.client.resource(services).delete('shop', created.metadata?.name ?? '');
    expect(await dig('later.shop.svc.cluster.local')).toMatch(/NXDOMAIN/);
  });

  it('takes several questions on one TCP connection, in pieces of any size', async () => {
    const { stdout } = await run('dig', ['@127.0.0.1', '-p', String(dns.ports[0]), '+tcp', '+keepopen', '+short', 'web.shop.svc.cluster.local', 'A', 'web.shop.svc.cluster.local', 'AAAA']);
    expect(stdout.trim().split('\n')).toEqual(['10.96.1.1', 'fd00:96::1']);
    const packet = Buffer.from('001d00010100000100000000000003776562036162630478797a7700000100' + '01', 'hex');
    const socket = connect(dns.ports[0] ?? 0, '127.0.0.1');
    const answer = new Promise<Buffer>((resolve) => socket.once('data', resolve));
    for (const byte of packet) socket.write(Buffer.from([byte]));
    expect((await answer).readUInt16BE(2)).toBe(1);
    socket.destroy();
  });

  it('is an endpoint of kube-system/kube-dns while it lives, with a lease as its sign of life', async () => {
    const service = await api.client.resource(services).get('kube-system', 'kube-dns');
    expect(service.spec).toMatchObject({ clusterIP: '10.96.0.10', ports: [{ name: 'dns', protocol: 'UDP', port: 53 }, { name: 'dns-tcp', protocol: 'TCP', port: 53 }] });
    const slice = await api.client.resource(endpointSlices).get('kube-system', 'kube-dns-node-1');
    expect(slice).toMatchObject({ addressType: 'IPv4', endpoints: [{ addresses: ['10.89.0.2'], nodeName: 'node-1' }], ports: [{ port: dns.ports[0] }, { port: dns.ports[0] }] });
    expect((await api.client.resource(leases).get('kube-system', 'dns-node-1')).spec).toMatchObject({ holderIdentity: 'node-1', leaseDurationSeconds: 20 });
    await dns.close();
    await expect(api.client.resource(endpointSlices).get('kube-system', 'kube-dns-node-1')).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(api.client.resource(leases).get('kube-system', 'dns-node-1')).rejects.toMatchObject({ reason: 'NotFound' });
  });
});
