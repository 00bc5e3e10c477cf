import { context as otel, type Context } from '@opentelemetry/api';

import { controllerRevisions, ownerReference, type ApiObject, type LabelMatcher, type Resource } from '@navarch/api';
import { ApiError, isAlreadyExists, isNotFound } from '@navarch/base';
import type { ReconcileContext } from '@navarch/client';
import type { ControllerRevision } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies } from '../dependencies';
import { claimObjects } from '../workload/claim';
import { changedText, configChangedAnnotation, configRecordAnnotation } from '../workload/config-use';
import { objectReference } from '../workload/owned';
import type { ConfigRollouts } from './config-rollouts';
import { inOrder, isRevisionOf, planHistory, planTruncation, safeHash, type HistoryPlan, type WantedRevision } from './history';
import { templatePatch } from './template-patch';

export interface HistoryOwner<O extends ApiObject> {
  readonly resource: Resource<O>;
  readonly object: O;
  readonly selector: LabelMatcher;
  readonly template: PodTemplateSpec | undefined;
  /** Of the owner's status: how many names were taken so far. */
  readonly collisionCount: number;
  /** Under which a revision bears its hash. */
  readonly hashLabel: string;
}

export interface History {
  /** Oldest first; the wanted state is among them. */
  readonly revisions: readonly ControllerRevision[];
  /** The wanted state; the latest while a change of configuration settles. */
  readonly update: ControllerRevision;
  /** What the owner's status has to say from now on. */
  readonly collisionCount: number;
  /** Until a change of configuration has settled; absent where none waits. */
  readonly waitMs?: number;
  /** The trace that what follows belongs to. */
  readonly under: Context;
}

type Shell = Pick<ControllerDependencies, 'client' | 'informers' | 'recorder'>;

const changeCause = 'kubernetes.io/change-cause';

/** A name may be taken by a hash of 32 bits, once in a while; not so often. */
const mostCollisions = 16;
/** Names end in a hash of at most ten letters. */
const longestBase = 242;

/**
 * Adopts the owner's revisions and sees to it that the wanted state is the latest of them, a change of configuration alone only when it
 * has settled. Creating is safe to repeat: the name follows from the content.
 */
export async function syncHistory<O extends ApiObject>(shell: Shell, owner: HistoryOwner<O>, rollouts: ConfigRollouts, reconcile: ReconcileContext): Promise<History> {
  const { client, informers, recorder } = shell;
  const { object, template, collisionCount } = owner;
  const wanted: WantedRevision = { patch: templatePatch(template), config: rollouts.stateOf(object, template) };
  const present = await claimObjects({ client, owner, informer: informers.controllerRevisions, selector: owner.selector, wrote: reconcile.wrote });
  const plan = planHistory(present, wanted);
  const settling = plan.until && wanted.config ? rollouts.settle(object, wanted.config) : { waitMs: 0, under: otel.active() };
  if (plan.until && settling.waitMs > 0) return { revisions: inOrder(present), update: plan.until, collisionCount, waitMs: settling.waitMs, under: otel.active() };
  const made = await otel.with(settling.under, () => makeLatest(shell, owner, wanted, plan, reconcile));
  if (plan.changed.length > 0) recorder.event(objectReference(owner), 'Normal', 'ConfigurationChanged', `Rolling out the change of ${changedText(plan.changed)}`);
  rollouts.calm(object);
  const others = present.filter((revision) => revision.metadata?.name !== made.update.metadata?.name);
  return { revisions: inOrder([...others, made.update]), ...made, under: settling.under };
}

