import { configMaps, nodes } from '@navarch/api';
import { ApiError, isConflict } from '@navarch/base';
import type { ApiClient, WatchOptions } from '@navarch/client';

import { ControllerCluster } from '../../testing/cluster';

const tight = { clusterRanges: [{ cidr: '10.244.0.0/23', nodeMaskSize: 24 }] };

describe('pod ranges given to nodes', () => {
  let cluster: ControllerCluster;
  beforeEach(() => {
    cluster = new ControllerCluster();
  });
  afterEach(() => cluster.close());
  const rangeOf = async (name: string): Promise<string | undefined> => (await cluster.node(name)).spec?.podCIDR;

  it('each new node gets a range of its own, in podCIDR and podCIDRs', async () => {
    await cluster.start();
    for (const name of ['a', 'b', 'c']) await cluster.addNode(name);
    await cluster.clock.advance(1_000);
    const specs = await Promise.all(['a', 'b', 'c'].map(async (name) => (await cluster.node(name)).spec));
    expect(specs.map((spec) => spec?.podCIDR)).toEqual(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']);
    for (const spec of specs) expect(spec?.podCIDRs).toEqual([spec?.podCIDR]);
  });

  it('a restart gives nothing away twice and moves nothing', async () => {
    const first = await cluster.start();
    await cluster.addNode('a');
    await cluster.clock.advance(1_000);
    await cluster.stop(first);
    await cluster.addNode('b');
    await cluster.start();
    await cluster.clock.advance(3_000);
    expect([await rangeOf('a'), await rangeOf('b')]).toEqual(['10.244.0.0/24', '10.244.1.0/24']);
  });

  it('a node that goes gives its range back; when none is left the node says CIDRNotAvailable and gets the next one', async () => {
    await cluster.start(tight);
    for (const name of ['a', 'b', 'c']) await cluster.addNode(name);
    await cluster.clock.advance(1_000);
    expect([await rangeOf('a'), await rangeOf('b'), await rangeOf('c')]).toEqual(['10.244.0.0/24', '10.244.1.0/24', undefined]);
    const [event] = await cluster.events('CIDRNotAvailable');
    expect([event?.involvedObject?.name, event?.message]).toEqual(['c', 'Node c status is now: CIDRNotAvailable']);
    await cluster.api.client.resource(nodes).delete('', 'a');
    await cluster.clock.advance(1_000);
    expect(await rangeOf('c')).toBe('10.244.0.0/24');
  });

  it('a write whose answer was lost, to the table or to the node, gives no second range', async () => {
    await cluster.start();
    cluster.api.failNext('update', new ApiError('Timeout', 'lost'), { plural: 'configmaps', landed: true });
    cluster.api.failNext('create', new ApiError('Timeout', 'lost'), { plural: 'configmaps', landed: true });
    cluster.api.failNext('patch', new ApiError('Timeout', 'lost'), { plural: 'nodes', landed: true });
    for (const name of ['a', 'b', 'c']) await cluster.addNode(name);
    await cluster.clock.advance(10_000);
    expect(new Set([await rangeOf('a'), await rangeOf('b'), await rangeOf('c')])).toEqual(new Set(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']));
    const table = await cluster.api.client.resource(configMaps).get('kube-system', 'node-pod-ranges');
    expect(Object.keys(table.data ?? {})).toHaveLength(3);
  });

  it('a range that another allocator reserved for a node which the cache does not have yet is not given away', async () => {
    const blind = await cluster.start({}, blindTo('unseen', cluster.api.client));
    await cluster.addNode('a');
    await cluster.clock.advance(1_000);
    const unseen = await cluster.api.client.resource(nodes).create({ metadata: { name: 'unseen' } });
    await cluster.api.client.resource(configMaps).patch('kube-system', 'node-pod-ranges', 'application/merge-patch+json', { data: { '10.244.1.0-24': `unseen/${unseen.metadata?.uid}` } });
    await cluster.addNode('b');
    await cluster.clock.advance(5_000);
    expect([await rangeOf('a'), await rangeOf('b'), await rangeOf('unseen'), blind.leading]).toEqual(['10.244.0.0/24', '10.244.2.0/24', '10.244.1.0/24', true]);
  });

  it('an allocator that loses the race for the table gives the range to nobody, reads again and takes what is left', async () => {
    await cluster.start();
    await cluster.addNode('a');
    await cluster.addNode('rival');
    await cluster.clock.advance(1_000);
    const tables = cluster.api.client.resource(configMaps);
    const rival = await cluster.api.client.resource(nodes).create({ metadata: { name: 'rival-2' } });
    const real = tables.update.bind(tables);
    // The rival writes between this allocator's read and its write.
    const update = jest.spyOn(tables, 'update').mockImplementationOnce(async (object, options) => {
      await tables.patch('kube-system', 'node-pod-ranges', 'application/merge-patch+json', { data: { '10.244.2.0-24': `rival-2/${rival.metadata?.uid}` } });
      return real(object, options);
    });
    await cluster.addNode('b');
    await cluster.clock.advance(1_000);
    expect([await rangeOf('rival-2'), await rangeOf('b')]).toEqual(['10.244.2.0/24', '10.244.3.0/24']);
    expect(update.mock.calls.length).toBeGreaterThan(1);
    expect(await (update.mock.results[0]?.value as Promise<unknown>).then(() => 'won', (thrown: unknown) => (isConflict(thrown) ? 'lost' : thrown))).toBe('lost');
  });
});

/** A client whose watches of nodes never speak of one of them. */
function blindTo(name: string, client: ApiClient): ApiClient {
  return {
    bindPod: (binding) => client.bindPod(binding),
    createToken: (...args) => client.createToken(...args),
    getForeign: (...args) => client.getForeign(...args),
    resource: (resource) => new Proxy(client.resource(resource), {
      get: (target, property) => {
        if (property !== 'watch') return (Reflect.get(target, property) as (...args: never[]) => unknown).bind(target);
        return async function* (options: WatchOptions) {
          for await (const event of target.watch(options)) if (event.object.metadata?.name !== name) yield event;
        };
      },
    }),
  };
}
