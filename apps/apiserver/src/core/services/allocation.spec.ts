import { ipAddresses, serviceCidrs, services } from '@navarch/api';
import { silentLogger } from '@navarch/base';
import type { Service, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import * as fc from 'fast-check';

import { settle, startCore, type Harness, type HarnessOptions } from '../../testing/harness';
import { claimsOf } from './claims';
import { reservationGraceMs } from './extension';
import { repairOnce } from './repair';

const web = (name: string, spec: ServiceSpec = {}): Service => ({ metadata: { namespace: 'default', name }, spec: { ports: [{ port: 80 }], ...spec } });

describe('what Services are given', () => {
  let started: Harness[] = [];
  const start = async (options?: HarnessOptions): Promise<Harness> => {
    const harness = await startCore(options);
    started.push(harness);
    return harness;
  };
  afterEach(async () => {
    for (const harness of started.reverse()) await harness.stop();
    started = [];
  });

  const create = ({ client }: Harness, name: string, spec?: ServiceSpec): Promise<Service> => client.resource(services).create(web(name, spec));
  const change = async ({ client }: Harness, name: string, spec: ServiceSpec): Promise<Service> => {
    const service = await client.resource(services).get('default', name);
    return client.resource(services).update({ ...service, spec: { ...service.spec, ...spec } });
  };
  const addresses = async ({ client }: Harness): Promise<string[]> => (await client.resource(ipAddresses).list()).items.map(({ metadata }) => metadata?.name ?? '');
  const ports = ({ core }: Harness): string[] => core.serviceReservations.ports.all().map(({ name }) => name);
  const failure = (work: Promise<unknown>): Promise<string> => work.then(() => 'no failure', (error: Error) => error.message);
  /** A range of six addresses, beside the default one that is taken out of use. */
  const tiny = async (harness: Harness, ...cidrs: string[]): Promise<void> => {
    const ranges = harness.client.resource(serviceCidrs);
    for (const [index, cidr] of cidrs.entries()) await ranges.create({ metadata: { name: `tiny-${index}` }, spec: { cidrs: [cidr] } });
    const known = await ranges.get('', 'kubernetes');
    await ranges.updateStatus({ ...known, status: { conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: { seconds: 1 }, reason: 'Test', message: 'out of use' }] } });
  };

  it('an address is an IPAddress that names its Service, and both go together', async () => {
    const harness = await start();
    const { spec } = await create(harness, 'web');
    expect(spec).toMatchObject({ clusterIPs: [spec?.clusterIP], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    const reserved = await harness.client.resource(ipAddresses).get('', spec?.clusterIP ?? '');
    expect(reserved.spec?.parentRef).toEqual({ resource: 'services', namespace: 'default', name: 'web' });
    expect(reserved.metadata?.labels).toEqual({ 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' });
    await harness.client.resource(services).delete('default', 'web');
    expect(await addresses(harness)).toEqual(['10.96.0.1']);
  });

  it('an address that a user names is hers, or refused with the field and the reason', async () => {
    const harness = await start();
    expect((await create(harness, 'web', { clusterIP: '10.96.0.10' })).spec?.clusterIPs).toEqual(['10.96.0.10']);
    expect(await failure(create(harness, 'other', { clusterIP: '10.96.0.10' })))
      .toBe('Service "other" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated');
    expect(await failure(create(harness, 'far', { clusterIP: '192.0.2.1' })))
      .toBe('Service "far" is invalid: spec.clusterIPs: Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1: the provided IP (192.0.2.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16');
    for (const edge of ['10.96.0.0', '10.96.255.255']) expect(await failure(create(harness, 'edge', { clusterIP: edge }))).toContain('is not in the valid range');
  });

  it('who names no address gets one beyond the band that is left to people, as long as there is one', async () => {
    const harness = await start();
    const given = await Promise.all(Array.from({ length: 60 }, (_, index) => create(harness, `s${index}`)));
    const offsets = given.map(({ spec }) => (spec?.clusterIP ?? '').split('.').slice(2).reduce((sum, part) => sum * 256 + Number(part), 0));
    expect(Math.min(...offsets)).toBeGreaterThan(256);
    expect(new Set(offsets).size).toBe(60);
  });

  it('a small range is used to its last address, then says that it is full; what is given back is given again', async () => {
    const harness = await start();
    await tiny(harness, '10.100.0.0/29');
    const given = [];
    for (let index = 0; index < 6; index++) given.push((await create(harness, `s${index}`)).spec?.clusterIP);
    expect(given.sort()).toEqual(['10.100.0.1', '10.100.0.2', '10.100.0.3', '10.100.0.4', '10.100.0.5', '10.100.0.6']);
    expect(await failure(create(harness, 'late'))).toBe('Internal error occurred: failed to allocate a serviceIP: range is full (10.100.0.0/29)');
    await harness.client.resource(services).delete('default', 's3');
    expect((await create(harness, 'late')).spec?.clusterIP).toMatch(/^10\.100\.0\.[1-6]$/);
  });

  it('a range added at run time gives addresses at once; overlapping ranges give none twice', async () => {
    const harness = await start();
    await tiny(harness, '10.100.0.0/30', '10.100.0.0/29');
    const given = [];
    for (let index = 0; index < 6; index++) given.push((await create(harness, `s${index}`)).spec?.clusterIP);
    expect(new Set(given).size).toBe(6);
    await harness.client.resource(serviceCidrs).create({ metadata: { name: 'more' }, spec: { cidrs: ['10.101.0.0/24'] } });
    expect((await create(harness, 'late')).spec?.clusterIP).toMatch(/^10\.101\.0\./);
  });

  it('a dry run names what would be given and takes nothing', async () => {
    const harness = await start();
    const dry = { options: { dryRun: ['All'] } };
    const one = await harness.one({ verb: 'create', resource: services, object: web('web', { type: 'NodePort', ports: [{ name: 'a', port: 80 }, { name: 'b', port: 81 }] }), ...dry });
    const { spec } = one.object as Service;
    expect(spec?.clusterIP).toMatch(/^10\.96\./);
    expect(new Set(spec?.ports?.map(({ nodePort }) => nodePort)).size).toBe(2);
    expect([await addresses(harness), ports(harness)]).toEqual([['10.96.0.1'], []]);
    await create(harness, 'real', { type: 'NodePort', clusterIP: '10.96.0.9', ports: [{ port: 80, nodePort: 30_001 }] });
    await harness.ask({ verb: 'delete', resource: services, name: 'real', ...dry });
    expect(await failure(harness.one({ verb: 'create', resource: services, object: web('two', { clusterIP: '10.96.0.9' }), ...dry }))).toContain('provided IP is already allocated');
    expect([await addresses(harness), ports(harness)]).toEqual([['10.96.0.1', '10.96.0.9'], ['30001']]);
  });

  it('a create that fails gives everything back', async () => {
    const harness = await start();
    await create(harness, 'web', { clusterIP: '10.96.0.9', type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] });
    for (const clusterIP of [undefined, '10.96.0.9']) expect(await failure(create(harness, 'web', { clusterIP }))).toBe('services "web" already exists');
    expect(await failure(create(harness, 'other', { type: 'NodePort', ports: [{ name: 'a', port: 80 }, { name: 'b', port: 81, nodePort: 30_001 }] }))).toContain('spec.ports[1].nodePort: Invalid value: 30001: provided port is already allocated');
    expect([await addresses(harness), ports(harness)]).toEqual([['10.96.0.1', '10.96.0.9'], ['30001']]);
  });

  it('node ports: named ones are kept or refused, the others come from beyond the static band, one number under two protocols shares its port', async () => {
    const harness = await start();
    const { spec } = await create(harness, 'dns', { type: 'NodePort', ports: [{ name: 'udp', port: 53, protocol: 'UDP' }, { name: 'tcp', port: 53, protocol: 'TCP' }, { name: 'web', port: 80 }] });
    const [udp, tcp, http] = spec?.ports?.map(({ nodePort = 0 }) => nodePort) ?? [];
    expect(udp).toBe(tcp);
    expect(http).not.toBe(tcp);
    expect(Math.min(udp ?? 0, http ?? 0)).toBeGreaterThanOrEqual(30_086);
    expect(await failure(create(harness, 'low', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] })))
      .toBe('Service "low" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767');
  });

  it('a range of node ports that is full says so, and gives the address back', async () => {
    const harness = await start({ nodePortRange: '30000-30001' });
    for (const name of ['a', 'b']) await create(harness, name, { type: 'NodePort' });
    expect(await failure(create(harness, 'c', { type: 'NodePort' }))).toBe('Internal error occurred: failed to allocate a nodePort: range is full (30000-30001)');
    expect((await addresses(harness)).length).toBe(3);
  });

  it('a load balancer has node ports unless told otherwise, and a port for its health check where traffic stays on the node', async () => {
    const harness = await start();
    const { spec } = await create(harness, 'lb', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
    expect(ports(harness).sort()).toEqual([String(spec?.ports?.[0]?.nodePort), String(spec?.healthCheckNodePort)].sort());
    const bare = await create(harness, 'bare', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
    expect([bare.spec?.ports?.[0]?.nodePort, bare.status?.loadBalancer?.ingress]).toEqual([undefined, undefined]);
    const asked = await create(harness, 'asked', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 });
    expect(asked.spec?.healthCheckNodePort).toBe(31_000);
    expect(await failure(create(harness, 'twice', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_000 })))
      .toBe('Service "twice" is invalid: spec.healthCheckNodePort: Invalid value: 31000: provided port is already allocated');
  });

  it('headless Services and other names have no address and none is reserved', async () => {
    const harness = await start();
    expect((await create(harness, 'headless', { clusterIP: 'None', selector: { app: 'x' } })).spec).toMatchObject({ clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    expect((await create(harness, 'elsewhere', { clusterIP: 'None' })).spec).toMatchObject({ ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack' });
    const { spec } = await create(harness, 'named', { type: 'ExternalName', externalName: 'a.example', ports: [] });
    expect([spec?.clusterIP, spec?.ipFamilies]).toEqual([undefined, undefined]);
    expect(await addresses(harness)).toEqual(['10.96.0.1']);
  });

  it('a change of type takes what the new one needs and gives back what only the old one had', async () => {
    const harness = await start();
    const before = await create(harness, 'web');
    const node = await change(harness, 'web', { type: 'NodePort' });
    expect(node.spec?.clusterIP).toBe(before.spec?.clusterIP);
    expect(ports(harness)).toEqual([String(node.spec?.ports?.[0]?.nodePort)]);
    const balanced = await change(harness, 'web', { type: 'LoadBalancer' });
    expect(balanced.spec?.ports).toEqual(node.spec?.ports);
    await change(harness, 'web', { type: 'ClusterIP' });
    expect(ports(harness)).toEqual([]);
    await change(harness, 'web', { type: 'ExternalName', externalName: 'a.example' });
    expect(await addresses(harness)).toEqual(['10.96.0.1']);
    expect((await change(harness, 'web', { type: 'ClusterIP' })).spec?.clusterIP).toMatch(/^10\.96\./);
  });

  it('a refused or unwritten update holds nothing more than before', async () => {
    const harness = await start();
    const { spec } = await create(harness, 'web', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] });
    await create(harness, 'other', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_002 }] });
    const wanted = [{ name: 'a', port: 80, nodePort: 30_003 }, { name: 'b', port: 81, nodePort: 30_002 }];
    expect(await failure(change(harness, 'web', { ports: wanted }))).toContain('spec.ports[1].nodePort: Invalid value: 30002: provided port is already allocated');
    await harness.one({ verb: 'update', resource: services, name: 'web', object: web('web', { ...spec, ports: [{ port: 80, nodePort: 30_009 }] }), options: { dryRun: ['All'] } });
    expect(ports(harness)).toEqual(['30001', '30002']);
    await change(harness, 'web', { ports: [{ port: 80, nodePort: 30_004 }] });
    expect(ports(harness)).toEqual(['30002', '30004']);
  });

  describe('with two families', () => {
    const dual = async (): Promise<Harness> => {
      const harness = await start();
      const ranges = harness.client.resource(serviceCidrs);
      await ranges.update({ ...(await ranges.get('', 'kubernetes')), spec: { cidrs: ['10.96.0.0/16', 'fd00:10:96::/108'] } });
      return harness;
    };

    it.each<[string, ServiceSpec, readonly string[], string, RegExp]>([
      ['one stack, unless asked for more', {}, ['IPv4'], 'SingleStack', /^10\.96\.\d+\.\d+$/],
      ['the other stack, where that is asked for', { ipFamilies: ['IPv6'] }, ['IPv6'], 'SingleStack', /^fd00:10:96::[^ ]+$/],
      ['both, where they are preferred', { ipFamilyPolicy: 'PreferDualStack' }, ['IPv4', 'IPv6'], 'PreferDualStack', /^10\.96\.\S+ fd00:10:96::\S+$/],
      ['both, in the order asked for', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] }, ['IPv6', 'IPv4'], 'RequireDualStack', /^fd00:10:96::\S+ 10\.96\.\S+$/],
      ['the family of its address', { clusterIP: 'fd00:10:96::7' }, ['IPv6'], 'SingleStack', /^fd00:10:96::7$/],
      ['two addresses mean both', { clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7', 'fd00:10:96::8'] }, ['IPv4', 'IPv6'], 'RequireDualStack', /^10\.96\.0\.7 fd00:10:96::8$/],
    ])('%s', async (_, spec, families, policy, given) => {
      const made = (await create(await dual(), 'web', spec)).spec;
      expect([made?.ipFamilies, made?.ipFamilyPolicy, made?.clusterIP]).toEqual([families, policy, made?.clusterIPs?.[0]]);
      expect(made?.clusterIPs?.join(' ')).toMatch(given);
    });

    it('a Service grows to two stacks and back; the second address is given and given back, the first stays', async () => {
      const harness = await dual();
      const single = await create(harness, 'web');
      const both = await change(harness, 'web', { ipFamilyPolicy: 'PreferDualStack' });
      expect([both.spec?.clusterIP, both.spec?.ipFamilies]).toEqual([single.spec?.clusterIP, ['IPv4', 'IPv6']]);
      expect((await addresses(harness)).length).toBe(3);
      const back = await change(harness, 'web', { ipFamilyPolicy: 'SingleStack' });
      expect([back.spec?.clusterIPs, back.spec?.ipFamilies]).toEqual([single.spec?.clusterIPs, ['IPv4']]);
      expect((await addresses(harness)).length).toBe(2);
    });

    it('a cluster with one family refuses what needs two, and gives one to who would like two', async () => {
      const harness = await start();
      expect(await failure(create(harness, 'web', { ipFamilyPolicy: 'RequireDualStack' })))
        .toBe('Service "web" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services');
      expect(await failure(create(harness, 'web', { ipFamilies: ['IPv6'] }))).toBe('Service "web" is invalid: spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster');
      expect(await failure(create(harness, 'web', { clusterIP: 'fd00::1' }))).toBe('Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster');
      expect((await create(harness, 'web', { ipFamilyPolicy: 'PreferDualStack' })).spec).toMatchObject({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'PreferDualStack' });
    });

    it('a preference is not looked at again when the cluster gets its second family', async () => {
      const harness = await start();
      const before = await create(harness, 'web', { ipFamilyPolicy: 'PreferDualStack' });
      const ranges = harness.client.resource(serviceCidrs);
      await ranges.update({ ...(await ranges.get('', 'kubernetes')), spec: { cidrs: ['10.96.0.0/16', 'fd00:10:96::/108'] } });
      expect((await change(harness, 'web', { selector: { app: 'x' } })).spec?.clusterIPs).toEqual(before.spec?.clusterIPs);
    });
  });

  describe('several replicas at once', () => {
    it('never give one address or port to two Services, and none too few', async () => {
      await fc.assert(fc.asyncProperty(fc.infiniteStream(fc.constantFrom(0, 1)), fc.integer({ min: 2, max: 9 }), async (replicas, count) => {
        const first = await start({ nodePortRange: '30000-30003' });
        const second = await start({ beside: first, nodePortRange: '30000-30003' });
        await tiny(first, '10.100.0.0/29');
        const results = await Promise.allSettled(Array.from({ length: count }, (_, index) => create(replicas.next().value === 0 ? first : second, `s${index}`, { type: 'NodePort' })));
        const made = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
        expect(made.length).toBe(Math.min(4, count));
        expect(new Set(made.map(({ spec }) => spec?.clusterIP)).size).toBe(made.length);
        expect(new Set(made.map(({ spec }) => spec?.ports?.[0]?.nodePort)).size).toBe(made.length);
        expect((await addresses(first)).length).toBe(made.length + 1);
        expect(ports(first).length).toBe(made.length);
      }), { numRuns: 15 });
    });

    it('whatever the log loses, delays or refuses, nothing is given twice, and after the grace nothing stays reserved for nobody', async () => {
      let leaks = 0;
      const plans = fc.array(fc.record({ replica: fc.constantFrom(0, 1), drop: fc.boolean() }), { minLength: 4, maxLength: 8 });
      await fc.assert(fc.asyncProperty(plans, fc.integer({ min: 0, max: 12 }), async (steps, turns) => {
        const first = await start({ nodePortRange: '30000-30003' });
        const replicas = [first, await start({ beside: first, nodePortRange: '30000-30003' })];
        for (const { logs } of replicas) Object.assign(logs.objects.line.faults, { lostWrites: 0.1, lostAcks: 0.5, refusedWrites: 0.1, lateWrites: 0.1 });
        const working = Promise.allSettled(steps.map(async ({ replica, drop }, index) => {
          const client = (replicas[replica] ?? first).client.resource(services);
          await client.create(web(`s${index}`, { type: 'NodePort' }));
          if (drop) await client.delete('default', `s${index}`);
        }));
        for (let turn = 0; turn < turns; turn++) await settle();
        await replicas[1]?.logs.objects.crash();
        await first.clock.advance(120_000);
        await working;
        for (const { logs } of replicas) Object.assign(logs.objects.line.faults, { lostWrites: 0, lostAcks: 0, refusedWrites: 0, lateWrites: 0 });
        await first.clock.advance(reservationGraceMs);
        const before = ports(first).length + (await addresses(first)).length;
        const repairing = repairOnce({ kinds: first.core.kinds, reservations: first.core.serviceReservations, recorder: { event: () => undefined }, clock: first.clock, logger: silentLogger, signal: new AbortController().signal });
        await first.clock.advance(1_000);
        await repairing;
        const present = (await first.client.resource(services).list()).items;
        const claims = present.map(({ spec }) => claimsOf(spec));
        const [held, given] = [claims.flatMap((claim) => claim.ports), claims.flatMap((claim) => claim.addresses)];
        expect([new Set(held).size, new Set(given).size]).toEqual([held.length, given.length]);
        expect([ports(first).sort(), (await addresses(first)).sort()]).toEqual([held.sort(), given.sort()]);
        leaks += Math.max(0, before - held.length - given.length);
      }), { numRuns: 20, seed: 7 });
      // Else the faults would have proven nothing.
      expect(leaks).toBeGreaterThan(0);
    });

    it('one named address goes to one of them', async () => {
      const first = await start();
      const second = await start({ beside: first });
      const results = await Promise.allSettled([create(first, 'a', { clusterIP: '10.96.0.9' }), create(second, 'b', { clusterIP: '10.96.0.9' })]);
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    });
  });
});
