import { findCondition, isPodReady, isPodTerminal, timeToMs } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

/** It runs or may come to: not ended, and nobody asked it to go. */
export function isActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && pod.metadata?.deletionTimestamp === undefined;
}

/** When it became ready, in milliseconds since 1970; undefined while it is not, or where nobody said. */
export function readySinceMs(pod: Pod): number | undefined {
  return isPodReady(pod) ? timeToMs(findCondition(pod.status?.conditions, 'Ready')?.lastTransitionTime) : undefined;
}

/** Milliseconds until the pod has been ready for so long: 0 when it has; undefined while it is not ready. */
export function msUntilAvailable(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  if (!isPodReady(pod)) return undefined;
  if (minReadySeconds <= 0) return 0;
  const sinceMs = readySinceMs(pod);
  return sinceMs === undefined ? undefined : Math.max(0, sinceMs + minReadySeconds * 1000 - nowMs);
}

/** Ready, and has been for minReadySeconds. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  return msUntilAvailable(pod, minReadySeconds, nowMs) === 0;
}

/** When to look again: the time until the next of these pods becomes available; undefined where time alone changes nothing. */
export function nextAvailableMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  const waits = pods.flatMap((pod) => msUntilAvailable(pod, minReadySeconds, nowMs) || []);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
