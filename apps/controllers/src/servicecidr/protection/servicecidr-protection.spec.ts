import { ipAddresses, serviceCidrs } from '@navarch/api';
import type { ServiceCIDR } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { ControllerCluster } from '../../testing/cluster';

describe('ranges of Services’ addresses', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
  });
  afterEach(() => cluster.close());

  const ranges = () => cluster.api.client.resource(serviceCidrs);
  const add = async (name: string, ...cidrs: string[]): Promise<void> => {
    await ranges().create({ metadata: { name }, spec: { cidrs } });
    await cluster.settle();
  };
  const use = async (address: string): Promise<void> => {
    await cluster.api.client.resource(ipAddresses).create({ metadata: { name: address }, spec: { parentRef: { resource: 'services', namespace: 'default', name: 'web' } } });
    await cluster.settle();
  };
  /** As the API does it for an object with a finalizer. */
  const remove = async (name: string): Promise<void> => {
    await ranges().delete('', name);
    await cluster.settle();
  };
  const get = (name: string): Promise<ServiceCIDR> => ranges().get('', name);
  const ready = async (name: string): Promise<string> => {
    const condition = (await get(name)).status?.conditions?.find(({ type }) => type === 'Ready');
    return `${condition?.status} ${condition?.reason ?? ''}`.trim();
  };

  it('a new range is ready, and held by its finalizer', async () => {
    await add('more', '10.97.0.0/24');
    expect([await ready('more'), (await get('more')).metadata?.finalizers]).toEqual(['True', ['networking.k8s.io/service-cidr-finalizer']]);
  });

  it('a range that pods have addresses from gives none, and says so once', async () => {
    await add('bad', '10.244.0.0/20');
    expect(await ready('bad')).toBe('False OverlapsPodRange');
    await cluster.clock.advance(60_000);
    expect((await cluster.events('OverlapsPodRange')).map(({ message, count }) => [message, count ?? 1])).toEqual([['The range overlaps with the cluster\'s pod range 10.244.0.0/16; no address is given from it', 1]]);
  });

  it('a range that is being deleted stays while one of its addresses is in use, then goes', async () => {
    await add('more', '10.97.0.0/24');
    await use('10.97.0.5');
    await remove('more');
    expect(await ready('more')).toBe('False Terminating');
    await cluster.api.client.resource(ipAddresses).delete('', '10.97.0.5');
    await cluster.clock.advance(9_000);
    expect(await ready('more')).toBe('False Terminating');
    await cluster.clock.advance(2_000);
    await expect(get('more')).rejects.toThrow('not found');
  });

  it('addresses that another range has as well keep nobody', async () => {
    await add('small', '10.97.0.0/24');
    await add('large', '10.97.0.0/16');
    await use('10.97.0.5');
    await remove('small');
    await cluster.clock.advance(11_000);
    await expect(get('small')).rejects.toThrow('not found');
    await remove('large');
    expect(await ready('large')).toBe('False Terminating');
  });
});