async function makeLatest<O extends ApiObject>(shell: Shell, owner: HistoryOwner<O>, wanted: WantedRevision, plan: HistoryPlan, { wrote }: ReconcileContext): Promise<Pick<History, 'update' | 'collisionCount'>> {
  const { client, informers } = shell;
  const { collisionCount } = owner;
  if (plan.action === 'create') {
    const made = await createRevision(shell, owner, wanted, plan);
    await wrote(informers.controllerRevisions, made.update);
    return made;
  }
  const { namespace = '', name = '', uid = '', resourceVersion = '', annotations } = plan.revision.metadata ?? {};
  const noted = plan.record === undefined || plan.record === annotations?.[configRecordAnnotation];
  if (plan.action === 'keep' && noted) return { update: plan.revision, collisionCount };
  const patch = {
    metadata: { uid, resourceVersion, ...((!noted || plan.changed.length > 0) && { annotations: configAnnotations(plan) }) },
    ...(plan.action === 'renumber' && { revision: plan.number }),
  };
  const update = await client.resource(controllerRevisions).patch(namespace, name, 'application/merge-patch+json', patch);
  await wrote(informers.controllerRevisions, update);
  return { update, collisionCount };
}

/** What a revision notes of the configuration it was made with, and kubectl's CHANGE-CAUSE where that is the reason for it. */
function configAnnotations({ record, changed }: HistoryPlan): Record<string, string> {
  const objects = changedText(changed);
  return {
    ...(record !== undefined && { [configRecordAnnotation]: record }),
    ...(changed.length > 0 && { [configChangedAnnotation]: objects, [changeCause]: `configuration changed: ${objects}` }),
  };
}

async function createRevision<O extends ApiObject>({ client }: Shell, owner: HistoryOwner<O>, wanted: WantedRevision, plan: Extract<HistoryPlan, { action: 'create' }>): Promise<Pick<History, 'update' | 'collisionCount'>> {
  const revisions = client.resource(controllerRevisions);
  for (let collisionCount = owner.collisionCount; collisionCount < owner.collisionCount + mostCollisions; collisionCount++) {
    const revision = newRevision(owner, wanted, plan, collisionCount);
    try {
      return { update: await revisions.create(revision), collisionCount };
    } catch (thrown) {
      if (!isAlreadyExists(thrown)) throw thrown;
    }
    const holder = await revisions.get(revision.metadata?.namespace ?? '', revision.metadata?.name ?? '');
    const isOurs = holder.metadata?.ownerReferences?.some(({ uid, controller }) => controller && uid === owner.object.metadata?.uid);
    if (isOurs && !holder.metadata?.deletionTimestamp && isRevisionOf(holder, wanted)) return { update: holder, collisionCount };
  }
  throw new ApiError('Conflict', `${mostCollisions} names for a revision of ${owner.resource.kind} ${owner.object.metadata?.namespace}/${owner.object.metadata?.name} are taken by others`);
}

function newRevision<O extends ApiObject>({ resource, object, template, hashLabel }: HistoryOwner<O>, { patch }: WantedRevision, plan: Extract<HistoryPlan, { action: 'create' }>, collisionCount: number): ControllerRevision {
  const { namespace = '', name = '', annotations = {} } = object.metadata ?? {};
  const hash = safeHash(patch, plan.record ?? '', collisionCount);
  // The owner's, so that kubectl finds the cause of a change; not what kubectl applied: it would be kept twice.
  const { 'kubectl.kubernetes.io/last-applied-configuration': _applied, ...handedOn } = annotations;
  return {
    metadata: {
      namespace, name: `${name.slice(0, longestBase)}-${hash}`,
      labels: { ...template?.metadata?.labels, [hashLabel]: hash },
      annotations: { ...handedOn, ...configAnnotations(plan) },
      ownerReferences: [ownerReference(resource, object)],
    },
    data: { raw: Buffer.from(patch) },
    revision: plan.number,
  };
}

/** Drops the oldest revisions beyond the limit that nobody uses. */
export async function truncateHistory({ client, informers }: Shell, revisions: readonly ControllerRevision[], inUse: (revision: ControllerRevision) => boolean, limit: number, { wrote }: ReconcileContext): Promise<void> {
  for (const { metadata } of planTruncation(revisions, inUse, limit)) {
    const { namespace = '', name = '', uid = '' } = metadata ?? {};
    try {
      await wrote(informers.controllerRevisions, await client.resource(controllerRevisions).delete(namespace, name, { deleteOptions: { preconditions: { uid } } }));
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  }
}
