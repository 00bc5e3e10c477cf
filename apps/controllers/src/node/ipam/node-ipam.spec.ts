import { configMaps, nodes } from '@navarch/api';
import { ApiError } from '@navarch/base';

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

  it('two allocators at once, one of them with a cache that stands still, give no range twice', async () => {
    const one = await cluster.start();
    await cluster.addNode('a');
    await cluster.clock.advance(1_000);
    // A second allocator took 10.244.1.0/24 for a node that this one has not seen.
    const resume = cluster.api.pauseWatches();
    const tables = cluster.api.client.resource(configMaps);
    const other = await cluster.api.client.resource(nodes).create({ metadata: { name: 'unseen' } });
    await tables.patch('kube-system', 'node-pod-ranges', 'application/merge-patch+json', { data: { '10.244.1.0-24': `unseen/${other.metadata?.uid}` } });
    await cluster.api.client.resource(nodes).patch('', 'unseen', 'application/merge-patch+json', { spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] } });
    resume();
    await cluster.addNode('b');
    await cluster.clock.advance(5_000);
    expect([await rangeOf('a'), await rangeOf('unseen'), await rangeOf('b')]).toEqual(['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24']);
    expect(one.leading).toBe(true);
  });
});
