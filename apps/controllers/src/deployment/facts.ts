import { deepEqual, findCondition, intOrPercent, timeToMs, type ApiObject } from '@navarch/api';
import type { Deployment, DeploymentCondition, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

/** What a Deployment notes on its ReplicaSets and on itself; kubectl reads the first two. */
export const annotations = {
  revision: 'deployment.kubernetes.io/revision',
  history: 'deployment.kubernetes.io/revision-history',
  desired: 'deployment.kubernetes.io/desired-replicas',
  max: 'deployment.kubernetes.io/max-replicas',
  changeCause: 'kubernetes.io/change-cause',
} as const;

export const hashLabel = 'pod-template-hash';

export const wantedReplicas = ({ spec }: Deployment | ReplicaSet): number => spec?.replicas ?? 1;
export const nameOf = ({ metadata }: ApiObject): string => metadata?.name ?? '';
export const isBeingDeleted = ({ metadata }: ApiObject): boolean => metadata?.deletionTimestamp !== undefined;
export const isRolling = ({ spec }: Deployment): boolean => (spec?.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';

export const findProgress = ({ status }: Pick<Deployment, 'status'>): DeploymentCondition | undefined => findCondition(status?.conditions, 'Progressing');

/** Those that have or may have pods. */
export const activeSets = (sets: readonly ReplicaSet[]): ReplicaSet[] => sets.filter((set) => wantedReplicas(set) > 0);
export const sumOf = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number): number => sets.reduce((sum, set) => sum + count(set), 0);

/** Available pods that will still be there: a status may be older than the size. */
export const availableOf = (set: ReplicaSet): number => Math.min(set.status?.availableReplicas ?? 0, wantedReplicas(set));

export interface Fences {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** Both as numbers: surge rounded up, unavailable down; never both 0, or nothing could move. 0 where pods are not rolled. */
export function fencesOf(deployment: Deployment): Fences {
  const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const replicas = wantedReplicas(deployment);
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const surge = maxSurge ? intOrPercent(maxSurge, replicas, true) : 0;
  const unavailable = maxUnavailable ? intOrPercent(maxUnavailable, replicas, false) : 0;
  return { maxSurge: surge, maxUnavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas) };
}

/** 0 where it has none, or none that is a number. */
export function revisionOf({ metadata }: ApiObject): number {
  const revision = Number(metadata?.annotations?.[annotations.revision]);
  return Number.isSafeInteger(revision) && revision > 0 ? revision : 0;
}

const createdMs = ({ metadata }: ApiObject): number => timeToMs(metadata?.creationTimestamp) ?? 0;
const byName = (left: ApiObject, right: ApiObject): number => (nameOf(left) < nameOf(right) ? -1 : 1);
export const oldestFirst = (left: ApiObject, right: ApiObject): number => createdMs(left) - createdMs(right) || byName(left, right);
export const latestRevisionFirst = (left: ApiObject, right: ApiObject): number => revisionOf(right) - revisionOf(left) || oldestFirst(left, right);

/** Equal but for the label that tells the ReplicaSets of a Deployment apart. */
export function sameTemplate(left: PodTemplateSpec | undefined, right: PodTemplateSpec | undefined): boolean {
  return deepEqual(withoutHash(left), withoutHash(right));
}

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const { [hashLabel]: _hash, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}
