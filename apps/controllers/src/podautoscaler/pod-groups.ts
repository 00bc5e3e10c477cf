import { findCondition, timeToMs } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

/** One pod's figure, in thousandths, and the window that it was measured in. */
export interface PodReading {
  readonly milli: number;
  /** End of the window, milliseconds since 1970. */
  readonly atMs: number;
  readonly windowMs: number;
}

/** By pod name. */
export type PodReadings = ReadonlyMap<string, PodReading>;

export interface ReadinessRules {
  /** For so long after its start a pod's CPU counts only while it is ready and was ready for the whole window. */
  readonly cpuInitializationMs: number;
  /** A pod that became unready within so long after its start, and has not been ready since, has never been ready. */
  readonly initialReadinessMs: number;
}

export interface PodGroups {
  /** Counted, with a figure. */
  readonly ready: readonly string[];
  /** Not to be judged yet. */
  readonly unready: readonly string[];
  /** Should have a figure, and has none. */
  readonly missing: readonly string[];
}

/**
 * How each pod takes part (Kubernetes' documentation of the autoscaler, "Algorithm details"). Pods that go or are over take no part. Only
 * for CPU does readiness matter: a starting process uses it for its start.
 */
export function groupPods(pods: readonly Pod[], readings: PodReadings, resource: string, rules: ReadinessRules, nowMs: number): PodGroups {
  const groups = { ready: [] as string[], unready: [] as string[], missing: [] as string[] };
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata ?? {};
    const phase = pod.status?.phase;
    if (deletionTimestamp || phase === 'Failed' || phase === 'Succeeded') continue;
    const reading = readings.get(name);
    if (phase === 'Pending') groups.unready.push(name);
    else if (!reading) groups.missing.push(name);
    else if (resource === 'cpu' && isStarting(pod, reading, rules, nowMs)) groups.unready.push(name);
    else groups.ready.push(name);
  }
  return groups;
}

function isStarting({ status }: Pod, { atMs, windowMs }: PodReading, { cpuInitializationMs, initialReadinessMs }: ReadinessRules, nowMs: number): boolean {
  const condition = findCondition(status?.conditions, 'Ready');
  const startMs = timeToMs(status?.startTime);
  if (!condition || startMs === undefined) return true;
  const changedMs = timeToMs(condition.lastTransitionTime) ?? 0;
  if (startMs + cpuInitializationMs > nowMs) return condition.status === 'False' || atMs < changedMs + windowMs;
  return condition.status === 'False' && startMs + initialReadinessMs > changedMs;
}
