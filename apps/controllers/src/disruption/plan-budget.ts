import { intOrPercent, intOrStringValue, isPodReady, setCondition, timeToMs } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '@navarch/proto/k8s/io/api/policy/v1/policy';

/** How many pods there should be, by those that make them. */
export type ExpectedScale =
  /** `unmanaged` pods have nobody that would make them anew. */
  | { readonly type: 'known'; readonly replicas: number; readonly unmanaged: readonly string[] }
  | { readonly type: 'unknown'; readonly why: string };

export interface BudgetPlan {
  readonly status: PodDisruptionBudgetStatus;
  /** Pods whose eviction was allowed, and that are there still. */
  readonly notDeleted: readonly Pod[];
  /** When to look again whether an evicted pod has gone. */
  readonly lookAgainMs?: number;
}

/** An evicted pod counts as lost for so long, until it is seen to go. */
export const disruptionTimeoutMs = 120_000;

/** Whether the budget must know the size of what makes its pods: all but `minAvailable` as a number. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof intOrStringValue(spec?.minAvailable) === 'string';
}

/** What a budget allows, given the pods that it selects (policy/v1; Kubernetes' "Specifying a Disruption Budget"). */
export function planBudget(budget: PodDisruptionBudget, pods: readonly Pod[], scale: ExpectedScale, nowMs: number): BudgetPlan {
  const disrupted = stillDisrupted(budget, pods, nowMs);
  if (scale.type === 'unknown') return { ...disrupted, status: closed(budget, scale.why, nowMs) };
  const { expected, desired } = wanted(budget, pods, scale.replicas);
  const healthy = pods.filter((pod) => isPodReady(pod) && !pod.metadata?.deletionTimestamp && !disrupted.pods.has(pod.metadata?.name ?? '')).length;
  const allowed = expected > 0 ? Math.max(0, healthy - desired) : 0;
  const condition = { type: 'DisruptionAllowed', status: allowed > 0 ? 'True' : 'False', reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods' };
  const { notDeleted, lookAgainMs } = disrupted;
  const status: PodDisruptionBudgetStatus = {
    ...counted({ observedGeneration: budget.metadata?.generation, disruptionsAllowed: allowed, currentHealthy: healthy, desiredHealthy: desired, expectedPods: expected }),
    ...(disrupted.pods.size > 0 && { disruptedPods: Object.fromEntries(disrupted.pods) }),
    conditions: withCondition(budget, condition, nowMs),
  };
  return { status, notDeleted, ...(lookAgainMs !== undefined && { lookAgainMs }) };
}

/** Zeros are absent. */
function counted(counts: PodDisruptionBudgetStatus): PodDisruptionBudgetStatus {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count));
}

function withCondition({ metadata, status }: PodDisruptionBudget, condition: { type: string; status: string; reason: string; message?: string }, nowMs: number) {
  return setCondition(status?.conditions, { ...condition, ...(metadata?.generation !== undefined && { observedGeneration: metadata.generation }) }, nowMs);
}

/** Nobody knows what is allowed: nothing is. */
function closed(budget: PodDisruptionBudget, why: string, nowMs: number): PodDisruptionBudgetStatus {
  const { disruptionsAllowed: _, ...status } = budget.status ?? {};
  const conditions = withCondition(budget, { type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: why }, nowMs);
  return { ...status, ...counted({ observedGeneration: budget.metadata?.generation }), conditions };
}

function wanted({ spec }: PodDisruptionBudget, pods: readonly Pod[], replicas: number): { readonly expected: number; readonly desired: number } {
  const { minAvailable, maxUnavailable } = spec ?? {};
  if (maxUnavailable) return { expected: replicas, desired: Math.max(0, replicas - intOrPercent(maxUnavailable, replicas, true)) };
  if (!minAvailable) return { expected: 0, desired: 0 };
  if (typeof intOrStringValue(minAvailable) === 'string') return { expected: replicas, desired: intOrPercent(minAvailable, replicas, true) };
  return { expected: pods.length, desired: intOrPercent(minAvailable, 0, true) };
}

interface Disrupted extends Pick<BudgetPlan, 'notDeleted' | 'lookAgainMs'> {
  readonly pods: ReadonlyMap<string, NonNullable<PodDisruptionBudgetStatus['disruptedPods']>[string]>;
}

/** Of the pods whose eviction was allowed, those that are neither seen to go yet nor given up. */
function stillDisrupted({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number): Disrupted {
  const [open, notDeleted]: [Map<string, NonNullable<PodDisruptionBudgetStatus['disruptedPods']>[string]>, Pod[]] = [new Map(), []];
  let lookAgainMs: number | undefined;
  for (const pod of pods) {
    const name = pod.metadata?.name ?? '';
    const since = Object.hasOwn(status?.disruptedPods ?? {}, name) ? status?.disruptedPods?.[name] : undefined;
    if (!since || pod.metadata?.deletionTimestamp) continue;
    const leftMs = (timeToMs(since) ?? 0) + disruptionTimeoutMs - nowMs;
    if (leftMs <= 0) {
      notDeleted.push(pod);
      continue;
    }
    open.set(name, since);
    lookAgainMs = Math.min(lookAgainMs ?? leftMs, leftMs);
  }
  return { pods: open, notDeleted, ...(lookAgainMs !== undefined && { lookAgainMs }) };
}
