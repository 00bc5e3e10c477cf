import fc from 'fast-check';

import { matchesNodeOf, quantityMilliValue, quantityValue, podRequests, findUntoleratedTaint } from '@navarch/api';
import { seededRandom } from '@navarch/base';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { pass, type FilterPlugin, type ScorePlugin, type SignPlugin } from '../framework/plugin';
import { container, node, pod, TestCluster } from '../testing/builders';
import { pickHighest } from './placement';
import { feasibleNodesWanted } from './sampling';

/** Whether a pod may run on a node beside others: written from the objects alone, without any of the scheduler's machinery. */
function oracleAdmits(subject: Pod, target: Node, others: readonly Pod[]): boolean {
  const { spec = {} } = subject;
  const allocatable = target.status?.allocatable ?? {};
  const free = (resource: string, read: typeof quantityValue): boolean => {
    const used = others.reduce((sum, other) => sum + read(podRequests(other.spec ?? {})[resource]), 0);
    return read(podRequests(spec)[resource]) === 0 || used + read(podRequests(spec)[resource]) <= read(allocatable[resource]);
  };
  const ports = (each: Pod): string[] => (each.spec?.containers ?? []).flatMap(({ ports: all = [] }) => all.map(({ hostPort, protocol }) => `${hostPort}/${protocol}`));
  return matchesNodeOf(spec, target)
    && !target.spec?.unschedulable
    && !findUntoleratedTaint(target.spec?.taints, spec.tolerations, ['NoSchedule', 'NoExecute'])
    && others.length + 1 <= quantityValue(allocatable['pods'])
    && free('cpu', quantityMilliValue) && free('memory', quantityValue)
    && !ports(subject).some((port) => others.some((other) => ports(other).includes(port)));
}

const anyNode = fc.record({
  cpu: fc.constantFrom('1', '2', '3500m'), memory: fc.constantFrom('1Gi', '2Gi'), pods: fc.constantFrom('1', '3', '10'), unschedulable: fc.boolean().map((b) => b),
  zone: fc.constantFrom('a', 'b'), tainted: fc.boolean(),
});
const anyPod = fc.record({
  cpu: fc.constantFrom(undefined, '100m', '700m', '1500m'), memory: fc.constantFrom(undefined, '100Mi', '900Mi'), zone: fc.constantFrom(undefined, 'a', 'b'),
  tolerant: fc.boolean(), port: fc.constantFrom(undefined, 80, 81),
});

function makeNode(shape: typeof anyNode extends fc.Arbitrary<infer T> ? T : never, name: string): Node {
  const { zone, tainted, ...rest } = shape;
  return node(name, { ...rest, labels: { zone }, ...(tainted && { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }) });
}

function makePod(shape: typeof anyPod extends fc.Arbitrary<infer T> ? T : never, name: string): Pod {
  const { cpu, memory, zone, tolerant, port } = shape;
  const amounts = { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }), ...(port !== undefined && { hostPorts: [{ port }] }) };
  return pod(name, { spec: { containers: [container(amounts)], ...(zone && { nodeSelector: { zone } }), ...(tolerant && { tolerations: [{ operator: 'Exists', key: 'k' }] }) } });
}

it('places every pod only where all filters pass by an oracle, refuses only what fits nowhere, and never over-commits a node', () => {
  fc.assert(fc.property(fc.array(anyNode, { maxLength: 6 }), fc.array(anyPod, { maxLength: 25 }), fc.nat(), (nodeShapes, podShapes, seed) => {
    const cluster = new TestCluster({ random: seededRandom(seed) });
    const nodes = nodeShapes.map((shape, i) => makeNode(shape, `n${i}`));
    cluster.nodes(...nodes);
    const placed = new Map<string, Pod[]>(nodes.map((each) => [each.metadata?.name ?? '', []]));
    podShapes.forEach((shape, i) => {
      const subject = makePod(shape, `p${i}`);
      const admitting = nodes.filter((each) => oracleAdmits(subject, each, placed.get(each.metadata?.name ?? '') ?? [])).map(({ metadata }) => metadata?.name);
      const chosen = cluster.place(subject);
      if (chosen === undefined) expect(admitting).toEqual([]);
      else {
        expect(admitting).toContain(chosen);
        placed.get(chosen)?.push(subject);
      }
    });
  }), { numRuns: 300 });
});

it('decides the same for like pods with and without what it remembers of them', () => {
  fc.assert(fc.property(fc.array(anyNode, { minLength: 1, maxLength: 5 }), fc.array(anyPod, { maxLength: 20 }), fc.nat(), (nodeShapes, podShapes, seed) => {
    const sharing = new TestCluster({ random: seededRandom(seed) });
    // A filter that signs nothing makes every pod one of a kind.
    const unsigned: FilterPlugin = { name: 'Unsigned', filter: () => pass, explain: () => [] };
    const alone = new TestCluster({ random: seededRandom(seed), profile: { plugins: { enabled: [{ name: 'Unsigned' }] } }, plugins: { Unsigned: () => unsigned } });
    for (const cluster of [sharing, alone]) cluster.nodes(...nodeShapes.map((shape, i) => makeNode(shape, `n${i}`)));
    podShapes.forEach((shape, i) => expect(sharing.place(makePod(shape, `p${i}`))).toBe(alone.place(makePod(shape, `p${i}`))));
  }), { numRuns: 200 });
});

