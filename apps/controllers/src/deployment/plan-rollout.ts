import type { Deployment, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isPodTerminal } from '@navarch/api';

import { activeSets, availableOf, fencesOf, oldestFirst, sumOf, wantedReplicas } from './facts';

/** New sizes of ReplicaSets; who is not named keeps its own. */
export type Sizes = ReadonlyMap<ReplicaSet, number>;

/**
 * How large the new ReplicaSet may be at once: all pods together stay within replicas + maxSurge. `present`: its size now.
 * Stricter than Kubernetes, which goes by the sizes alone: pods that an old set has not deleted yet count as well, and where
 * it has not said how many there are since it was last resized, the new one waits.
 */
export function newSetSize(deployment: Deployment, oldSets: readonly ReplicaSet[], present: number): number {
  const wanted = wantedReplicas(deployment);
  const { strategy } = deployment.spec ?? {};
  if (present >= wanted || strategy?.type === 'Recreate') return wanted;
  if (oldSets.some(isStale)) return present;
  const room = wanted + fencesOf(deployment).maxSurge - sumOf(oldSets, podsCounted) - present;
  return present + Math.min(Math.max(0, room), wanted - present);
}

const isStale = ({ metadata, status }: ReplicaSet): boolean => (status?.observedGeneration ?? 0) < (metadata?.generation ?? 0);
/** A set that was made smaller and larger again may have lost the pods that its status still tells of. */
const surelyAvailable = (set: ReplicaSet): number => (isStale(set) ? 0 : availableOf(set));
const podsCounted = (set: ReplicaSet): number => Math.max(wantedReplicas(set), set.status?.replicas ?? 0);

/**
 * One step of a rolling update: the new set grows as far as maxSurge allows, the old ones shrink as far as maxUnavailable
 * does, first by pods that are not available anyway, the oldest set first. The two are independent: what the new set gains
 * is not available yet.
 */
export function rollingSizes(deployment: Deployment, newSet: ReplicaSet, oldSets: readonly ReplicaSet[]): Sizes {
  const sizes = new Map<ReplicaSet, number>();
  const grown = newSetSize(deployment, oldSets, wantedReplicas(newSet));
  if (grown !== wantedReplicas(newSet)) sizes.set(newSet, grown);
  const minAvailable = wantedReplicas(deployment) - fencesOf(deployment).maxUnavailable;
  const old = activeSets(oldSets).sort(oldestFirst);
  const newAvailable = Math.min(surelyAvailable(newSet), grown);
  // Pods beyond what must be available, if none but the new set's failed.
  const spare = sumOf(old, wantedReplicas) + newAvailable - minAvailable;
  const unhealthyGone = shrink(sizes, old, Math.max(0, spare), (set) => (isStale(set) ? 0 : wantedReplicas(set) - availableOf(set)));
  const surplus = sumOf(old, surelyAvailable) + newAvailable - minAvailable;
  if (surplus > 0) shrink(sizes, old, Math.min(surplus, spare - unhealthyGone), () => Infinity);
  return sizes;
}

/** Takes up to `total` pods, from each set in turn up to `most`; answers how many were taken. */
function shrink(sizes: Map<ReplicaSet, number>, sets: readonly ReplicaSet[], total: number, most: (set: ReplicaSet) => number): number {
  let taken = 0;
  for (const set of sets) {
    const size = sizes.get(set) ?? wantedReplicas(set);
    const count = Math.min(total - taken, size, most(set));
    if (count <= 0) continue;
    sizes.set(set, size - count);
    taken += count;
  }
  return taken;
}

/** Recreate: all old sets to nothing first. */
export function recreateSizes(oldSets: readonly ReplicaSet[]): Sizes {
  return new Map(activeSets(oldSets).map((set) => [set, 0]));
}

/** Whether a pod of an old set may still run: counted, or deleted and not gone yet. */
export function oldPodsRun(oldSets: readonly ReplicaSet[], oldPods: readonly Pod[]): boolean {
  return sumOf(oldSets, ({ status }) => status?.replicas ?? 0) > 0 || oldPods.some((pod) => !isPodTerminal(pod));
}
