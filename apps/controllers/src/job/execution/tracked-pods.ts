import { isPodTerminal, timeToMs } from '@navarch/api';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

/** Held by every pod of a job until the pod is counted in the job's status (KEP-2307). */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

/** Annotations (the first a label as well) of a job's pods. */
export const indexKey = 'batch.kubernetes.io/job-completion-index';
export const failureCountKey = 'batch.kubernetes.io/job-index-failure-count';
export const ignoredFailureCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count';

export const isIndexed = ({ spec }: Job): boolean => spec?.completionMode === 'Indexed';
export const hasLimitPerIndex = ({ spec }: Job): boolean => isIndexed({ spec }) && spec?.backoffLimitPerIndex !== undefined;
/** A pod that is going is not replaced, nor counted as failed, before it is gone (KEP-3939). */
export const replacesOnlyFailed = ({ spec }: Job): boolean => spec?.podReplacementPolicy === 'Failed';

export const isTracked = ({ metadata }: Pod): boolean => metadata?.finalizers?.includes(trackingFinalizer) ?? false;
export const hasSucceeded = ({ status }: Pod): boolean => status?.phase === 'Succeeded';
/** It was asked to go, and has not ended yet. */
export const isTerminating = (pod: Pod): boolean => pod.metadata?.deletionTimestamp !== undefined && !isPodTerminal(pod);

export function hasFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && pod.metadata?.deletionTimestamp !== undefined && !hasSucceeded(pod);
}

/** The pod's completion index; undefined where it has none that the job wants. */
export function indexOf({ metadata }: Pod, { spec }: Job): number | undefined {
  const index = countIn(metadata?.annotations?.[indexKey]);
  return index !== undefined && index < (spec?.completions ?? 0) ? index : undefined;
}

const countIn = (text: string | undefined): number | undefined => (text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined);

/** How often the pods of this index had failed before this one: what counted, and what the failure policy ignored. */
export function earlierFailures({ metadata }: Pod): { readonly counted: number; readonly ignored: number } {
  return { counted: countIn(metadata?.annotations?.[failureCountKey]) ?? 0, ignored: countIn(metadata?.annotations?.[ignoredFailureCountKey]) ?? 0 };
}

/** When its last container ended, or what comes nearest to that; milliseconds since 1970. */
export function endedMs({ metadata, status }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => timeToMs(state?.terminated?.finishedAt));
  const known = ends.filter((ms) => ms !== undefined);
  if (known.length > 0 && known.length === ends.length) return Math.max(...known);
  const deletedMs = timeToMs(metadata?.deletionTimestamp);
  if (deletedMs !== undefined) return deletedMs - (metadata?.deletionGracePeriodSeconds ?? 0) * 1_000;
  const readyChange = status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime;
  return timeToMs(readyChange) ?? timeToMs(metadata?.creationTimestamp) ?? 0;
}
