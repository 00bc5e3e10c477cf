import { findCondition, timeFromMs, timeToMs } from '@navarch/api';
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { fencesOf, nameOf, sumOf, wantedReplicas } from './facts';

type Conditions = readonly DeploymentCondition[];
type Told = Required<Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>>;

export interface StatusInput {
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
  /** Pods that the sets are to have, after this step. */
  readonly sized: number;
  /** What this step did that counts as progress, in the words of the condition. */
  readonly note?: ProgressNote;
  readonly nowMs: number;
}

export interface ProgressNote {
  readonly reason: 'NewReplicaSetCreated' | 'FoundNewReplicaSet' | 'ReplicaSetCreateError';
  readonly message: string;
}

const noDeadline = 2_147_483_647;
const progressing = 'Progressing';

/** Seconds a rollout may stand still; undefined: for ever. */
export function deadlineOf({ spec }: Deployment): number | undefined {
  return spec?.progressDeadlineSeconds === noDeadline ? undefined : spec?.progressDeadlineSeconds;
}

const progressOf = (conditions: readonly DeploymentCondition[] | undefined): DeploymentCondition | undefined => findCondition(conditions, progressing);

/** What the counters say, before any judgement of progress. */
function countedStatus({ deployment, newSet, oldSets, sized, nowMs }: StatusInput): DeploymentStatus {
  const sets = [...(newSet ? [newSet] : []), ...oldSets];
  const available = sumOf(sets, ({ status }) => status?.availableReplicas ?? 0);
  const counts = {
    observedGeneration: deployment.metadata?.generation ?? 0,
    replicas: sumOf(sets, ({ status }) => status?.replicas ?? 0),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sumOf(sets, ({ status }) => status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sized - available),
  };
  const { collisionCount, conditions = [] } = deployment.status ?? {};
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    ...(collisionCount !== undefined && { collisionCount }),
    conditions: withCondition(conditions, availability(deployment, available), nowMs),
  };
}

