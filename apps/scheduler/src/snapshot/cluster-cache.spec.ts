import fc from 'fast-check';

import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { node, pod } from '../testing/builders';
import { ClusterCache } from './cluster-cache';

/** Everything a decision can read of a table, by node name, with nothing that tells in which order it came about. */
function describeTable({ table }: ClusterCache): unknown {
  const rows = table.names.flatMap((name, row) => {
    if (name === '') return [];
    const amounts = (columns: readonly Float64Array[]): object =>
      Object.fromEntries(columns.flatMap((column, id) => ((column[row] ?? 0) === 0 ? [] : [[table.resources.textOf(id), column[row]]])));
    return [{
      name, known: table.nodes[row] !== undefined, allocatable: amounts(table.allocatable), requested: amounts(table.requested),
      scored: [table.scoredCpu[row], table.scoredMemory[row]], pods: [table.podCount[row], table.allowedPods[row]], unschedulable: table.unschedulable[row],
      taints: (table.taintSets[table.taintSet[row] ?? 0] ?? []).map(({ key, effect }) => `${key}:${effect}`), zone: zoneOf(table.labelColumn('zone'), row),
      on: [...(table.pods[row]?.keys() ?? [])].sort(), ports: (table.ports[row]?.list() ?? []).map(({ port }) => port).sort(),
    }];
  });
  return { rows: rows.sort((a, b) => (a.name < b.name ? -1 : 1)), order: [...table.order].map((row) => table.names[row]).sort() };
}

function zoneOf(column: { ids: Int32Array; values: { textOf(id: number): string } }, row: number): string {
  return column.values.textOf(column.ids[row] ?? 0);
}

type Step =
  | { readonly do: 'setNode'; readonly node: number; readonly cpu: string; readonly zone: string; readonly tainted: boolean; readonly cordoned: boolean }
  | { readonly do: 'removeNode'; readonly node: number }
  | { readonly do: 'setPod' | 'assume'; readonly pod: number; readonly node: number; readonly cpu: string; readonly port: number }
  | { readonly do: 'forget' | 'removePod'; readonly pod: number };

const which = fc.nat({ max: 5 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('setNode' as const), node: which, cpu: fc.constantFrom('1', '2'), zone: fc.constantFrom('a', 'b'), tainted: fc.boolean(), cordoned: fc.boolean() }),
  fc.record({ do: fc.constant('removeNode' as const), node: which }),
  fc.record({ do: fc.constantFrom('setPod' as const, 'assume' as const), pod: which, node: which, cpu: fc.constantFrom('100m', '0', '1.5'), port: fc.constantFrom(0, 80) }),
  fc.record({ do: fc.constantFrom('forget' as const, 'removePod' as const), pod: which }),
);

interface Placed {
  readonly pod: Pod;
  readonly node: string;
  readonly assumed: boolean;
}

it('equals a snapshot built from the end state alone, after any sequence of events', () => {
  fc.assert(fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
    const grown = new ClusterCache();
    grown.table.labelColumn('zone');
    const nodes = new Map<string, Node>();
    const pods = new Map<string, Placed>();
    for (const step of steps) apply(step, grown, nodes, pods);
    const built = new ClusterCache();
    for (const each of nodes.values()) built.setNode(each);
    for (const { pod: each, node: nodeName } of pods.values()) built.setPod(built.pods.of(each), nodeName);
    expect(describeTable(grown)).toEqual(describeTable(built));
  }), { numRuns: 500 });
});

/** The step on the cache, and on a model of two maps. */
function apply(step: Step, cache: ClusterCache, nodes: Map<string, Node>, pods: Map<string, Placed>): void {
  switch (step.do) {
    case 'setNode': {
      const made = node(`n${step.node}`, { cpu: step.cpu, labels: { zone: step.zone }, unschedulable: step.cordoned, ...(step.tainted && { taints: [{ key: 'k', effect: 'NoSchedule' }] }) });
      cache.setNode(made);
      nodes.set(`n${step.node}`, made);
      return;
    }
    case 'removeNode':
      cache.removeNode(`n${step.node}`);
      nodes.delete(`n${step.node}`);
      return;
    case 'forget': {
      const uid = `pod-p${step.pod}`;
      cache.forget(uid);
      if (pods.get(uid)?.assumed) pods.delete(uid);
      return;
    }
    case 'removePod':
      cache.remove(`pod-p${step.pod}`);
      pods.delete(`pod-p${step.pod}`);
      return;
    default: {
      const made = pod(`p${step.pod}`, { cpu: step.cpu, ...(step.port && { hostPorts: [{ port: step.port }] }) });
      const known = pods.has(`pod-p${step.pod}`);
      if (step.do === 'assume' && known) return;
      if (step.do === 'assume') cache.assume(cache.pods.of(made), `n${step.node}`);
      else cache.setPod(cache.pods.of(made), `n${step.node}`);
      pods.set(`pod-p${step.pod}`, { pod: made, node: `n${step.node}`, assumed: step.do === 'assume' });
    }
  }
}

describe('assumed pods', () => {
  const setUp = (): ClusterCache => {
    const cache = new ClusterCache();
    cache.setNode(node('n1'));
    cache.setNode(node('n2'));
    cache.assume(cache.pods.of(pod('p', { cpu: '1' })), 'n1');
    return cache;
  };
  const requested = (cache: ClusterCache, name: string): number => cache.table.requested[1]?.[cache.table.rowOf(name) ?? -1] ?? 0;

  it('count at once, and not twice when the watch confirms them', () => {
    const cache = setUp();
    expect(requested(cache, 'n1')).toBe(1000);
    cache.setPod(cache.pods.of(pod('p', { cpu: '1' })), 'n1');
    expect(requested(cache, 'n1')).toBe(1000);
    expect(cache.forget('pod-p')).toBe(false);
  });

  it('stop counting when forgotten', () => {
    const cache = setUp();
    expect(cache.forget('pod-p')).toBe(true);
    expect([requested(cache, 'n1'), cache.podCount]).toEqual([0, 0]);
  });

  it('move to where the watch shows them', () => {
    const cache = setUp();
    cache.setPod(cache.pods.of(pod('p', { cpu: '1' })), 'n2');
    expect([requested(cache, 'n1'), requested(cache, 'n2'), cache.isAssumed('pod-p')]).toEqual([0, 1000, false]);
  });

  it('may not be assumed twice', () => {
    const cache = setUp();
    expect(() => cache.assume(cache.pods.of(pod('p')), 'n2')).toThrow('already counted');
  });
});

it('gives the rows of removed nodes to new ones and keeps pods that are seen before their node', () => {
  const cache = new ClusterCache();
  cache.setPod(cache.pods.of(pod('early', { cpu: '1' })), 'later');
  for (let i = 0; i < 300; i++) cache.setNode(node(`n${i}`));
  for (let i = 0; i < 300; i++) cache.removeNode(`n${i}`);
  cache.setNode(node('later', { cpu: '2' }));
  for (let i = 0; i < 300; i++) cache.setNode(node(`m${i}`));
  expect(cache.table.names.length).toBe(301);
  expect(cache.table.nodeCount).toBe(301);
  expect(cache.table.requested[1]?.[cache.table.rowOf('later') ?? -1]).toBe(1000);
});
