/**
 * A Deployment's next step, as Kubernetes' deployment controller would take it: pure, from what its ReplicaSets are now.
 *
 *   choose-set.ts     which ReplicaSet is the new one (template, configuration)
 *   plan-rollout.ts   rolling update and recreate: sizes
 *   plan-scaling.ts   a new size in the middle of a rollout
 *   new-set.ts        the new ReplicaSet, its revision and notes
 *   plan-status.ts    counters and conditions
 *   plan-history.ts   which old sets may go
 */
import { deepEqual } from '@navarch/api';
import type { Deployment, DeploymentStatus, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { SetChoice } from './choose-set';
import { annotations, findProgress, isBeingDeleted, isRolling, nameOf, revisionOf, sumOf, wantedReplicas } from './facts';
import { makeSet, newSetAnnotations, sizeAnnotations } from './new-set';
import { expiredSets } from './plan-history';
import { newSetSize, oldPodsRun, recreateSizes, rollingSizes, type Sizes } from './plan-rollout';
import { isScaled, scaledSizes } from './plan-scaling';
import { deadlineInMs, isComplete, restingStatus, rolloutStatus, type ProgressNote } from './plan-status';

export interface DeploymentView {
  readonly deployment: Deployment;
  /** Its own, the new one among them. */
  readonly sets: readonly ReplicaSet[];
  readonly choice: SetChoice;
  /** All pods of its sets. Only Recreate asks. */
  podsOf(set: ReplicaSet): readonly Pod[];
  readonly nowMs: number;
}

export type DeploymentAction =
  | { readonly type: 'create'; readonly set: ReplicaSet }
  | { readonly type: 'update'; readonly set: ReplicaSet; readonly before: ReplicaSet }
  | { readonly type: 'delete'; readonly set: ReplicaSet };

export interface DeploymentPlan {
  readonly actions: readonly DeploymentAction[];
  /** The status once the actions are done. */
  readonly status: DeploymentStatus;
  /** For the Deployment's own annotation; undefined: as it is. */
  readonly revision?: string;
  /** When time alone makes a difference. */
  readonly againInMs?: number;
}

interface Step {
  readonly sizes: Sizes;
  /** The new set must be made, so large. */
  readonly create?: number;
  /** A rollout, whose progress counts; otherwise only sizes and counters. */
  readonly rollout: boolean;
}

const nothing: Sizes = new Map();

export function planDeployment(view: DeploymentView): DeploymentPlan {
  const { deployment, choice: { newSet }, sets, nowMs } = view;
  const oldSets = sets.filter((set) => set !== newSet);
  if (isBeingDeleted(deployment)) return { actions: [], status: restingStatus({ deployment, newSet, oldSets, sized: sumOf(sets, wantedReplicas), nowMs }) };
  const step = nextStep(view, oldSets);
  const revision = Math.max(0, ...oldSets.map(revisionOf)) + 1;
  const made = step.create === undefined ? [] : [makeSet(deployment, step.create, revision, view.choice)];
  const updates = updatesOf(view, oldSets, step, revision);
  const statusInput = {
    deployment, newSet, oldSets, nowMs, sized: sumOf(sets, (set) => step.sizes.get(set) ?? wantedReplicas(set)) + (step.create ?? 0), ...noteOf(deployment, newSet, made[0], revision),
  };
  const status = step.rollout ? rolloutStatus(statusInput) : restingStatus(statusInput);
  const mayForget = step.rollout ? isComplete(deployment, status) : deployment.spec?.paused === true;
  const kept = newSet ? Math.max(revisionOf(newSet), revision) : revision;
  const againInMs = deadlineInMs(deployment, status, nowMs);
  return {
    actions: [
      ...made.map((set) => ({ type: 'create', set }) as const), ...updates,
      ...(mayForget ? expiredSets(deployment, newSet, oldSets) : []).map((set) => ({ type: 'delete', set }) as const),
    ],
    status,
    ...((newSet || made.length > 0) && { revision: String(kept) }),
    ...(againInMs !== undefined && { againInMs }),
  };
}

/** The status after the new set could not be made. */
export function statusWithoutSet({ deployment, sets, nowMs }: DeploymentView, name: string, why: string): DeploymentStatus {
  const note: ProgressNote = { reason: 'ReplicaSetCreateError', message: `Failed to create new replica set "${name}": ${why}` };
  return rolloutStatus({ deployment, newSet: undefined, oldSets: sets, sized: sumOf(sets, wantedReplicas), note, nowMs });
}

function nextStep({ deployment, choice: { newSet }, sets, podsOf }: DeploymentView, oldSets: readonly ReplicaSet[]): Step {
  if (deployment.spec?.paused || isScaled(deployment, sets)) return { sizes: scaledSizes(deployment, newSet, oldSets), rollout: false };
  if (isRolling(deployment)) {
    if (!newSet) return { sizes: nothing, create: newSetSize(deployment, oldSets, 0), rollout: true };
    return { sizes: rollingSizes(deployment, newSet, oldSets), rollout: true };
  }
  const shrunk = recreateSizes(oldSets);
  if (shrunk.size > 0) return { sizes: shrunk, rollout: true };
  if (oldPodsRun(oldSets, oldSets.flatMap(podsOf))) return { sizes: nothing, rollout: true };
  const wanted = wantedReplicas(deployment);
  if (!newSet) return { sizes: nothing, create: wanted, rollout: true };
  return { sizes: new Map([[newSet, wanted]]), rollout: true };
}

/** Sizes, and on the new set what it notes; sets that stay as they are are left alone. */
function updatesOf({ deployment, choice }: DeploymentView, oldSets: readonly ReplicaSet[], { sizes }: Step, revision: number): DeploymentAction[] {
  const { newSet } = choice;
  return [...(newSet ? [newSet] : []), ...oldSets].flatMap((before) => {
    const size = sizes.get(before);
    const own = before === newSet ? newSetAnnotations(deployment, before, revision, choice) : { ...before.metadata?.annotations };
    const noted = size === undefined ? own : { ...own, ...sizeAnnotations(deployment) };
    const minReadySeconds = before === newSet ? deployment.spec?.minReadySeconds : before.spec?.minReadySeconds;
    const set: ReplicaSet = {
      ...before,
      metadata: { ...before.metadata, ...(Object.keys(noted).length > 0 && { annotations: noted }) },
      spec: { ...before.spec, ...(size !== undefined && { replicas: size }), minReadySeconds },
    };
    return deepEqual(set, before) ? [] : [{ type: 'update', set, before } as const];
  });
}

function noteOf(deployment: Deployment, newSet: ReplicaSet | undefined, made: ReplicaSet | undefined, revision: number): { note?: ProgressNote } {
  if (made) return { note: { reason: 'NewReplicaSetCreated', message: `Created new replica set "${nameOf(made)}"` } };
  const isReused = newSet !== undefined && (revisionOf(newSet) < revision && deployment.metadata?.annotations?.[annotations.revision] !== undefined);
  if (newSet && (isReused || !findProgress(deployment))) return { note: { reason: 'FoundNewReplicaSet', message: `Found new replica set "${nameOf(newSet)}"` } };
  return {};
}
