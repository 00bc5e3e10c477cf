import { configMaps, namespaces } from '@navarch/api';
import { ApiError } from '@navarch/base';

import { ControllerCluster } from '../../testing/cluster';
import { wantedRootCa } from './root-ca.controller';

const active = { metadata: { name: 'team' }, status: { phase: 'Active' } };

describe('the published root authority', () => {
  it.each([
    ['is made where it is missing', active, undefined, { 'ca.crt': 'PEM' }],
    ['is left alone as it should be', active, { data: { 'ca.crt': 'PEM' } }, undefined],
    ['is repaired when changed', active, { data: { 'ca.crt': 'other' } }, { 'ca.crt': 'PEM' }],
    ['is repaired when something was added', active, { data: { 'ca.crt': 'PEM', more: 'x' } }, { 'ca.crt': 'PEM' }],
    ['is not made in a terminating namespace', { ...active, status: { phase: 'Terminating' } }, undefined, undefined],
    ['is not made where the namespace is gone', undefined, undefined, undefined],
  ])('%s', (_name, namespace, present, data) => expect(wantedRootCa(namespace, present, 'PEM')?.data).toEqual(data));

  describe('in a cluster', () => {
    let cluster: ControllerCluster;
    beforeEach(() => { cluster = new ControllerCluster(); });
    afterEach(() => cluster.close());
    const maps = () => cluster.api.client.resource(configMaps);
    const data = async () => (await maps().get('team', 'kube-root-ca.crt')).data;

    it('comes to every namespace, new ones too, and back when it is deleted or changed', async () => {
      await cluster.addNamespace('team');
      await cluster.start({ rootCa: 'PEM' });
      await cluster.clock.advance(1_000);
      expect(await data()).toEqual({ 'ca.crt': 'PEM' });
      await maps().delete('team', 'kube-root-ca.crt');
      await cluster.clock.advance(1_000);
      expect(await data()).toEqual({ 'ca.crt': 'PEM' });
      await maps().update({ ...(await maps().get('team', 'kube-root-ca.crt')), data: { 'ca.crt': 'forged' } });
      await cluster.clock.advance(1_000);
      expect(await data()).toEqual({ 'ca.crt': 'PEM' });
      await cluster.addNamespace('later');
      await cluster.clock.advance(1_000);
      expect((await maps().get('later', 'kube-root-ca.crt')).data).toEqual({ 'ca.crt': 'PEM' });
    });

    it('is tried again when the server fails, and not in a namespace that has begun to go', async () => {
      await cluster.start({ rootCa: 'PEM' });
      await cluster.addNamespace('team');
      cluster.api.failNext('create', new ApiError('Unavailable', 'away'), { plural: 'configmaps' });
      await cluster.clock.advance(10_000);
      expect(await data()).toEqual({ 'ca.crt': 'PEM' });
      cluster.api.failNext('create', new ApiError('Forbidden', 'because it is being terminated'), { plural: 'configmaps' });
      await cluster.api.client.resource(namespaces).create({ metadata: { name: 'going' } });
      await cluster.clock.advance(60_000);
      await expect(maps().get('going', 'kube-root-ca.crt')).rejects.toMatchObject({ reason: 'NotFound' });
    });
  });
});
