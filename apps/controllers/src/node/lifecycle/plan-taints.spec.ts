import type { Node, NodeCondition, Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

import { planTaints } from './plan-taints';

const nowMs = 1_700_000_000_000;
const node = (conditions: Record<string, string>, taints: Taint[] = [], unschedulable = false): Node => ({
  metadata: { name: 'a' },
  spec: { ...(taints.length > 0 && { taints }), ...(unschedulable && { unschedulable }) },
  status: { conditions: Object.entries(conditions).map(([type, status]): NodeCondition => ({ type, status })) },
});
const text = (taints: readonly Taint[]): string[] => taints.map(({ key = '', effect }) => `${key.replace('node.kubernetes.io/', '')}:${effect}`).sort();
const always = { mayEvict: () => true, stopEvictions: false };

describe('taints that follow a node’s state', () => {
  it.each<[string, Node, string[]]>([
    ['a ready node has none', node({ Ready: 'True', MemoryPressure: 'False' }), []],
    ['not ready', node({ Ready: 'False' }), ['not-ready:NoExecute', 'not-ready:NoSchedule']],
    ['unreachable', node({ Ready: 'Unknown' }), ['unreachable:NoExecute', 'unreachable:NoSchedule']],
    ['no condition at all is unreachable', node({}), ['unreachable:NoExecute', 'unreachable:NoSchedule']],
    ['memory pressure', node({ Ready: 'True', MemoryPressure: 'True' }), ['memory-pressure:NoSchedule']],
    ['disk pressure', node({ Ready: 'True', DiskPressure: 'True' }), ['disk-pressure:NoSchedule']],
    ['pid pressure', node({ Ready: 'True', PIDPressure: 'True' }), ['pid-pressure:NoSchedule']],
    ['network unavailable', node({ Ready: 'True', NetworkUnavailable: 'True' }), ['network-unavailable:NoSchedule']],
    ['unschedulable', node({ Ready: 'True' }, [], true), ['unschedulable:NoSchedule']],
  ])('%s', (_name, subject, expected) => {
    expect(text(planTaints(subject, nowMs, always).taints)).toEqual(expected);
  });

  it('the taint that drives pods away says since when, and keeps that time', () => {
    const first = planTaints(node({ Ready: 'Unknown' }), nowMs, always);
    expect(first.taints.find(({ effect }) => effect === 'NoExecute')?.timeAdded).toEqual({ seconds: nowMs / 1000 });
    const second = planTaints(node({ Ready: 'Unknown' }, [...first.taints]), nowMs + 60_000, always);
    expect([second.changed, second.taints]).toEqual([false, first.taints]);
  });

  it('a recovered node loses them at once; taints of others stay', () => {
    const own = planTaints(node({ Ready: 'Unknown', MemoryPressure: 'True' }), nowMs, always).taints;
    const foreign: Taint[] = [{ key: 'example.com/mine', effect: 'NoExecute' }, { key: 'node.kubernetes.io/not-ready', effect: 'PreferNoSchedule' }];
    const plan = planTaints(node({ Ready: 'True' }, [...foreign, ...own]), nowMs, { mayEvict: () => false, stopEvictions: false });
    expect([plan.changed, plan.taints, plan.evictionHeld]).toEqual([true, foreign, false]);
  });

  it('when its zone’s rate does not allow it, pods are kept away but not driven away', () => {
    const plan = planTaints(node({ Ready: 'Unknown' }), nowMs, { mayEvict: () => false, stopEvictions: false });
    expect([text(plan.taints), plan.evictionHeld]).toEqual([['unreachable:NoSchedule'], true]);
  });

  it('from not ready to unreachable the taint changes without waiting for its turn', () => {
    const before = planTaints(node({ Ready: 'False' }), nowMs, always).taints;
    const plan = planTaints(node({ Ready: 'Unknown' }, [...before]), nowMs, { mayEvict: () => false, stopEvictions: false });
    expect([text(plan.taints), plan.evictionHeld]).toEqual([['unreachable:NoExecute', 'unreachable:NoSchedule'], false]);
  });

  it('when no node of the cluster is ready nobody is driven away, also not who was to be', () => {
    const before = planTaints(node({ Ready: 'Unknown' }), nowMs, always).taints;
    let asked = 0;
    const plan = planTaints(node({ Ready: 'Unknown' }, [...before]), nowMs, { mayEvict: () => ++asked > 0, stopEvictions: true });
    expect([text(plan.taints), plan.evictionHeld, asked]).toEqual([['unreachable:NoSchedule'], false, 0]);
  });
});
