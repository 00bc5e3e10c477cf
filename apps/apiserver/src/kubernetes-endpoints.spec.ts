import { endpoints, endpointSlices, leases, services } from '@navarch/api';
import { seededRandom, silentLogger } from '@navarch/base';

import { deadAfterMs, publishKubernetesEndpoints, type KubernetesEndpoints } from './kubernetes-endpoints';
import { startCore, type Harness } from './testing/harness';

describe('the kubernetes Service', () => {
  let harness: Harness;
  let running: KubernetesEndpoints[];
  beforeEach(async () => {
    harness = await startCore();
    running = [];
  });
  afterEach(async () => {
    for (const one of running) await one.leave();
    await harness.stop();
  });

  const replica = async (identity: string, ...addresses: string[]): Promise<KubernetesEndpoints> => {
    const { client, clock } = harness;
    const started = publishKubernetesEndpoints({ client, clock, random: seededRandom(1), logger: silentLogger, identity, addresses, serviceRanges: ['10.96.0.0/16'] });
    running.push(started);
    await harness.clock.advance(100);
    return started;
  };
  const addresses = async (): Promise<string[][]> => {
    const slice = await harness.client.resource(endpointSlices).get('default', 'kubernetes');
    const legacy = await harness.client.resource(endpoints).get('default', 'kubernetes');
    return [(slice.endpoints ?? []).flatMap((one) => one.addresses ?? []), (legacy.subsets ?? []).flatMap((one) => (one.addresses ?? []).map(({ ip = '' }) => ip))];
  };

  it('is there from the first moment, at the first address of the range', async () => {
    expect((await harness.client.resource(services).get('default', 'kubernetes')).spec).toMatchObject({ clusterIP: '10.96.0.1', type: 'ClusterIP', ports: [{ name: 'https', port: 443 }] });
  });

  it('has the addresses of all replicas that live', async () => {
    await replica('one', '192.0.2.1');
    await replica('two', '192.0.2.2');
    expect(await addresses()).toEqual([['192.0.2.1', '192.0.2.2'], ['192.0.2.1', '192.0.2.2']]);
    const slice = await harness.client.resource(endpointSlices).get('default', 'kubernetes');
    expect([slice.addressType, slice.ports, slice.metadata?.labels]).toEqual(['IPv4', [{ name: 'https', port: 6443, protocol: 'TCP' }], { 'kubernetes.io/service-name': 'kubernetes' }]);
  });

  it('a replica that leaves is out at once, one that dies when its Lease has not changed for long enough', async () => {
    const one = await replica('one', '192.0.2.1');
    await replica('two', '192.0.2.2');
    running.shift();
    await one.leave();
    expect(await addresses()).toEqual([['192.0.2.2'], ['192.0.2.2']]);
    await harness.client.resource(leases).create({
      metadata: { namespace: 'kube-system', name: 'dead', labels: { 'apiserver.kubernetes.io/identity': 'navarch-apiserver' }, annotations: { 'navarch.io/advertised-addresses': '192.0.2.9' } }, spec: {},
    });
    await harness.clock.advance(10_000);
    expect(await addresses()).toEqual([['192.0.2.2', '192.0.2.9'], ['192.0.2.2', '192.0.2.9']]);
    await harness.clock.advance(deadAfterMs + 5_000);
    expect(await addresses()).toEqual([['192.0.2.2'], ['192.0.2.2']]);
    await expect(harness.client.resource(leases).get('kube-system', 'dead')).rejects.toThrow('not found');
  });

  it('is made again when somebody deletes it, and what somebody else put into its endpoints goes', async () => {
    await replica('one', '192.0.2.1');
    await harness.client.resource(services).delete('default', 'kubernetes');
    const slices = harness.client.resource(endpointSlices);
    await slices.update({ ...(await slices.get('default', 'kubernetes')), endpoints: [{ addresses: ['192.0.2.66'] }] });
    await harness.clock.advance(6_000);
    expect((await harness.client.resource(services).get('default', 'kubernetes')).spec?.clusterIP).toBe('10.96.0.1');
    expect((await addresses())[0]).toEqual(['192.0.2.1']);
  });

  it('nothing is written while nothing changes but the Leases', async () => {
    await replica('one', '192.0.2.1', 'fd00::1');
    const before = [await harness.client.resource(endpointSlices).list(), await harness.client.resource(endpoints).list()].flatMap(({ items }) => items.map(({ metadata }) => metadata?.resourceVersion));
    await harness.clock.advance(60_000);
    const after = [await harness.client.resource(endpointSlices).list(), await harness.client.resource(endpoints).list()].flatMap(({ items }) => items.map(({ metadata }) => metadata?.resourceVersion));
    expect(after).toEqual(before);
    expect(before.length).toBe(3);
  });
});
