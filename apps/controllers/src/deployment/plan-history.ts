import type { Deployment, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { configRecordAnnotation } from '../workload/config-use';
import { isBeingDeleted, latestRevisionFirst, sameTemplate, wantedReplicas } from './facts';

const unlimited = 2_147_483_647;

/**
 * Old sets beyond revisionHistoryLimit that have no pods and whose status is up to date: the oldest revisions, but first those
 * of a template that a later revision has too, which differ by configuration only: to them nobody can roll back.
 */
export function expiredSets({ spec }: Deployment, newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = spec?.revisionHistoryLimit ?? unlimited;
  const alive = oldSets.filter((set) => !isBeingDeleted(set)).sort(latestRevisionFirst);
  if (limit === unlimited || alive.length <= limit) return [];
  const isRepeated = (set: ReplicaSet, at: number): boolean => set.metadata?.annotations?.[configRecordAnnotation] !== undefined
    && [...(newSet ? [newSet] : []), ...alive.slice(0, at)].some((later) => sameTemplate(later.spec?.template, set.spec?.template));
  const repeated = new Set(alive.filter(isRepeated));
  const oldestFirst = [...alive].reverse();
  const inOrder = [...oldestFirst.filter((set) => repeated.has(set)), ...oldestFirst.filter((set) => !repeated.has(set))];
  return inOrder.slice(0, alive.length - limit).filter(isSpent);
}

function isSpent(set: ReplicaSet): boolean {
  const { status, metadata } = set;
  return wantedReplicas(set) === 0 && (status?.replicas ?? 0) === 0 && (metadata?.generation ?? 0) <= (status?.observedGeneration ?? 0);
}
