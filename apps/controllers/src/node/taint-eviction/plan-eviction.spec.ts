import type { Pod, Taint, Toleration } from '@navarch/proto/k8s/io/api/core/v1/core';

import { planEviction } from './plan-eviction';
import { TaintTimes } from './taint-times';

const unreachable: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };
const mine: Taint = { key: 'example.com/mine', value: 'v', effect: 'NoExecute' };
const pod = (tolerations: Toleration[], startSeconds = 0): Pod => ({ metadata: { creationTimestamp: { seconds: startSeconds } }, spec: { tolerations } });
const exists = (key: string, tolerationSeconds?: number): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', ...(tolerationSeconds !== undefined && { tolerationSeconds }) });
const at100s = (): number => 100_000;

describe('what NoExecute taints mean for a pod', () => {
  it.each<[string, Pod, Taint[], object]>([
    ['no taint: it stays', pod([]), [], { action: 'stay' }],
    ['a taint that only keeps new pods away: it stays', pod([]), [{ ...unreachable, effect: 'NoSchedule' }], { action: 'stay' }],
    ['a taint it does not tolerate: it goes at once', pod([]), [unreachable], { action: 'evict' }],
    ['one of two taints not tolerated: it goes at once', pod([exists(unreachable.key ?? '')]), [unreachable, mine], { action: 'evict' }],
    ['tolerated for ever: it stays', pod([exists(unreachable.key ?? '')]), [unreachable], { action: 'stay' }],
    ['tolerated for a time: it waits that long from when the taint came', pod([exists(unreachable.key ?? '', 300)]), [unreachable], { action: 'wait', untilMs: 400_000 }],
    ['the time is over: it goes', pod([exists(unreachable.key ?? '', 10)]), [unreachable], { action: 'evict' }],
    ['0 and negative seconds: it goes at once', pod([exists(unreachable.key ?? '', -5)]), [unreachable], { action: 'evict' }],
    ['of several tolerations of one taint the shortest counts', pod([exists(unreachable.key ?? '', 300), exists('', 200)]), [unreachable], { action: 'wait', untilMs: 300_000 }],
    ['of several taints the first to run out counts', pod([exists(unreachable.key ?? '', 300), exists(mine.key ?? '', 150)]), [unreachable, mine], { action: 'wait', untilMs: 250_000 }],
    ['a pod younger than the taint has its whole time', pod([exists(unreachable.key ?? '', 300)], 150), [unreachable], { action: 'wait', untilMs: 450_000 }],
  ])('%s', (_name, subject, taints, expected) => {
    expect(planEviction(subject, taints, 120_000, at100s)).toEqual(expected);
  });
});

describe('when a taint came', () => {
  const node = (...taints: Taint[]) => ({ metadata: { name: 'a', uid: 'u' }, spec: { taints } });

  it('is what it says, else when we first saw it, until it goes', () => {
    const times = new TaintTimes();
    expect(times.addedMs(node(), { ...unreachable, timeAdded: { seconds: 7 } }, 9_000)).toBe(7_000);
    times.see(node(mine), 1_000);
    times.see(node(mine, unreachable), 2_000);
    expect([times.addedMs(node(), mine, 9_000), times.addedMs(node(), unreachable, 9_000)]).toEqual([1_000, 2_000]);
    times.see(node(unreachable), 3_000);
    times.see(node(mine, unreachable), 4_000);
    expect([times.addedMs(node(), mine, 9_000), times.addedMs(node(), unreachable, 9_000)]).toEqual([4_000, 2_000]);
  });
});
