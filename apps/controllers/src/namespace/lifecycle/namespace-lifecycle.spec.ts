import { configMaps, namespaces, pods, secrets, serviceAccounts } from '@navarch/api';
import { ApiError, isNotFound } from '@navarch/base';

import { ControllerCluster } from '../../testing/cluster';

describe('namespaces', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
    await cluster.addNamespace('shop');
    await cluster.addNamespace('other');
    await cluster.clock.advance(100);
  });
  afterEach(() => cluster.close());

  const exists = (name: string): Promise<boolean> => cluster.api.client.resource(namespaces).get('', name).then(() => true, (thrown: unknown) => !isNotFound(thrown));
  const accounts = async (): Promise<string[]> => (await cluster.api.client.resource(serviceAccounts).list()).items.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`).sort();

  it('every active namespace has a default ServiceAccount, also after someone deleted it', async () => {
    expect(await accounts()).toEqual(['other/default', 'shop/default']);
    await cluster.api.client.resource(serviceAccounts).delete('shop', 'default');
    await cluster.clock.advance(100);
    expect(await accounts()).toEqual(['other/default', 'shop/default']);
  });

  it('deleting a namespace deletes everything of every kind in it, and then it is gone; others keep theirs', async () => {
    for (const namespace of ['shop', 'other']) {
      await cluster.api.client.resource(configMaps).create({ metadata: { namespace, name: 'settings' } });
      await cluster.api.client.resource(secrets).create({ metadata: { namespace, name: 'key' } });
      await cluster.api.client.resource(pods).create({ metadata: { namespace, name: 'web' }, spec: { containers: [{ name: 'main', image: 'busybox' }] } });
    }
    await cluster.api.client.resource(namespaces).delete('', 'shop');
    await cluster.clock.advance(40_000);
    expect([await exists('shop'), await exists('other'), await accounts()]).toEqual([false, true, ['other/default']]);
    for (const kind of [configMaps, secrets, pods]) expect((await cluster.api.client.resource(kind as typeof configMaps).list()).items.map(({ metadata }) => metadata?.namespace)).toEqual(['other']);
  });

  it('while something holds it, its conditions say what; when that lets go, it goes', async () => {
    await cluster.api.client.resource(configMaps).create({ metadata: { namespace: 'shop', name: 'held', finalizers: ['example.com/hold'] } });
    await cluster.api.client.resource(namespaces).delete('', 'shop');
    await cluster.clock.advance(10_000);
    const conditions = (await cluster.api.client.resource(namespaces).get('', 'shop')).status?.conditions;
    expect(conditions?.find(({ type }) => type === 'NamespaceContentRemaining')).toMatchObject({ status: 'True', message: 'Some resources are remaining: configmaps has 1 resource instances' });
    expect(conditions?.find(({ type }) => type === 'NamespaceFinalizersRemaining')?.message).toContain('example.com/hold in 1 resource instances');
    await cluster.api.client.resource(configMaps).patch('shop', 'held', 'application/merge-patch+json', { metadata: { finalizers: null } });
    await cluster.clock.advance(5_000);
    expect(await exists('shop')).toBe(false);
  });

  it('a kind that cannot be emptied now is named, the others are emptied, and it goes on', async () => {
    await cluster.api.client.resource(configMaps).create({ metadata: { namespace: 'shop', name: 'settings' } });
    await cluster.api.client.resource(secrets).create({ metadata: { namespace: 'shop', name: 'key' } });
    for (let n = 0; n < 2; n++) cluster.api.failNext('list', new ApiError('Unavailable', 'no secrets today'), { plural: 'secrets' });
    await cluster.api.client.resource(namespaces).delete('', 'shop');
    await cluster.clock.advance(600);
    const conditions = (await cluster.api.client.resource(namespaces).get('', 'shop')).status?.conditions;
    expect(conditions?.find(({ type }) => type === 'NamespaceDeletionContentFailure')).toMatchObject({ status: 'True', message: expect.stringContaining('secrets: no secrets today') as string });
    await cluster.clock.advance(5_000);
    expect(await exists('shop')).toBe(false);
  });

  it('while something holds it for long, kinds that are empty are not listed again and again', async () => {
    await cluster.api.client.resource(configMaps).create({ metadata: { namespace: 'shop', name: 'held', finalizers: ['example.com/hold'] } });
    await cluster.api.client.resource(namespaces).delete('', 'shop');
    await cluster.clock.advance(30_000);
    const failure = async (): Promise<string | undefined> => (await cluster.api.client.resource(namespaces).get('', 'shop')).status?.conditions?.find(({ type }) => type === 'NamespaceDeletionContentFailure')?.status;
    cluster.api.failNext('list', new ApiError('Unavailable', 'nobody asks'), { plural: 'secrets' });
    await cluster.clock.advance(60_000);
    expect(await failure()).toBe('False');
    // One of the kind that is held is seen.
    cluster.api.failNext('list', new ApiError('Unavailable', 'asked'), { plural: 'configmaps' });
    await cluster.clock.advance(5_100);
    expect(await failure()).toBe('True');
  });
});
