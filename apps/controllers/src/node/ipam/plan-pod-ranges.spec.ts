import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';
import fc from 'fast-check';

import { readTable, sameTable, writeTable, type AllocationTable } from './allocation-table';
import { planPodRanges, podRanges, suspects } from './plan-pod-ranges';

const node = (name: string, range?: string, uid = `uid-of-${name}`): Node => ({ metadata: { name, uid }, ...(range && { spec: { podCIDR: range, podCIDRs: [range] } }) });
const table = (entries: Record<string, string>, ...next: number[]): AllocationTable => ({
  holders: new Map(Object.entries(entries).map(([range, name]) => [range, { node: name, uid: `uid-of-${name}` }])), next,
});
const small = [{ cidr: '10.244.0.0/22', nodeMaskSize: 24 }];
const dual = [...small, { cidr: 'fd00:10:244::/62', nodeMaskSize: 64 }];
const assigned = (plan: ReturnType<typeof planPodRanges>): Record<string, readonly string[]> => Object.fromEntries(plan.assignments.map(({ node: { metadata }, ranges }) => [metadata?.name, ranges]));
const holders = ({ table: { holders: all } }: ReturnType<typeof planPodRanges>): Record<string, string> => Object.fromEntries(Array.from(all, ([range, holder]) => [range, holder.node]));

describe('pod ranges of nodes', () => {
  it('each node without one gets one, entered in the table before it is used', () => {
    const plan = planPodRanges(table({}), [node('a'), node('b')], small);
    expect(assigned(plan)).toEqual({ a: ['10.244.0.0/24'], b: ['10.244.1.0/24'] });
    expect(holders(plan)).toEqual({ '10.244.0.0/24': 'a', '10.244.1.0/24': 'b' });
  });

  it('two cluster ranges give each node one of each family', () => {
    expect(assigned(planPodRanges(table({}), [node('a')], dual))).toEqual({ a: ['10.244.0.0/24', 'fd00:10:244::/64'] });
  });

  it('a node that has one keeps it, whoever gave it, and it is entered', () => {
    const plan = planPodRanges(table({}), [node('a', '10.244.0.0/24'), node('b')], small);
    expect(assigned(plan)).toEqual({ b: ['10.244.1.0/24'] });
    expect(holders(plan)).toEqual({ '10.244.0.0/24': 'a', '10.244.1.0/24': 'b' });
  });

  it('a range reserved before a crash goes to the node it was reserved for', () => {
    const plan = planPodRanges(table({ '10.244.3.0/24': 'b' }), [node('a'), node('b')], small);
    expect(assigned(plan)).toEqual({ a: ['10.244.0.0/24'], b: ['10.244.3.0/24'] });
  });

  it('of two families, only the one not yet reserved is taken anew', () => {
    expect(assigned(planPodRanges(table({ '10.244.3.0/24': 'a' }), [node('a')], dual))).toEqual({ a: ['10.244.3.0/24', 'fd00:10:244::/64'] });
  });

  it('the range of a node that is gone is released, and that of a node made again under its name too', () => {
    const plan = planPodRanges(table({ '10.244.0.0/24': 'gone', '10.244.1.0/24': 'again' }, 2), [node('again', undefined, 'another-uid')], small);
    expect(holders(plan)).toEqual({ '10.244.2.0/24': 'again' });
    expect(plan.table.holders.get('10.244.2.0/24')?.uid).toBe('another-uid');
  });

  it('a released range rests while others are free', () => {
    const first = planPodRanges(table({}), [node('a'), node('b')], small);
    const second = planPodRanges(first.table, [node('b', '10.244.1.0/24'), node('c')], small);
    expect(assigned(second)).toEqual({ c: ['10.244.2.0/24'] });
  });

  it('a terminating node gets none', () => {
    expect(planPodRanges(table({}), [{ ...node('a'), metadata: { ...node('a').metadata, deletionTimestamp: { seconds: 1 } } }], small).assignments).toEqual([]);
  });

  it('when none is left the node is named, and others that have theirs are untouched', () => {
    const nodes = ['a', 'b', 'c', 'd', 'e'].map((name) => node(name));
    const plan = planPodRanges(table({}), nodes, small);
    expect(plan.exhausted.map(({ metadata }) => metadata?.name)).toEqual(['e']);
    expect(Object.keys(assigned(plan))).toEqual(['a', 'b', 'c', 'd']);
  });

  it('when one family is exhausted the node gets none of the other either', () => {
    const tight = [{ cidr: '10.244.0.0/24', nodeMaskSize: 24 }, { cidr: 'fd00:10:244::/62', nodeMaskSize: 64 }];
    const plan = planPodRanges(table({}), [node('a'), node('b')], tight);
    expect([assigned(plan), holders(plan)]).toEqual([{ a: ['10.244.0.0/24', 'fd00:10:244::/64'] }, { '10.244.0.0/24': 'a', 'fd00:10:244::/64': 'a' }]);
  });

  it('suspects are the holders that the cache does not know: name and uid', () => {
    const entries = table({ '10.244.0.0/24': 'a', '10.244.1.0/24': 'gone', 'fd00::/64': 'gone', '10.244.2.0/24': 'again' });
    expect(suspects(entries, [node('a'), node('again', undefined, 'another-uid')]).map((holder) => holder.node)).toEqual(['gone', 'again']);
  });

  it('law: however nodes come, go, restart and lose writes in between, no range is ever held by two, and a committed one never moves', () => {
    const step = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), what: fc.constantFrom('come', 'go', 'plan', 'plan', 'crash') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let stored: AllocationTable = table({});
        let uid = 0;
        const nodes = new Map<string, Node>();
        for (const { name, what } of steps) {
          if (what === 'come' && !nodes.has(name)) nodes.set(name, node(name, undefined, `uid-${uid++}`));
          if (what === 'go') nodes.delete(name);
          if (what !== 'plan' && what !== 'crash') continue;
          const before = new Map(nodes);
          const plan = planPodRanges(stored, [...nodes.values()], small);
          stored = plan.table;
          // A crash comes after the reservation and before all commits but the first.
          for (const { node: target, ranges } of what === 'crash' ? plan.assignments.slice(0, 1) : plan.assignments) {
            nodes.set(target.metadata?.name ?? '', { ...target, spec: { podCIDR: ranges[0], podCIDRs: [...ranges] } });
          }
          for (const [key, old] of before) if (podRanges(old).length > 0) expect(podRanges(nodes.get(key) as Node)).toEqual(podRanges(old));
          const ranges = [...nodes.values()].flatMap((each) => podRanges(each));
          expect(new Set(ranges).size).toBe(ranges.length);
          expect(plan.exhausted.length).toBe(Math.max(0, nodes.size - 4));
        }
      }),
    );
  });
});

