import { secrets, serviceAccounts } from '@navarch/api';
import type { Secret } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ControllerCluster } from '../../testing/cluster';

let cluster: ControllerCluster;
beforeEach(() => { cluster = new ControllerCluster(); });
afterEach(() => cluster.close());

const store = () => cluster.api.client.resource(secrets);
const accounts = () => cluster.api.client.resource(serviceAccounts);
const tokenSecret = (name = 'robot-token', account = 'robot'): Secret => ({
  metadata: { namespace: 'default', name, annotations: { 'kubernetes.io/service-account.name': account } }, type: 'kubernetes.io/service-account-token',
});
const makeAccount = (name = 'robot') => accounts().create({ metadata: { namespace: 'default', name } });
const start = (config = {}) => cluster.start({ rootCa: 'PEM', signToken: (claims) => JSON.stringify(claims), ...config });
const dataOf = async (name = 'robot-token'): Promise<Record<string, string>> =>
  Object.fromEntries(Object.entries((await store().get('default', name)).data ?? {}).map(([key, bytes]) => [key, Buffer.from(bytes).toString()]));
const isThere = (name = 'robot-token') => store().get('default', name).then(() => true, () => false);

describe('a Secret of type kubernetes.io/service-account-token', () => {
  it('is filled with a token of its account, the authority and the namespace, and says whose it is', async () => {
    const account = await makeAccount();
    await store().create(tokenSecret());
    await start();
    await cluster.clock.advance(1_000);
    const { token, ...others } = await dataOf();
    expect(others).toEqual({ 'ca.crt': 'PEM', namespace: 'default' });
    expect(JSON.parse(token ?? '')).toEqual({
      iss: 'kubernetes/serviceaccount', sub: 'system:serviceaccount:default:robot', 'kubernetes.io/serviceaccount/namespace': 'default', 'kubernetes.io/serviceaccount/secret.name': 'robot-token',
      'kubernetes.io/serviceaccount/service-account.name': 'robot', 'kubernetes.io/serviceaccount/service-account.uid': account.metadata?.uid,
    });
    expect((await store().get('default', 'robot-token')).metadata?.annotations?.['kubernetes.io/service-account.uid']).toBe(account.metadata?.uid);
  });

  it('keeps its token when something else of it is repaired', async () => {
    await makeAccount();
    await start();
    await store().create(tokenSecret());
    await cluster.clock.advance(1_000);
    const before = await dataOf();
    const present = await store().get('default', 'robot-token');
    await store().update({ ...present, data: { ...present.data, 'ca.crt': Buffer.from('forged'), mine: Buffer.from('stays') } });
    await cluster.clock.advance(1_000);
    expect(await dataOf()).toEqual({ ...before, mine: 'stays' });
  });

  it('goes with its account, and only that account’s go', async () => {
    await Promise.all([makeAccount(), makeAccount('other')]);
    await Promise.all([store().create(tokenSecret()), store().create(tokenSecret('other-token', 'other'))]);
    await start();
    await cluster.clock.advance(1_000);
    await accounts().delete('default', 'robot');
    await cluster.clock.advance(1_000);
    expect([await isThere(), await isThere('other-token')]).toEqual([false, true]);
  });

  it('of an account that never was, or of another one of that name, goes', async () => {
    await makeAccount();
    const another = tokenSecret('another');
    await store().create({ ...another, metadata: { ...another.metadata, annotations: { ...another.metadata?.annotations, 'kubernetes.io/service-account.uid': 'another' } } });
    await store().create(tokenSecret('stray', 'nobody'));
    await start();
    await cluster.clock.advance(1_000);
    expect([await isThere('another'), await isThere('stray')]).toEqual([false, false]);
  });

  it('stays where only the cache has not yet heard of the account', async () => {
    await start();
    const resume = cluster.api.pauseWatches();
    await makeAccount();
    await store().create(tokenSecret());
    resume();
    await cluster.clock.advance(1_000);
    expect(Object.keys(await dataOf()).sort()).toEqual(['ca.crt', 'namespace', 'token']);
  });

  it('is not filled without a key to sign with; other Secrets are nobody’s business', async () => {
    await makeAccount();
    await store().create(tokenSecret());
    await store().create({ metadata: { namespace: 'default', name: 'plain', annotations: { 'kubernetes.io/service-account.name': 'nobody' } }, type: 'Opaque' });
    await start({ signToken: undefined });
    await cluster.clock.advance(1_000);
    expect([await dataOf(), await isThere('plain')]).toEqual([{}, true]);
  });
});