function availability(deployment: Deployment, available: number): Told {
  return available >= wantedReplicas(deployment) - fencesOf(deployment).maxUnavailable
    ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : { type: 'Available', status: 'False', reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' };
}

/** All pods are of the new template, available, and there is none besides. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = wantedReplicas(deployment);
  return (status.updatedReplicas ?? 0) === wanted && (status.replicas ?? 0) === wanted && (status.availableReplicas ?? 0) === wanted
    && (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0);
}

/** The status during a rollout: counters, and how it goes. */
export function rolloutStatus(input: StatusInput): DeploymentStatus {
  const { deployment, newSet, oldSets, note, nowMs } = input;
  const counted = countedStatus(input);
  const conditions: Conditions = deadlineOf(deployment) === undefined
    ? (counted.conditions ?? []).filter(({ type }) => type !== progressing)
    : withProgress(deployment, { ...counted, conditions: noted(counted.conditions ?? [], note, nowMs) }, newSet, nowMs);
  return { ...counted, conditions: withReplicaFailure(conditions, newSet, oldSets, nowMs) };
}

/** The status while paused, scaled or deleted: counters, and whether it is paused. */
export function restingStatus(input: StatusInput): DeploymentStatus {
  const counted = countedStatus(input);
  return { ...counted, conditions: withPause(input.deployment, counted.conditions ?? [], input.nowMs) };
}

function noted(conditions: Conditions, note: ProgressNote | undefined, nowMs: number): DeploymentCondition[] {
  if (!note) return [...conditions];
  return withCondition(conditions, { type: progressing, status: note.reason === 'ReplicaSetCreateError' ? 'False' : 'True', ...note }, nowMs);
}

/** A rollout that timed out says so until it goes on, paused or not. */
export function withPause(deployment: Deployment, conditions: Conditions, nowMs: number): DeploymentCondition[] {
  const { reason } = progressOf(conditions) ?? {};
  const paused = deployment.spec?.paused ?? false;
  if (deadlineOf(deployment) === undefined || reason === 'ProgressDeadlineExceeded') return [...conditions];
  if (paused && reason !== 'DeploymentPaused') return withCondition(conditions, { type: progressing, status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }, nowMs);
  if (!paused && reason === 'DeploymentPaused') return withCondition(conditions, { type: progressing, status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' }, nowMs);
  return [...conditions];
}

function withProgress(deployment: Deployment, next: DeploymentStatus, newSet: ReplicaSet | undefined, nowMs: number): Conditions {
  const conditions = withPause(deployment, next.conditions ?? [], nowMs);
  const current = progressOf(conditions);
  const settled = (next.replicas ?? 0) === (next.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (settled) return conditions;
  const who = newSet ? `ReplicaSet "${nameOf(newSet)}"` : `Deployment "${nameOf(deployment)}"`;
  const tell = (status: string, reason: string, how: string): Told => ({ type: progressing, status, reason, message: `${who} ${how}` });
  if (isComplete(deployment, next)) return withCondition(conditions, tell('True', 'NewReplicaSetAvailable', 'has successfully progressed.'), nowMs);
  if (hasProgressed(deployment.status ?? {}, next)) return withCondition(conditions, tell('True', 'ReplicaSetUpdated', 'is progressing.'), nowMs, true);
  if (hasTimedOut(deployment, current, nowMs)) return withCondition(conditions, tell('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'), nowMs);
  return conditions;
}

function hasProgressed(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number => replicas - updatedReplicas;
  const more = (count: 'updatedReplicas' | 'readyReplicas' | 'availableReplicas'): boolean => (after[count] ?? 0) > (before[count] ?? 0);
  return more('updatedReplicas') || old(after) < old(before) || more('readyReplicas') || more('availableReplicas');
}

function hasTimedOut(deployment: Deployment, current: DeploymentCondition | undefined, nowMs: number): boolean {
  if (current?.reason === 'NewReplicaSetAvailable') return false;
  if (current?.reason === 'ProgressDeadlineExceeded') return true;
  const dueMs = timesOutAtMs(deployment, current);
  return dueMs !== undefined && dueMs < nowMs;
}

function timesOutAtMs(deployment: Deployment, current: DeploymentCondition | undefined): number | undefined {
  const sinceMs = timeToMs(current?.lastUpdateTime);
  const deadline = deadlineOf(deployment);
  return sinceMs === undefined || deadline === undefined ? undefined : sinceMs + deadline * 1000;
}

/** When the deadline will have passed if nothing happens; undefined where none runs. */
export function deadlineInMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const current = progressOf(status.conditions);
  if (deployment.spec?.paused || isComplete(deployment, status)) return undefined;
  if (current?.reason === 'ProgressDeadlineExceeded' || current?.reason === 'NewReplicaSetAvailable') return undefined;
  const dueMs = timesOutAtMs(deployment, current);
  // Times on the wire are whole seconds.
  return dueMs === undefined ? undefined : Math.max(0, dueMs - nowMs) + 1000;
}

function withReplicaFailure(conditions: Conditions, newSet: ReplicaSet | undefined, oldSets: readonly ReplicaSet[], nowMs: number): DeploymentCondition[] {
  const failureOf = ({ status }: ReplicaSet): DeploymentCondition[] => {
    const { status: holds = '', reason = '', message = '' } = findCondition(status?.conditions, 'ReplicaFailure') ?? {};
    return holds === 'True' ? [{ type: 'ReplicaFailure', status: holds, reason, message }] : [];
  };
  const [failure] = [...(newSet ? [newSet] : []), ...oldSets].flatMap(failureOf);
  if (!failure) return conditions.filter(({ type }) => type !== 'ReplicaFailure');
  return withCondition(conditions, failure as Told, nowMs);
}

/**
 * The condition in place of the one of its type. lastUpdateTime moves with status or reason (or when `again`),
 * lastTransitionTime with the status only.
 */
function withCondition(conditions: Conditions, told: Told, nowMs: number, again = false): DeploymentCondition[] {
  const known = findCondition(conditions, told.type);
  if (known && known.status === told.status && known.reason === told.reason && !again) return [...conditions];
  const now = timeFromMs(nowMs);
  const next = { ...told, lastUpdateTime: now, lastTransitionTime: known?.status === told.status ? (known.lastTransitionTime ?? now) : now };
  return [...conditions.filter(({ type }) => type !== told.type), next];
}
