import { nodes, pods } from '@navarch/api';

import { ControllerCluster } from '../../testing/cluster';

describe('collection of pods', () => {
  let cluster: ControllerCluster;
  beforeEach(() => {
    cluster = new ControllerCluster();
  });
  afterEach(() => cluster.close());

  it('pods of a node that is gone are failed and deleted after the quarantine, not before', async () => {
    await cluster.start();
    await cluster.addNode('a');
    await cluster.addNode('b');
    await cluster.addPod('orphan', 'a', { finalizers: ['example.com/hold'] });
    await cluster.addPod('other', 'b');
    await cluster.api.client.resource(nodes).delete('', 'a');
    await cluster.clock.advance(39_000);
    expect((await cluster.api.client.resource(pods).get('default', 'orphan')).metadata?.deletionTimestamp).toBeUndefined();
    await cluster.clock.advance(42_000);
    const orphan = await cluster.api.client.resource(pods).get('default', 'orphan');
    expect([orphan.status?.phase, orphan.metadata?.deletionTimestamp !== undefined]).toEqual(['Failed', true]);
    expect(orphan.status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({ status: 'True', reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' });
    expect((await cluster.api.client.resource(pods).get('default', 'other')).metadata?.deletionTimestamp).toBeUndefined();
  });

  it('a node that comes back within the quarantine keeps its pods', async () => {
    await cluster.start();
    await cluster.addNode('a');
    await cluster.addPod('web', 'a');
    await cluster.api.client.resource(nodes).delete('', 'a');
    await cluster.clock.advance(25_000);
    await cluster.addNode('a');
    await cluster.clock.advance(120_000);
    expect(await cluster.podNames()).toEqual(['web']);
  });

  it('terminated pods beyond the threshold go, the oldest first', async () => {
    await cluster.start({ terminatedPodThreshold: 2 });
    await cluster.addNode('a');
    for (const name of ['one', 'two', 'three', 'four']) {
      await cluster.addPod(name, 'a', { phase: 'Succeeded' });
      await cluster.clock.advance(1_000);
    }
    await cluster.addPod('running', 'a');
    await cluster.clock.advance(21_000);
    expect(await cluster.podNames()).toEqual(['four', 'running', 'three']);
  });

  it('a pod that is told to go before any node had it goes', async () => {
    await cluster.start();
    await cluster.addPod('waiting', undefined, { phase: 'Pending' });
    await cluster.api.client.resource(pods).delete('default', 'waiting', { deleteOptions: { gracePeriodSeconds: 30 } });
    await cluster.clock.advance(21_000);
    expect(await cluster.podNames()).toEqual([]);
  });
});