describe('the allocation table', () => {
  it('survives its ConfigMap, in both families', () => {
    const before = { ...table({ '10.244.1.0/24': 'a', 'fd00:10:244:1::/64': 'b-2.example' }), next: [2, 7] };
    const after = readTable(writeTable(undefined, before));
    expect(after).toEqual(before);
    expect(Object.keys(writeTable(undefined, before).data ?? {}).every((key) => /^[-._a-zA-Z0-9]+$/.test(key))).toBe(true);
  });

  it('keeps the version it was read at, so that a second allocator loses', () => {
    const configMap = { metadata: { resourceVersion: '7', uid: 'u' }, data: {} };
    expect(writeTable(configMap, table({})).metadata).toMatchObject({ resourceVersion: '7', uid: 'u', namespace: 'kube-system', name: 'node-pod-ranges' });
  });

  it('entries that make no sense are passed over', () => {
    expect(readTable({ data: { '10.244.1.0-24': 'nonsense', '10.244.2.0-24': 'a/u' } }).holders).toEqual(new Map([['10.244.2.0/24', { node: 'a', uid: 'u' }]]));
    expect(readTable(undefined)).toEqual({ holders: new Map(), next: [] });
  });

  it('tables are the same when their holders are', () => {
    expect(sameTable(table({ x: 'a' }), table({ x: 'a' }))).toBe(true);
    for (const other of [table({}), table({ x: 'b' }), table({ y: 'a' })]) expect(sameTable(table({ x: 'a' }), other)).toBe(false);
  });
});
