import type { HorizontalPodAutoscalerBehavior } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import fc from 'fast-check';

import { planScale, recent, scaleDownLimit, scaleUpLimit, tolerancesOf, type ScaleHistory, type ScaleQuestion } from './plan-scale';

const nowMs = 1_000_000_000;
const nothing: ScaleHistory = { recommendations: [], ups: [], downs: [] };
const ago = (seconds: number): number => nowMs - seconds * 1_000;
const ask = (over: Partial<ScaleQuestion>): ScaleQuestion => ({ current: 5, desired: 5, min: 1, max: 100, history: nothing, nowMs, downscaleStabilizationMs: 300_000, ...over });
const up = (scaleUp: HorizontalPodAutoscalerBehavior['scaleUp'], scaleDown?: HorizontalPodAutoscalerBehavior['scaleDown']): HorizontalPodAutoscalerBehavior => ({ scaleUp, ...(scaleDown && { scaleDown }) });
const pods = (value: number, periodSeconds = 60) => ({ type: 'Pods', value, periodSeconds });
const percent = (value: number, periodSeconds = 60) => ({ type: 'Percent', value, periodSeconds });

describe('from what the metrics ask for to the new size, by Kubernetes\' documentation', () => {
  it.each<[string, Partial<ScaleQuestion>, number, string, string]>([
    ['goes where the metrics point', { desired: 8 }, 8, 'ReadyForNewScale', 'DesiredWithinRange'],
    ['not above the maximum', { desired: 9, max: 7 }, 7, 'ReadyForNewScale', 'TooManyReplicas'],
    ['not below the minimum', { desired: 1, min: 3 }, 3, 'ReadyForNewScale', 'TooFewReplicas'],
    ['without behaviour it doubles at most', { desired: 40 }, 10, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['without behaviour one pod may become four', { current: 1, desired: 40 }, 4, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['a higher recommendation of the last five minutes holds it up', { desired: 2, history: { ...nothing, recommendations: [{ atMs: ago(299), replicas: 4 }] } }, 4, 'ScaleDownStabilized', 'DesiredWithinRange'],
    ['an older one does not', { desired: 2, history: { ...nothing, recommendations: [{ atMs: ago(300), replicas: 4 }] } }, 2, 'ReadyForNewScale', 'DesiredWithinRange'],
    ['a window of its own for shrinking', { desired: 2, behavior: up(undefined, { stabilizationWindowSeconds: 60 }), history: { ...nothing, recommendations: [{ atMs: ago(61), replicas: 5 }, { atMs: ago(59), replicas: 3 }] } }, 3, 'ScaleDownStabilized', 'DesiredWithinRange'],
    ['a window of zero shrinks at once', { desired: 1, behavior: up(undefined, { stabilizationWindowSeconds: 0 }), history: { ...nothing, recommendations: [{ atMs: ago(1), replicas: 5 }] } }, 1, 'ReadyForNewScale', 'DesiredWithinRange'],
    ['a window for growing takes the lowest recommendation', { desired: 9, behavior: up({ stabilizationWindowSeconds: 60 }), history: { ...nothing, recommendations: [{ atMs: ago(30), replicas: 6 }] } }, 6, 'ScaleUpStabilized', 'DesiredWithinRange'],
    ['rules for growing: so many pods in a period', { desired: 50, behavior: up({ policies: [pods(4)] }) }, 9, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['what was added in the period counts', { current: 8, desired: 50, behavior: up({ policies: [pods(4)] }), history: { ...nothing, ups: [{ atMs: ago(30), change: 3 }] } }, 9, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['what was added before it does not', { current: 8, desired: 50, behavior: up({ policies: [pods(4)] }), history: { ...nothing, ups: [{ atMs: ago(60), change: 3 }] } }, 12, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['rules for growing: a share in a period', { desired: 50, behavior: up({ policies: [percent(50)] }) }, 8, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['of several rules the one that allows most', { desired: 50, behavior: up({ policies: [pods(1), percent(100)] }) }, 10, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['or the one that allows least', { desired: 50, behavior: up({ selectPolicy: 'Min', policies: [pods(1), percent(100)] }) }, 6, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['growing switched off', { desired: 50, behavior: up({ selectPolicy: 'Disabled' }) }, 5, 'ReadyForNewScale', 'ScaleUpLimit'],
    ['shrinking switched off', { desired: 1, behavior: up(undefined, { selectPolicy: 'Disabled', stabilizationWindowSeconds: 0 }) }, 5, 'ReadyForNewScale', 'ScaleDownLimit'],
    ['rules for shrinking: so many pods in a period', { current: 20, desired: 1, behavior: up(undefined, { stabilizationWindowSeconds: 0, policies: [pods(5)] }) }, 15, 'ReadyForNewScale', 'ScaleDownLimit'],
    ['what went in the period counts', { current: 18, desired: 1, behavior: up(undefined, { stabilizationWindowSeconds: 0, policies: [pods(5)] }), history: { ...nothing, downs: [{ atMs: ago(10), change: 2 }] } }, 15, 'ReadyForNewScale', 'ScaleDownLimit'],
    ['rules for shrinking: a share, of several the one that allows least', { current: 20, desired: 1, behavior: up(undefined, { stabilizationWindowSeconds: 0, selectPolicy: 'Min', policies: [pods(5), percent(10)] }) }, 18, 'ReadyForNewScale', 'ScaleDownLimit'],
  ])('%s', (_name, over, replicas, able, limited) => {
    const plan = planScale(ask(over));
    expect([plan.replicas, plan.able.reason, plan.limited.reason]).toEqual([replicas, able, limited]);
    expect(plan.limited.status).toBe(limited === 'DesiredWithinRange' ? 'False' : 'True');
  });

  it('a tolerance of its own for each direction, and the common one where there is none', () => {
    expect(tolerancesOf({ scaleUp: { tolerance: { string: '50m' } } }, 0.1)).toEqual({ up: 0.05, down: 0.1 });
  });

  it('forgets what no rule looks back to', () => {
    const history = { recommendations: [{ atMs: ago(3_601), replicas: 1 }, { atMs: ago(10), replicas: 2 }], ups: [{ atMs: ago(4_000), change: 1 }], downs: [] };
    expect(recent(history, nowMs)).toEqual({ recommendations: [{ atMs: ago(10), replicas: 2 }], ups: [], downs: [] });
  });
});

const policy = fc.record({ type: fc.constantFrom('Pods', 'Percent'), value: fc.integer({ min: 1, max: 50 }), periodSeconds: fc.integer({ min: 1, max: 1_800 }) });
const rules = fc.record({
  selectPolicy: fc.constantFrom(undefined, 'Max', 'Min', 'Disabled'), policies: fc.array(policy, { minLength: 1, maxLength: 3 }), stabilizationWindowSeconds: fc.constantFrom(undefined, 0, 30, 600),
});
const event = fc.record({ atMs: fc.integer({ min: nowMs - 2_000_000, max: nowMs }), change: fc.integer({ min: 1, max: 10 }) });
const question: fc.Arbitrary<ScaleQuestion> = fc.record({
  min: fc.integer({ min: 1, max: 10 }), spread: fc.nat(40), at: fc.nat(40), desired: fc.nat(100),
  behavior: fc.option(fc.record({ scaleUp: rules, scaleDown: rules }), { nil: undefined }),
  history: fc.record({ recommendations: fc.array(fc.record({ atMs: fc.integer({ min: nowMs - 700_000, max: nowMs }), replicas: fc.nat(60) })), ups: fc.array(event, { maxLength: 4 }), downs: fc.array(event, { maxLength: 4 }) }),
}).map(({ min, spread, at, desired, behavior, history }) => ask({ min, max: min + spread, current: min + Math.min(at, spread), desired, behavior, history }));

describe('whatever is asked', () => {
  it('the new size is never outside the bounds', () => {
    fc.assert(fc.property(question, (asked) => {
      const { replicas } = planScale(asked);
      expect(replicas).toBeGreaterThanOrEqual(asked.min);
      expect(replicas).toBeLessThanOrEqual(asked.max);
      expect(Number.isInteger(replicas)).toBe(true);
    }));
  });

  it('it never changes faster than the rules allow', () => {
    fc.assert(fc.property(question.filter(({ behavior }) => behavior !== undefined), (asked) => {
      const { replicas } = planScale(asked);
      if (replicas > asked.current) expect(replicas).toBeLessThanOrEqual(scaleUpLimit(asked));
      if (replicas < asked.current) expect(replicas).toBeGreaterThanOrEqual(scaleDownLimit(asked));
    }));
  });

  it('it never shrinks below what was asked for within the window, nor grows above it', () => {
    fc.assert(fc.property(question, (asked) => {
      const { replicas } = planScale(asked);
      const { behavior, history: { recommendations }, desired, current, min, max } = asked;
      const within = (seconds: number): number[] => [desired, ...recommendations.filter(({ atMs }) => nowMs - atMs < seconds * 1_000).map((each) => each.replicas)];
      const highest = Math.max(...within(behavior?.scaleDown?.stabilizationWindowSeconds ?? 300));
      if (replicas < current) expect(replicas).toBeGreaterThanOrEqual(Math.min(highest, max, current));
      const lowest = Math.min(...within(behavior?.scaleUp?.stabilizationWindowSeconds ?? 0));
      if (behavior && replicas > current) expect(replicas).toBeLessThanOrEqual(Math.max(lowest, min));
    }));
  });

  it('nothing is done where the metrics ask for what there is, and nothing else was asked lately', () => {
    fc.assert(fc.property(question, (asked) => {
      expect(planScale({ ...asked, desired: asked.current, history: nothing }).replicas).toBe(asked.current);
    }));
  });
});
