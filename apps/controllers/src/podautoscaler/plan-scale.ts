import { quantityMilliValue } from '@navarch/api';
import type { HorizontalPodAutoscalerBehavior, HPAScalingPolicy, HPAScalingRules } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';

import type { Tolerances } from './count-replicas';

/** A size that the metrics asked for at some time. */
export interface Recommendation {
  readonly atMs: number;
  readonly replicas: number;
}

/** A change of size that was made: pods added (or removed), always above zero. */
export interface ScaleEvent {
  readonly atMs: number;
  readonly change: number;
}

/** What an autoscaler has seen and done within the longest times that rules look back. */
export interface ScaleHistory {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly ScaleEvent[];
  readonly downs: readonly ScaleEvent[];
}

export interface ScaleQuestion {
  readonly current: number;
  /** What the metrics ask for. */
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  readonly behavior?: HorizontalPodAutoscalerBehavior | undefined;
  readonly history: ScaleHistory;
  readonly nowMs: number;
  /** How long a higher recommendation holds up a smaller size, where the behaviour does not say. */
  readonly downscaleStabilizationMs: number;
}

interface Verdict {
  readonly reason: string;
  readonly message: string;
}

export interface ScalePlan {
  readonly replicas: number;
  /** Reason and message of the condition AbleToScale. */
  readonly able: Verdict;
  /** The same of ScalingLimited. */
  readonly limited: Verdict & { readonly status: 'True' | 'False' };
}

/** The longest that any rule looks back (validation's limit on stabilisation windows and twice that on periods). */
const rememberedMs = 3_600_000;

/** The history without what nobody will ask for any more. */
export function recent({ recommendations, ups, downs }: ScaleHistory, nowMs: number): ScaleHistory {
  const young = ({ atMs }: { readonly atMs: number }): boolean => nowMs - atMs <= rememberedMs;
  return { recommendations: recommendations.filter(young), ups: ups.filter(young), downs: downs.filter(young) };
}

/** From what the metrics ask for to what is done: held steady, not faster than allowed, within bounds. */
export function planScale(question: ScaleQuestion): ScalePlan {
  const { desired } = question;
  const steady = stabilize(question);
  const able = steady === desired ? { reason: 'ReadyForNewScale', message: 'recommended size matches current size' } : held(question);
  return { ...limit(question, steady), able };
}

function held({ behavior, desired, current }: ScaleQuestion): Verdict {
  return behavior && desired >= current
    ? { reason: 'ScaleUpStabilized', message: 'recent recommendations were lower than current one, applying the lowest recent recommendation' }
    : { reason: 'ScaleDownStabilized', message: 'recent recommendations were higher than current one, applying the highest recent recommendation' };
}

/** Not above the lowest of the up window, not below the highest of the down window, and no further from the present size than need be. */
function stabilize({ current, desired, behavior, history, nowMs, downscaleStabilizationMs }: ScaleQuestion): number {
  const within = (windowMs: number): number[] => [desired, ...history.recommendations.filter(({ atMs }) => nowMs - atMs < windowMs).map(({ replicas }) => replicas)];
  if (!behavior) return Math.max(...within(downscaleStabilizationMs));
  const windowMs = (rules: HPAScalingRules | undefined, otherwise: number): number => (rules?.stabilizationWindowSeconds === undefined ? otherwise : rules.stabilizationWindowSeconds * 1_000);
  const lowest = Math.min(...within(windowMs(behavior.scaleUp, 0)));
  const highest = Math.max(...within(windowMs(behavior.scaleDown, downscaleStabilizationMs)));
  return Math.min(Math.max(current, lowest), highest);
}

const inRange = { status: 'False', reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' } as const;
const limitations = {
  TooFewReplicas: 'the desired replica count is less than the minimum replica count',
  TooManyReplicas: 'the desired replica count is more than the maximum replica count',
  ScaleUpLimit: 'the desired replica count is increasing faster than the maximum scale rate',
  ScaleDownLimit: 'the desired replica count is decreasing faster than the maximum scale rate',
} as const;

function limit(question: ScaleQuestion, wanted: number): Pick<ScalePlan, 'replicas' | 'limited'> {
  const { current, min, max, behavior } = question;
  const to = (replicas: number, reason: keyof typeof limitations): Pick<ScalePlan, 'replicas' | 'limited'> => ({ replicas, limited: { status: 'True', reason, message: limitations[reason] } });
  if (wanted > current || !behavior) {
    // Without rules Kubernetes lets a size double, or become four.
    const ceiling = behavior ? Math.max(current, scaleUpLimit(question)) : Math.max(2 * current, 4);
    if (wanted > Math.min(max, ceiling)) return max > ceiling ? to(ceiling, 'ScaleUpLimit') : to(max, 'TooManyReplicas');
  } else if (wanted < current) {
    const floor = Math.min(current, scaleDownLimit(question));
    if (wanted < Math.max(min, floor)) return min < floor ? to(floor, 'ScaleDownLimit') : to(min, 'TooFewReplicas');
  }
  return wanted < min ? to(min, 'TooFewReplicas') : { replicas: wanted, limited: inRange };
}

const defaultUp: readonly HPAScalingPolicy[] = [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }];
const defaultDown: readonly HPAScalingPolicy[] = [{ type: 'Percent', value: 100, periodSeconds: 15 }];

/** The most that the rules for growing allow now; below the present size where it has grown by more than they allow. */
export function scaleUpLimit(question: ScaleQuestion): number {
  const { selectPolicy, policies = defaultUp } = question.behavior?.scaleUp ?? {};
  if (selectPolicy === 'Disabled') return question.current;
  const allowed = policies.map((policy) => {
    const before = sizeAtStart(question, policy);
    return policy.type === 'Pods' ? before + (policy.value ?? 0) : Math.ceil(before * (100 + (policy.value ?? 0)) / 100);
  });
  return selectPolicy === 'Min' ? Math.min(...allowed) : Math.max(...allowed);
}

/** The least that the rules for shrinking allow now. */
export function scaleDownLimit(question: ScaleQuestion): number {
  const { selectPolicy, policies = defaultDown } = question.behavior?.scaleDown ?? {};
  if (selectPolicy === 'Disabled') return question.current;
  const allowed = policies.map((policy) => {
    const before = sizeAtStart(question, policy);
    return policy.type === 'Pods' ? before - (policy.value ?? 0) : Math.floor(before * (100 - (policy.value ?? 0)) / 100);
  });
  return selectPolicy === 'Min' ? Math.max(...allowed) : Math.min(...allowed);
}

/** The size when a policy's period began, as far as this autoscaler changed it since. */
function sizeAtStart({ current, history: { ups, downs }, nowMs }: ScaleQuestion, { periodSeconds = 0 }: HPAScalingPolicy): number {
  const since = (events: readonly ScaleEvent[]): number => events.filter(({ atMs }) => nowMs - atMs < periodSeconds * 1_000).reduce((sum, { change }) => sum + change, 0);
  return current - since(ups) + since(downs);
}

export function tolerancesOf(behavior: HorizontalPodAutoscalerBehavior | undefined, otherwise: number): Tolerances {
  const of = (rules: HPAScalingRules | undefined): number => (rules?.tolerance ? quantityMilliValue(rules.tolerance) / 1_000 : otherwise);
  return { up: of(behavior?.scaleUp), down: of(behavior?.scaleDown) };
}
