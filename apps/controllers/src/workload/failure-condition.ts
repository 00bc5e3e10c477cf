import { setCondition, type ConditionLike } from '@navarch/api';

interface FailureCondition extends ConditionLike {
  reason?: string | undefined;
  message?: string | undefined;
}

const type = 'ReplicaFailure';

/** The conditions with what failed last, or without, where nothing did; undefined where none are left. */
export function withFailure<C extends FailureCondition>(conditions: readonly C[] | undefined, failure: Error | undefined, nowMs: number): { readonly conditions?: C[] } {
  const next = failure
    ? setCondition<FailureCondition>(conditions, { type, status: 'True', reason: 'FailedUpdate', message: failure.message }, nowMs) as C[]
    : (conditions ?? []).filter((condition) => condition.type !== type);
  return next.length > 0 ? { conditions: next } : {};
}
