import { intOrString, timeFromMs } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus } from '@navarch/proto/k8s/io/api/policy/v1/policy';

import { planBudget, type ExpectedScale } from './plan-budget';

const nowMs = 1_000_000;
const pod = (name: string, { ready = true, deleted = false } = {}): Pod => ({
  metadata: { name, ...(deleted && { deletionTimestamp: timeFromMs(nowMs) }) }, status: { phase: 'Running', conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const ready = (count: number): Pod[] => Array.from({ length: count }, (_, n) => pod(`p${n}`));
const scaled = (replicas: number): ExpectedScale => ({ type: 'known', replicas, unmanaged: [] });
const budget = (spec: PodDisruptionBudgetSpec, status?: PodDisruptionBudgetStatus): PodDisruptionBudget => ({ metadata: { name: 'b', generation: 3 }, spec, status });
const numbers = ({ expectedPods = 0, desiredHealthy = 0, currentHealthy = 0, disruptionsAllowed = 0 }: PodDisruptionBudgetStatus): number[] => [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed];

describe('a disruption budget', () => {
  it.each<[string, PodDisruptionBudgetSpec, Pod[], number, number[]]>([
    ['minAvailable as a number, of the pods there are', { minAvailable: intOrString(2) }, ready(3), 0, [3, 2, 3, 1]],
    ['minAvailable as a share, of the pods there should be, rounded up', { minAvailable: intOrString('50%') }, ready(7), 7, [7, 4, 7, 3]],
    ['a share of what should be there, though less is', { minAvailable: intOrString('50%') }, ready(3), 10, [10, 5, 3, 0]],
    ['maxUnavailable as a number', { maxUnavailable: intOrString(1) }, ready(3), 3, [3, 2, 3, 1]],
    ['maxUnavailable as a share, rounded up', { maxUnavailable: intOrString('30%') }, ready(4), 4, [4, 2, 4, 2]],
    ['maxUnavailable beyond all', { maxUnavailable: intOrString(9) }, ready(3), 3, [3, 0, 3, 3]],
    ['nothing unavailable', { maxUnavailable: intOrString(0) }, ready(3), 3, [3, 3, 3, 0]],
    ['what is not ready or goes is not healthy', { minAvailable: intOrString(1) }, [pod('a'), pod('b', { ready: false }), pod('c', { deleted: true })], 0, [3, 1, 1, 0]],
    ['no pods, no disruptions', { minAvailable: intOrString(0) }, [], 0, [0, 0, 0, 0]],
    ['neither bound', {}, ready(3), 0, [0, 0, 3, 0]],
  ])('%s', (_, spec, pods, replicas, expected) => {
    expect(numbers(planBudget(budget(spec), pods, scaled(replicas), nowMs).status)).toEqual(expected);
  });

  it('says by condition whether a disruption is allowed, and of which generation it speaks', () => {
    const statusOf = (least: number) => planBudget(budget({ minAvailable: intOrString(least) }), ready(2), scaled(0), nowMs).status;
    expect(statusOf(1)).toMatchObject({ observedGeneration: 3, conditions: [{ type: 'DisruptionAllowed', status: 'True', reason: 'SufficientPods', observedGeneration: 3 }] });
    expect(statusOf(2).conditions).toMatchObject([{ status: 'False', reason: 'InsufficientPods' }]);
  });

  it('allows nothing where it cannot be known how many pods there should be', () => {
    const before = { disruptionsAllowed: 2, currentHealthy: 4, observedGeneration: 2 };
    const { status } = planBudget(budget({ maxUnavailable: intOrString(1) }, before), ready(3), { type: 'unknown', why: 'found no controllers for pod "p0"' }, nowMs);
    expect(status).toMatchObject({ currentHealthy: 4, observedGeneration: 3, conditions: [{ status: 'False', reason: 'SyncFailed', message: 'found no controllers for pod "p0"' }] });
    expect(status.disruptionsAllowed).toBeUndefined();
  });

  it('takes a pod whose eviction was allowed for lost until it is seen to go, at most two minutes', () => {
    const allowedMs = nowMs - 30_000;
    const evicted = { disruptedPods: { p0: timeFromMs(allowedMs), gone: timeFromMs(allowedMs) } };
    const spec = { minAvailable: intOrString(1) };
    const soon = planBudget(budget(spec, evicted), ready(3), scaled(0), nowMs);
    expect([numbers(soon.status), soon.status.disruptedPods, soon.lookAgainMs]).toEqual([[3, 1, 2, 1], { p0: timeFromMs(allowedMs) }, 90_000]);
    const goes = planBudget(budget(spec, evicted), [pod('p0', { deleted: true }), pod('p1')], scaled(0), nowMs);
    expect([numbers(goes.status), goes.status.disruptedPods]).toEqual([[2, 1, 1, 0], undefined]);
    const late = planBudget(budget(spec, evicted), ready(3), scaled(0), allowedMs + 120_000);
    expect([numbers(late.status), late.status.disruptedPods, late.notDeleted.map(({ metadata }) => metadata?.name)]).toEqual([[3, 1, 3, 2], undefined, ['p0']]);
  });
});
