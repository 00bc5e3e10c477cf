import { findCondition, isConditionTrue, timeToMs } from '@navarch/api';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { ContainerStatus } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isActive } from '../../workload/pod-state';
import type { Census } from './census';
import { judgeFailure } from './failure-policy';
import { metSuccessRule } from './success-policy';

/** Whether a job goes on. Once it is to end it ends so: the condition in its status is the first to be asked. */
export type Verdict =
  | { readonly type: 'running' }
  | { readonly type: 'succeeding' | 'failing'; readonly reason: string; readonly message: string };

const running: Verdict = { type: 'running' };
const failing = (reason: string, message: string): Verdict => ({ type: 'failing', reason, message });

export function judgeJob(job: Job, census: Census, nowMs: number): Verdict {
  return decided(job) ?? failureOf(job, census, nowMs) ?? successOf(job, census) ?? running;
}

function decided({ status }: Job): Verdict | undefined {
  for (const [condition, type] of [['SuccessCriteriaMet', 'succeeding'], ['FailureTarget', 'failing']] as const) {
    const found = findCondition(status?.conditions, condition);
    if (found?.status === 'True') return { type, reason: found.reason ?? '', message: found.message ?? '' };
  }
  return undefined;
}

function failureOf(job: Job, census: Census, nowMs: number): Verdict | undefined {
  const { backoffLimit = 6, maxFailedIndexes, completions = 0 } = job.spec ?? {};
  const policy = census.pods.map((pod) => judgeFailure(job, pod)).find(({ action }) => action === 'FailJob');
  if (policy) return failing('PodFailurePolicy', policy.message ?? '');
  if (census.failed > backoffLimit || restartedTooOften(job, census)) return failing('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  if (msToDeadline(job, nowMs) === 0) return failing('DeadlineExceeded', 'Job was active longer than specified deadline');
  const failedIndexes = census.failedIndexes?.size ?? 0;
  if (maxFailedIndexes !== undefined && failedIndexes > maxFailedIndexes) return failing('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  if (failedIndexes > 0 && failedIndexes + census.succeededIndexes.size >= completions) return failing('FailedIndexes', 'Job has failed indexes');
  return undefined;
}

/** Containers restarted in place count against the limit as well. */
function restartedTooOften({ spec }: Job, { pods }: Census): boolean {
  if (spec?.template?.spec?.restartPolicy !== 'OnFailure') return false;
  const sum = (statuses: readonly ContainerStatus[] = []): number => statuses.reduce((total, { restartCount = 0 }) => total + restartCount, 0);
  const restarts = pods.filter(isActive).reduce((total, { status }) => total + sum(status?.initContainerStatuses) + sum(status?.containerStatuses), 0);
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Milliseconds left of activeDeadlineSeconds; undefined where nothing runs out. */
export function msToDeadline({ spec, status }: Job, nowMs: number): number | undefined {
  const startMs = timeToMs(status?.startTime);
  // The time of a job that has been resumed, and not yet been told so, begins anew.
  if (spec?.activeDeadlineSeconds === undefined || startMs === undefined || spec.suspend || isConditionTrue(status?.conditions, 'Suspended')) return undefined;
  return Math.max(0, startMs + spec.activeDeadlineSeconds * 1_000 - nowMs);
}

function successOf(job: Job, { succeeded, succeededIndexes, active, terminating }: Census): Verdict | undefined {
  const rule = metSuccessRule(job, succeededIndexes);
  if (rule !== undefined) return { type: 'succeeding', reason: 'SuccessPolicy', message: `Matched rules at index ${rule}` };
  const { completions } = job.spec ?? {};
  // A work queue is done when one of its workers was and all have ended.
  const complete = completions === undefined ? succeeded > 0 && active.length + terminating.length === 0 : succeeded >= completions;
  return complete ? { type: 'succeeding', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } : undefined;
}
