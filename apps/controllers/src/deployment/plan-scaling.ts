import type { Deployment, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { activeSets, annotations, fencesOf, isRolling, latestRevisionFirst, oldestFirst, sumOf, wantedReplicas } from './facts';
import type { Sizes } from './plan-rollout';

const noted = ({ metadata }: ReplicaSet, annotation: string): number | undefined => {
  const value = Number(metadata?.annotations?.[annotation] ?? NaN);
  return Number.isInteger(value) ? value : undefined;
};

/** The Deployment's size changed since its sets were sized: they note for how many they were. */
export function isScaled(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  const active = activeSets(sets);
  // Sets of a Recreate that are to go have no shares.
  if (active.length > 1 && !isRolling(deployment)) return false;
  return active.some((set) => (noted(set, annotations.desired) ?? wantedReplicas(deployment)) !== wantedReplicas(deployment));
}

/** The new set is as large as wanted and all of it is available. */
export function isSaturated(deployment: Deployment, set: ReplicaSet | undefined): boolean {
  const wanted = wantedReplicas(deployment);
  return set !== undefined && wantedReplicas(set) === wanted && noted(set, annotations.desired) === wanted && (set.status?.availableReplicas ?? 0) === wanted;
}

/**
 * A Deployment's new size over its sets, without a rollout's progress: one set gets all; in the middle of a rolling update
 * each gets its share (Kubernetes' proportional scaling), so that the risk is spread as it was. Names every set whose note must
 * be renewed.
 */
export function scaledSizes(deployment: Deployment, newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[]): Sizes {
  const wanted = wantedReplicas(deployment);
  const active = activeSets([...(newSet ? [newSet] : []), ...oldSets]);
  const single = active.length === 1 ? active[0] : active.length === 0 ? (newSet ?? [...oldSets].sort(latestRevisionFirst)[0]) : undefined;
  if (single) return new Map([[single, wanted]]);
  if (isSaturated(deployment, newSet)) return new Map(activeSets(oldSets).map((set) => [set, 0]));
  return isRolling(deployment) ? proportionalSizes(deployment, active) : new Map();
}

function proportionalSizes(deployment: Deployment, active: readonly ReplicaSet[]): Sizes {
  const wanted = wantedReplicas(deployment);
  const allowed = wanted > 0 ? wanted + fencesOf(deployment).maxSurge : 0;
  const toAdd = allowed - sumOf(active, wantedReplicas);
  const byAge = toAdd > 0 ? (left: ReplicaSet, right: ReplicaSet) => oldestFirst(right, left) : oldestFirst;
  const sorted = [...active].sort((left, right) => wantedReplicas(right) - wantedReplicas(left) || byAge(left, right));
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of sorted) {
    const share = shareOf(deployment, set, allowed);
    const bounded = toAdd > 0 ? Math.max(0, Math.min(share, toAdd - added)) : Math.min(0, Math.max(share, toAdd - added));
    sizes.set(set, wantedReplicas(set) + bounded);
    added += bounded;
  }
  const [largest] = sorted;
  // What rounding left over.
  if (largest) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + toAdd - added));
  return sizes;
}

/** How much the set would change if it kept its part of the whole. */
function shareOf(deployment: Deployment, set: ReplicaSet, allowed: number): number {
  if (wantedReplicas(deployment) === 0) return -wantedReplicas(set);
  const before = noted(set, annotations.max) || (deployment.status?.replicas ?? 0);
  return before === 0 ? 0 : Math.round((wantedReplicas(set) * allowed) / before) - wantedReplicas(set);
}
