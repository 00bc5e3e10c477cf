import { isPodReady, setCondition, timeFromMs, type Labels } from '@navarch/api';
import type { ReplicaSetCondition, ReplicaSetStatus } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { deletionOrder } from '../workload/deletion-order';
import { isActive, isAvailable } from '../workload/pod-state';

/** At most so many pods are created or deleted at once; the next reconcile goes on. */
export const burst = 500;

export interface ReplicasPlan {
  /** How many pods to make. */
  readonly create: number;
  readonly remove: readonly Pod[];
}

/** What is missing is made; of what is too much, those go that are missed least. `related` are the pods whose spread over nodes counts. */
export function planReplicas(replicas: number, pods: readonly Pod[], nowMs: number, related: readonly Pod[] = pods): ReplicasPlan {
  const active = pods.filter(isActive);
  const surplus = active.length - replicas;
  if (surplus <= 0) return { create: Math.min(-surplus, burst), remove: [] };
  return { create: 0, remove: deletionOrder(active, nowMs, related).slice(0, Math.min(surplus, burst)) };
}

export interface ReplicasView {
  readonly generation: number;
  readonly minReadySeconds: number;
  /** Labels that a pod of the present template has. */
  readonly templateLabels: Labels;
  readonly status: ReplicaSetStatus;
}

export interface ReplicasFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

const failureType = 'ReplicaFailure';

/** The status as it should be; ReplicaFailure is there as long as the last attempt to create or delete failed. */
export function replicasStatus(view: ReplicasView, pods: readonly Pod[], failure: ReplicasFailure | undefined, nowMs: number): ReplicaSetStatus {
  const active = pods.filter(isActive);
  const count = (holds: (pod: Pod) => boolean): number => active.filter(holds).length;
  const conditions = conditionsWith(view.status.conditions ?? [], failure, nowMs);
  return {
    ...counted('fullyLabeledReplicas', count(({ metadata }) => hasLabels(metadata?.labels ?? {}, view.templateLabels))),
    ...counted('readyReplicas', count(isPodReady)),
    ...counted('availableReplicas', count((pod) => isAvailable(pod, view.minReadySeconds, nowMs))),
    ...counted('replicas', active.length),
    ...counted('observedGeneration', view.generation),
    ...(conditions.length > 0 && { conditions }),
  };
}

/** Absent is absent: a zero is left out, as it would be after decoding. */
function counted<K extends string>(name: K, count: number): { [key in K]?: number } {
  return (count === 0 ? {} : { [name]: count }) as { [key in K]?: number };
}

function conditionsWith(present: readonly ReplicaSetCondition[], failure: ReplicasFailure | undefined, nowMs: number): ReplicaSetCondition[] {
  if (!failure) return present.filter(({ type }) => type !== failureType);
  const known = present.find(({ type }) => type === failureType);
  // The text of a refusal may change each time (what is used of a quota): that alone is no news.
  if (known?.reason === failure.reason && known.status === 'True') return [...present];
  return setCondition(present, { type: failureType, status: 'True', ...failure, lastTransitionTime: timeFromMs(nowMs) }, nowMs);
}

function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
