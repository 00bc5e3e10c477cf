import { pods, replicationControllers } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { ReplicationController } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ControllerCluster } from '../testing/cluster';

describe('ReplicationController', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
    await cluster.runPods();
  });
  afterEach(() => cluster.close());

  const client = () => cluster.api.client.resource(replicationControllers);
  const create = async (replicas: number): Promise<ReplicationController> => {
    const made = await client().create({ metadata: { namespace: 'default', name: 'web' }, spec: { replicas, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } } } });
    await cluster.clock.advance(1_000);
    return made;
  };

  it('takes its template’s labels for a selector, makes pods, counts them, scales both ways', async () => {
    const made = await create(3);
    const [pod] = (await cluster.api.client.resource(pods).list()).items;
    expect(pod?.metadata?.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'ReplicationController', name: 'web', uid: made.metadata?.uid, controller: true, blockOwnerDeletion: true }]);
    expect((await client().get('default', 'web')).status).toEqual({ replicas: 3, fullyLabeledReplicas: 3, readyReplicas: 3, availableReplicas: 3, observedGeneration: 1 });
    const present = structuredClone(await client().get('default', 'web'));
    await client().update({ ...present, spec: { ...present.spec, replicas: 1 } });
    await cluster.clock.advance(1_000);
    expect(await cluster.podNames()).toHaveLength(1);
  });

  it('refused pods: condition and event, as of a ReplicaSet', async () => {
    for (let at = 0; at < 100; at++) cluster.api.failNext('create', new ApiError('Forbidden', 'exceeded quota'), { plural: 'pods' });
    await create(2);
    expect((await client().get('default', 'web')).status?.conditions).toEqual([expect.objectContaining({ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' })]);
    expect((await cluster.events('FailedCreate'))[0]?.involvedObject).toMatchObject({ kind: 'ReplicationController', apiVersion: 'v1', name: 'web' });
  });
});
