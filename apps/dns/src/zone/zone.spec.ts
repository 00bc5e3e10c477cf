/** Kubernetes' DNS specification (kubernetes/dns, docs/specification.md, 1.1.0), record by record. */
import type { Answer } from 'dns-packet';

import { sampleZone } from '../testing';

const zone = sampleZone();
const dataOf = (answers: readonly Answer[]): unknown[] => answers.map((answer) => ('data' in answer ? answer.data : undefined));
const ask = (name: string, type = 'A') => zone.answer(name, type);
const data = (name: string, type = 'A'): unknown[] => dataOf(ask(name, type)?.answers ?? []).sort((one, other) => JSON.stringify(one).localeCompare(JSON.stringify(other)));

describe('the cluster\'s zone', () => {
  it.each<[string, string, string, unknown[]]>([
    ['2.1: the version of the specification', 'dns-version.cluster.local', 'TXT', ['1.1.0']],
    ['2.3.1: a Service\'s address', 'web.shop.svc.cluster.local', 'A', ['10.96.1.1']],
    ['2.3.1: its IPv6 address', 'web.shop.svc.cluster.local', 'AAAA', ['fd00:96::1']],
    ['2.3.2: its named port', '_http._tcp.web.shop.svc.cluster.local', 'SRV', [{ priority: 0, weight: 100, port: 80, target: 'web.shop.svc.cluster.local' }]],
    ['2.3.2: its UDP port', '_syslog._udp.web.shop.svc.cluster.local', 'SRV', [{ priority: 0, weight: 100, port: 514, target: 'web.shop.svc.cluster.local' }]],
    ['2.3.3: the way back from its address', '1.1.96.10.in-addr.arpa', 'PTR', ['web.shop.svc.cluster.local']],
    ['2.3.3: the way back from its IPv6 address', '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa', 'PTR', ['web.shop.svc.cluster.local']],
    ['2.4.1: all ready endpoints of a headless Service', 'db.shop.svc.cluster.local', 'A', ['10.244.0.7', '10.244.1.8']],
    ['2.4.1: their IPv6 addresses', 'db.shop.svc.cluster.local', 'AAAA', ['fd00:244::7']],
    ['2.4.1: an endpoint by its hostname', 'db-0.db.shop.svc.cluster.local', 'A', ['10.244.0.7']],
    ['2.4.1: an endpoint without a hostname, by its address', '10-244-1-8.db.shop.svc.cluster.local', 'A', ['10.244.1.8']],
    ['2.4.2: their named port', '_sql._tcp.db.shop.svc.cluster.local', 'SRV', [
      { priority: 0, weight: 100, port: 5432, target: '10-244-1-8.db.shop.svc.cluster.local' },
      { priority: 0, weight: 100, port: 5432, target: 'db-0.db.shop.svc.cluster.local' },
      { priority: 0, weight: 100, port: 5432, target: 'db-0.db.shop.svc.cluster.local' },
    ]],
    ['2.4.3: the way back from an endpoint with a hostname', '7.0.244.10.in-addr.arpa', 'PTR', ['db-0.db.shop.svc.cluster.local']],
    ['2.5: an external name', 'far.shop.svc.cluster.local', 'A', ['www.example.com']],
    ['a pod by its address', '10-244-3-4.shop.pod.cluster.local', 'A', ['10.244.3.4']],
    ['a pod by its IPv6 address', 'fd00-244--9.shop.pod.cluster.local', 'AAAA', ['fd00:244::9']],
    ['names in capitals', 'WeB.ShOp.SvC.ClUsTeR.lOcAl', 'A', ['10.96.1.1']],
  ])('%s', (_what, name, type, expected) => {
    expect(data(name, type)).toEqual(expected);
  });

  it('SRV records bring the addresses of their targets along', () => {
    const { additionals = [] } = ask('_sql._tcp.db.shop.svc.cluster.local', 'SRV') ?? {};
    expect(additionals).toEqual(expect.arrayContaining([expect.objectContaining({ type: 'A', name: 'db-0.db.shop.svc.cluster.local', data: '10.244.0.7' }), expect.objectContaining({ type: 'AAAA', data: 'fd00:244::7' })]));
  });

  it('an answer has the name as it was asked for', () => {
    expect(ask('WEB.shop.svc.cluster.local')?.answers).toEqual([expect.objectContaining({ name: 'WEB.shop.svc.cluster.local', ttl: 5 })]);
  });

  it.each<[string, string, string, string]>([
    ['a Service that is not there', 'absent.shop.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['a namespace that is not there', 'web.absent.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['a headless Service without ready endpoints', 'none.shop.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['an endpoint that is not ready', 'db-2.db.shop.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['an endpoint of a Service with an address', '10-244-0-20.web.shop.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['a port that the Service has not', '_ftp._tcp.web.shop.svc.cluster.local', 'SRV', 'NXDOMAIN'],
    ['a port under the wrong protocol', '_http._udp.web.shop.svc.cluster.local', 'SRV', 'NXDOMAIN'],
    ['a pod of a namespace that is not there', '10-244-3-4.absent.pod.cluster.local', 'A', 'NXDOMAIN'],
    ['a pod whose address is none', '10-244-3-400.shop.pod.cluster.local', 'A', 'NXDOMAIN'],
    ['a name of no kind', 'a.b.c.cluster.local', 'A', 'NXDOMAIN'],
    ['an existing name without this type', 'web.shop.svc.cluster.local', 'MX', 'NOERROR'],
    ['an IPv4-only endpoint asked for IPv6', '10-244-1-8.db.shop.svc.cluster.local', 'AAAA', 'NOERROR'],
    ['a name that only holds others', 'shop.svc.cluster.local', 'A', 'NOERROR'],
    ['svc itself', 'svc.cluster.local', 'A', 'NOERROR'],
    ['a port\'s name asked for addresses', '_http._tcp.web.shop.svc.cluster.local', 'A', 'NOERROR'],
    ['the zone itself', 'cluster.local', 'A', 'NOERROR'],
  ])('answers %s (%s %s) with nothing but the zone\'s SOA and %s', (_what, name, type, rcode) => {
    expect(ask(name, type)).toMatchObject({ rcode, answers: [], authorities: [{ type: 'SOA', name: 'cluster.local', data: { minimum: 5 } }] });
  });

  it('knows nothing of other zones, nor of addresses that are not the cluster\'s', () => {
    expect(['www.example.com', 'cluster.local.example.com', 'local', '4.3.2.1.in-addr.arpa', '96.10.in-addr.arpa', '20.0.244.10.in-addr.arpa'].map((name) => ask(name))).toEqual(Array(6).fill(undefined));
  });

  it('gives every endpoint its turn to be first', () => {
    const firsts = new Set(Array.from({ length: 50 }, () => dataOf(ask('db.shop.svc.cluster.local')?.answers ?? [])[0]));
    expect([...firsts].sort()).toEqual(['10.244.0.7', '10.244.1.8']);
  });
});
