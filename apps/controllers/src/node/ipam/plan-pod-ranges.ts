import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { AllocationTable, Holder } from './allocation-table';
import { RangePool, type ClusterRange } from './range-pool';

export interface Assignment {
  readonly node: Node;
  /** One per cluster range, in their order. */
  readonly ranges: readonly string[];
}

export interface PodRangePlan {
  /** The table as it must be written before any assignment is. */
  readonly table: AllocationTable;
  readonly assignments: readonly Assignment[];
  /** Nodes for which no range is left. */
  readonly exhausted: readonly Node[];
}

/** Entries whose node is not among `nodes` by name and uid: to be looked up before they are released, for a cache may be behind. */
export function suspects(table: AllocationTable, nodes: readonly Node[]): Holder[] {
  const present = new Set(nodes.map(({ metadata }) => holderId(metadata?.name, metadata?.uid)));
  const absent = [...table.holders.values()].filter(({ node, uid }) => !present.has(holderId(node, uid)));
  return [...new Map(absent.map((holder) => [holderId(holder.node, holder.uid), holder])).values()];
}

/**
 * Gives every node without a pod range one range of each cluster range. `nodes` are all that may exist: entries of holders not
 * among them are released (see `suspects`). A node's own range always counts as taken and is entered in the table; a range entered
 * for a node that has none yet (the allocator stopped in between) is given to it again.
 */
export function planPodRanges(table: AllocationTable, nodes: readonly Node[], clusterRanges: readonly ClusterRange[]): PodRangePlan {
  const byId = new Map(nodes.map((node) => [holderId(node.metadata?.name, node.metadata?.uid), node]));
  const holders = new Map<string, Holder>();
  const reserved = new Map<string, string[]>();
  for (const [range, holder] of table.holders) {
    const id = holderId(holder.node, holder.uid);
    const node = byId.get(id);
    // A node that got another range after all does not keep what was once reserved for it.
    if (!node || (podRanges(node).length > 0 && !podRanges(node).includes(range))) continue;
    holders.set(range, holder);
    if (podRanges(node).length === 0) reserved.set(id, [...(reserved.get(id) ?? []), range]);
  }
  for (const node of nodes) for (const range of podRanges(node)) holders.set(range, holderOf(node));

  const pools = clusterRanges.map((clusterRange) => new RangePool(clusterRange));
  for (const pool of pools) for (const range of holders.keys()) pool.occupy(range);
  const next = pools.map((_, index) => table.next[index] ?? 0);
  const assignments: Assignment[] = [];
  const exhausted: Node[] = [];
  for (const node of nodes) {
    if (podRanges(node).length > 0 || node.metadata?.deletionTimestamp) continue;
    const ranges = takeRanges(pools, next, reserved.get(holderId(node.metadata?.name, node.metadata?.uid)) ?? []);
    for (const range of ranges ?? []) holders.set(range, holderOf(node));
    if (ranges) assignments.push({ node, ranges });
    else exhausted.push(node);
  }
  return { table: { holders, next }, assignments, exhausted };
}

/** One range of each pool or none at all; goes on after the last one given, so that a released range rests before it is used again. */
function takeRanges(pools: readonly RangePool[], next: number[], reserved: readonly string[]): string[] | undefined {
  const taken = pools.map((pool, index) => {
    const before = reserved.find((range) => pool.contains(range));
    if (before !== undefined) return { range: before, slot: undefined };
    return pool.take(next[index] ?? 0);
  });
  if (!taken.every((slot) => slot !== undefined)) return undefined;
  taken.forEach(({ slot }, index) => {
    if (slot !== undefined) next[index] = (slot + 1) % (pools[index]?.slots ?? 1);
  });
  return taken.map(({ range }) => range);
}

export function podRanges({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
}

const holderId = (node = '', uid = ''): string => `${node}/${uid}`;
const holderOf = ({ metadata }: Node): Holder => ({ node: metadata?.name ?? '', uid: metadata?.uid ?? '' });
