import { controllerRevisions, ownerReference, type ApiObject, type LabelMatcher, type Resource } from '@navarch/api';
import { ApiError, isAlreadyExists, isNotFound } from '@navarch/base';
import type { ReconcileContext } from '@navarch/client';
import type { ControllerRevision } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies } from '../dependencies';
import { claimObjects } from '../workload/claim';
import { configHashAnnotation, inOrder, isRevisionOf, planHistory, planTruncation, safeHash, type WantedRevision } from './history';

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
  /** The wanted state. */
  readonly update: ControllerRevision;
  /** What the owner's status has to say from now on. */
  readonly collisionCount: number;
}

type Shell = Pick<ControllerDependencies, 'client' | 'informers'>;

/** A name may be taken by a hash of 32 bits, once in a while; not so often. */
const mostCollisions = 16;
/** Names end in a hash of at most ten letters. */
const longestBase = 242;

/** Adopts the owner's revisions and sees to it that the wanted state is the latest of them. Creating is safe to repeat: the name follows from the content. */
export async function syncHistory<O extends ApiObject>(shell: Shell, owner: HistoryOwner<O>, wanted: WantedRevision, { wrote }: ReconcileContext): Promise<History> {
  const { client, informers } = shell;
  const { collisionCount } = owner;
  const present = await claimObjects({ client, owner, informer: informers.controllerRevisions, selector: owner.selector, wrote });
  const plan = planHistory(present, wanted);
  switch (plan.action) {
    case 'keep':
      return { revisions: inOrder(present), update: plan.revision, collisionCount };
    case 'renumber': {
      const { namespace = '', name = '', uid = '', resourceVersion = '' } = plan.revision.metadata ?? {};
      const patch = { metadata: { uid, resourceVersion }, revision: plan.number };
      const update = await client.resource(controllerRevisions).patch(namespace, name, 'application/merge-patch+json', patch);
      await wrote(informers.controllerRevisions, update);
      return { revisions: inOrder([...present.filter((one) => one !== plan.revision), update]), update, collisionCount };
    }
    case 'create': {
      const made = await createRevision(shell, owner, wanted, plan.number);
      await wrote(informers.controllerRevisions, made.update);
      return { revisions: [...inOrder(present), made.update], ...made };
    }
  }
}

async function createRevision<O extends ApiObject>({ client }: Shell, owner: HistoryOwner<O>, wanted: WantedRevision, number: number): Promise<Pick<History, 'update' | 'collisionCount'>> {
  const revisions = client.resource(controllerRevisions);
  for (let collisionCount = owner.collisionCount; collisionCount < owner.collisionCount + mostCollisions; collisionCount++) {
    const revision = newRevision(owner, wanted, number, collisionCount);
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

function newRevision<O extends ApiObject>({ resource, object, template, hashLabel }: HistoryOwner<O>, { patch, configHash }: WantedRevision, revision: number, collisionCount: number): ControllerRevision {
  const { namespace = '', name = '', annotations = {} } = object.metadata ?? {};
  const hash = safeHash(patch, configHash ?? '', collisionCount);
  return {
    metadata: {
      namespace, name: `${name.slice(0, longestBase)}-${hash}`,
      labels: { ...template?.metadata?.labels, [hashLabel]: hash },
      // The owner's, so that kubectl finds the cause of a change (kubernetes.io/change-cause).
      annotations: { ...annotations, ...(configHash !== undefined && { [configHashAnnotation]: configHash }) },
      ownerReferences: [ownerReference(resource, object)],
    },
    data: { raw: Buffer.from(patch) },
    revision,
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
