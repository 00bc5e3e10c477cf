import { endpoints, endpointSlices, pods, services } from '@navarch/api';
import type { Endpoints, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ControllerCluster } from '../testing/cluster';

describe('Endpoints and their mirror', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
  });
  afterEach(() => cluster.close());

  const client = () => cluster.api.client;
  const addService = async (name: string, spec: ServiceSpec = {}): Promise<void> => {
    await client().resource(services).create({ metadata: { namespace: 'default', name }, spec: { ports: [{ port: 80 }], ipFamilies: ['IPv4'], ...spec } });
    await cluster.settle();
  };
  const byHand = async (name: string, metadata: Endpoints['metadata'] = {}, ip = '192.0.2.1'): Promise<void> => {
    await client().resource(endpoints).create({ metadata: { namespace: 'default', name, ...metadata }, subsets: [{ addresses: [{ ip }], notReadyAddresses: [{ ip: 'fd00::1' }], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] }] });
    await cluster.settle();
  };
  const mirrors = async (name: string): Promise<string[]> => (await client().resource(endpointSlices).list()).items
    .filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === name && metadata.labels['endpointslice.kubernetes.io/managed-by'] === 'endpointslicemirroring-controller.k8s.io')
    .map(({ addressType, endpoints: members = [], ports = [] }) => `${addressType} ${members.map(({ addresses, conditions }) => `${addresses?.[0]} ${conditions?.ready}`).join()} ${ports.map(({ name: port, port: number }) => `${port}:${number}`).join()}`).sort();
  const names = async (): Promise<string[]> => (await client().resource(endpoints).list()).items.map(({ metadata }) => metadata?.name ?? '').sort();

  it('Endpoints follow the pods of a Service at once and go with it', async () => {
    await addService('web', { selector: { app: 'web' } });
    const { metadata } = await client().resource(pods).create({ metadata: { namespace: 'default', name: 'a', labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'x' }] } });
    const pod = await client().resource(pods).get('default', metadata?.name ?? '');
    await client().resource(pods).updateStatus({ ...pod, status: { phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] } });
    await cluster.settle();
    expect((await client().resource(endpoints).get('default', 'web')).subsets?.[0]?.addresses?.map(({ ip }) => ip)).toEqual(['10.0.0.1']);
    await client().resource(services).delete('default', 'web');
    await cluster.settle();
    expect(await names()).toEqual([]);
  });

  it('Endpoints made by hand for a Service without a selector stay, appear as slices of each family, follow changes and go', async () => {
    await addService('manual');
    await byHand('manual', { annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } });
    expect(await mirrors('manual')).toEqual(['IPv4 192.0.2.1 true http:8080', 'IPv6 fd00::1 false http:8080']);
    const [slice] = (await client().resource(endpointSlices).list()).items;
    expect([slice?.metadata?.annotations, slice?.metadata?.ownerReferences?.[0]?.kind]).toEqual([{ note: 'x' }, 'Endpoints']);
    await client().resource(endpoints).patch('default', 'manual', 'application/merge-patch+json', { subsets: [{ addresses: [{ ip: '192.0.2.2' }], ports: [{ name: 'http', port: 8080, protocol: 'TCP' }] }] });
    await cluster.settle();
    expect(await mirrors('manual')).toEqual(['IPv4 192.0.2.2 true http:8080']);
    await client().resource(endpoints).delete('default', 'manual');
    await cluster.settle();
    expect(await mirrors('manual')).toEqual([]);
  });

  it.each<[string, Endpoints['metadata']]>([
    ['ask to be left alone', { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }],
    ['elect a leader', { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }],
  ])('Endpoints that %s are not mirrored', async (_, metadata) => {
    await addService('manual');
    await byHand('manual', metadata);
    expect(await mirrors('manual')).toEqual([]);
  });

  it('Endpoints without a Service are not mirrored and not deleted; a Service that comes later brings the mirror', async () => {
    await byHand('lonely');
    expect([await mirrors('lonely'), await names()]).toEqual([[], ['lonely']]);
    await addService('lonely');
    expect((await mirrors('lonely')).length).toBe(2);
    await client().resource(services).delete('default', 'lonely');
    await cluster.settle();
    expect([await mirrors('lonely'), await names()]).toEqual([[], []]);
  });
});