describe('like pods', () => {
  function counting(): { plugin: FilterPlugin & ScorePlugin & SignPlugin; filtered: number; scored: number } {
    const count = {
      filtered: 0, scored: 0,
      plugin: {
        name: 'Counting', sign: () => '', explain: () => [],
        filter: () => { count.filtered++; return pass; },
        score: () => { count.scored++; return 0; },
      } satisfies FilterPlugin & ScorePlugin & SignPlugin,
    };
    return count;
  }

  it('cost one row each after the first: the row that the one before changed', () => {
    const count = counting();
    const cluster = new TestCluster({ profile: { plugins: { enabled: [{ name: 'Counting' }] } }, plugins: { Counting: () => count.plugin } });
    cluster.nodes(...Array.from({ length: 50 }, (_, i) => node(`n${i}`)));
    for (let i = 0; i < 20; i++) expect(cluster.place(pod(`p${i}`, { cpu: '100m' }))).toBeDefined();
    expect({ filtered: count.filtered, scored: count.scored }).toEqual({ filtered: 50 + 19, scored: 50 + 19 });
  });

  it('see at once when a node changes', () => {
    const cluster = new TestCluster().nodes(node('n1', { cpu: '1' }));
    expect(cluster.decide(pod('a', { cpu: '2' })).node).toBeUndefined();
    cluster.nodes(node('n1', { cpu: '2' }));
    expect(cluster.decide(pod('b', { cpu: '2' })).node).toBe('n1');
    cluster.nodes(node('n1', { cpu: '2', labels: { zone: 'b' }, taints: [{ key: 'k', effect: 'NoExecute' }] }));
    expect(cluster.decide(pod('c', { cpu: '2' })).node).toBeUndefined();
  });

  it('see a node whose row another node had before', () => {
    const cluster = new TestCluster().nodes(node('old'));
    expect(cluster.decide(pod('a', { cpu: '1' })).node).toBe('old');
    cluster.cache.removeNode('old');
    cluster.nodes(node('new', { cpu: '500m' }));
    expect(cluster.decide(pod('b', { cpu: '1' })).message).toBe('0/1 nodes are available: 1 Insufficient cpu.');
  });
});

describe('sampling', () => {
  it.each([
    [1, undefined, 1], [100, undefined, 100], [101, undefined, 100], [250, undefined, 120], [1000, undefined, 420], [5000, undefined, 500], [6000, undefined, 300],
    [20000, undefined, 1000], [1000, 10, 100], [5000, 50, 2500], [5000, 100, 5000], [5000, 1, 100],
  ])('of %i nodes at %p percent, %i feasible ones are enough', (nodes, percentage, wanted) => {
    expect(feasibleNodesWanted(nodes, percentage)).toBe(wanted);
  });

  it('goes on where the last search stopped, round the nodes', () => {
    const cluster = new TestCluster({ profile: { percentageOfNodesToScore: 50 } }).nodes(...Array.from({ length: 200 }, (_, i) => node(`n${i}`)));
    const chosen = new Set(Array.from({ length: 200 }, (_, i) => cluster.place(pod(`p${i}`, { cpu: '100m' }))));
    expect(chosen.size).toBe(200);
    expect(cluster.decide(pod('last')).evaluated).toBe(100);
  });

  it('takes nodes of the zones in turn', () => {
    const cluster = new TestCluster().nodes(...['a', 'a', 'a', 'b', 'c', 'c'].map((zone, i) => node(`${zone}${i}`, { labels: { 'topology.kubernetes.io/zone': zone } })));
    expect([...cluster.cache.table.order].map((row) => cluster.cache.table.names[row])).toEqual(['a0', 'b3', 'c4', 'a1', 'c5', 'a2']);
  });

  it('is repeatable: the same seed and events give the same placements', () => {
    const run = (seed: number): (string | undefined)[] => {
      const cluster = new TestCluster({ random: seededRandom(seed) }).nodes(...Array.from({ length: 300 }, (_, i) => node(`n${i}`)));
      return Array.from({ length: 50 }, (_, i) => cluster.place(pod(`p${i}`, { cpu: '1' })));
    };
    expect(run(7)).toEqual(run(7));
    expect(run(7)).not.toEqual(run(8));
  });
});

it('breaks ties by lot, each of the best with the same chance', () => {
  const random = seededRandom(3);
  const hits = [0, 0, 0, 0];
  for (let i = 0; i < 3000; i++) {
    const picked = pickHighest(Int32Array.of(5, 9, 9, 9), 4, random);
    hits[picked] = (hits[picked] as number) + 1;
  }
  expect(hits[0]).toBe(0);
  for (const hit of hits.slice(1)) expect(Math.abs(hit - 1000)).toBeLessThan(100);
});
