import { timeToMs, tolerates } from '@navarch/api';
import type { Pod, Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

export type EvictionPlan =
  | { readonly action: 'stay' }
  | { readonly action: 'evict' }
  | { readonly action: 'wait'; readonly untilMs: number };

/**
 * What a node's NoExecute taints mean for a pod on it. A taint it does not tolerate drives it away at once; one it tolerates for a time does so
 * when that time is over, counted from when both the taint and the pod were there; the shortest counts. `addedMs` answers when a taint came.
 */
export function planEviction(pod: Pod, taints: readonly Taint[], nowMs: number, addedMs: (taint: Taint) => number): EvictionPlan {
  const tolerations = pod.spec?.tolerations ?? [];
  const bornMs = timeOf(pod.status?.startTime) ?? timeOf(pod.metadata?.creationTimestamp) ?? 0;
  let untilMs = Infinity;
  for (const taint of taints.filter(({ effect }) => effect === 'NoExecute')) {
    const covering = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (covering.length === 0) return { action: 'evict' };
    const seconds = Math.min(...covering.map(({ tolerationSeconds }) => tolerationSeconds ?? Infinity));
    untilMs = Math.min(untilMs, Math.max(addedMs(taint), bornMs) + Math.max(0, seconds) * 1000);
  }
  if (untilMs === Infinity) return { action: 'stay' };
  return untilMs <= nowMs ? { action: 'evict' } : { action: 'wait', untilMs };
}

function timeOf(time: Parameters<typeof timeToMs>[0] | undefined): number | undefined {
  return time && timeToMs(time);
}
