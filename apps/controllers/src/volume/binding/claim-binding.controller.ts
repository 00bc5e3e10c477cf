/**
 * Binds claims to volumes, makes volumes of local-path classes, and settles what becomes of volumes whose claims are gone. A volume is
 * first reserved for its claim (claimRef, compare and set: one claim wins), then the claim names it; what a crash leaves between the
 * two is finished from either side.
 */
import { nodes, persistentVolumeClaims, persistentVolumes, selectedNodeAnnotation } from '@navarch/api';
import { isAlreadyExists, isConflict, isNotFound } from '@navarch/base';
import { startController, watching, type ReconcileContext, type Request } from '@navarch/client';
import type { Node, ObjectReference, PersistentVolume, PersistentVolumeClaim } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { StorageClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { bindCompletedAnnotation, boundByControllerAnnotation, isFor } from '../claims';
import { planClaim, type ClaimPlan } from './plan-claim';
import { planVolume, type VolumePlan } from './plan-volume';
import { localVolume, provisioningProblem } from './provision';

const waitAgainMs = 15_000;

class ClaimBinding {
  constructor(private readonly dependencies: ControllerDependencies) {}

  // ---- claims

  async claim({ namespace, name }: Request, context: ReconcileContext): Promise<{ requeueAfterMs?: number }> {
    const { informers } = this.dependencies;
    const claim = informers.persistentVolumeClaims.get(namespace, name);
    if (!claim || claim.metadata?.deletionTimestamp) return {};
    const storageClass = informers.storageClasses.get('', claim.spec?.storageClassName ?? '');
    const plan = planClaim({ claim, volumes: this.candidates(claim), storageClass, node: (node) => informers.nodes.get('', node) });
    return this.applyClaim(claim, plan, context);
  }

  private candidates(claim: PersistentVolumeClaim): readonly PersistentVolume[] {
    const { persistentVolumes: volumes } = this.dependencies.informers;
    const named = claim.spec?.volumeName;
    if (!named) return volumes.list();
    const volume = volumes.get('', named);
    return volume ? [volume] : [];
  }

  private async applyClaim(claim: PersistentVolumeClaim, plan: ClaimPlan, context: ReconcileContext): Promise<{ requeueAfterMs?: number }> {
    switch (plan.type) {
      case 'bind': await this.bind(claim, plan.volume, context); return {};
      case 'provision': return this.provision(claim, plan.storageClass, plan.nodeName, context);
      case 'lost':
        if (claim.status?.phase !== 'Lost') this.tell(claimReference(claim), 'Warning', plan.reason, plan.message);
        await this.setClaimStatus(claim, { phase: 'Lost' }, context);
        return {};
      case 'wait':
        if (plan.reason) this.tell(claimReference(claim), plan.eventType ?? 'Normal', plan.reason, plan.message ?? '');
        await this.setClaimStatus(claim, { phase: 'Pending' }, context);
        return { requeueAfterMs: waitAgainMs };
    }
  }

  private async bind(claim: PersistentVolumeClaim, volume: PersistentVolume, context: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const reserved = volume.spec?.claimRef?.uid === claim.metadata?.uid ? volume : await this.reserve(claim, volume, context);
    let named = claim;
    const annotations = claim.metadata?.annotations ?? {};
    if (claim.spec?.volumeName !== volume.metadata?.name || annotations[bindCompletedAnnotation] === undefined) {
      const byUs: Record<string, string> = claim.spec?.volumeName ? {} : { [boundByControllerAnnotation]: 'yes' };
      named = await client.resource(persistentVolumeClaims).update({
        ...claim, metadata: { ...claim.metadata, annotations: { ...annotations, ...byUs, [bindCompletedAnnotation]: 'yes' } }, spec: { ...claim.spec, volumeName: volume.metadata?.name },
      });
      await context.wrote(informers.persistentVolumeClaims, named);
    }
    await this.setVolumePhase(reserved, { type: 'phase', phase: 'Bound' }, context);
    await this.setClaimStatus(named, { phase: 'Bound', accessModes: [...(volume.spec?.accessModes ?? [])], capacity: volume.spec?.capacity }, context);
  }

  private async reserve(claim: PersistentVolumeClaim, volume: PersistentVolume, context: ReconcileContext): Promise<PersistentVolume> {
    const { client, informers } = this.dependencies;
    const { namespace, name, uid, resourceVersion } = claim.metadata ?? {};
    const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion };
    const byUs: Record<string, string> = volume.spec?.claimRef ? {} : { [boundByControllerAnnotation]: 'yes' };
    const reserved = await client.resource(persistentVolumes).update({ ...volume, metadata: { ...volume.metadata, annotations: { ...volume.metadata?.annotations, ...byUs } }, spec: { ...volume.spec, claimRef } });
    await context.wrote(informers.persistentVolumes, reserved);
    return reserved;
  }

  private async provision(claim: PersistentVolumeClaim, storageClass: StorageClass, nodeName: string | undefined, context: ReconcileContext): Promise<{ requeueAfterMs?: number }> {
    const { client, informers, logger } = this.dependencies;
    const node = nodeName ? informers.nodes.get('', nodeName) : this.anyNode();
    const problem = provisioningProblem(claim, node, nodeName);
    if (nodeName && !node) await this.unselect(claim, nodeName, context);
    if (problem !== undefined || !node) {
      this.tell(claimReference(claim), 'Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass "${storageClass.metadata?.name ?? ''}": ${problem ?? 'no node'}`);
      return { requeueAfterMs: waitAgainMs };
    }
    try {
      const made = await client.resource(persistentVolumes).create(localVolume(claim, storageClass, node));
      await context.wrote(informers.persistentVolumes, made);
      this.tell(claimReference(claim), 'Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${made.metadata?.name ?? ''}`);
      logger.info('volume provisioned', { claim: `${claim.metadata?.namespace ?? ''}/${claim.metadata?.name ?? ''}`, volume: made.metadata?.name, node: node.metadata?.name });
    } catch (thrown) {
      if (!isAlreadyExists(thrown)) throw thrown;
      await context.wrote(informers.persistentVolumes, await client.resource(persistentVolumes).get('', `pvc-${claim.metadata?.uid ?? ''}`));
    }
    // The volume is reserved for the claim; that it is there brings the claim back.
    return { requeueAfterMs: 0 };
  }

  /** The scheduler may choose anew; but that the node is gone must be certain. */
  private async unselect({ metadata }: PersistentVolumeClaim, nodeName: string, context: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const present = await client.resource(nodes).get('', nodeName).then(() => true, (thrown: unknown) => {
      if (isNotFound(thrown)) return false;
      throw thrown;
    });
    if (present) return;
    const { namespace = '', name = '', uid = '', resourceVersion = '' } = metadata ?? {};
    await context.wrote(informers.persistentVolumeClaims, await client.resource(persistentVolumeClaims).patch(namespace, name, 'application/merge-patch+json', { metadata: { uid, resourceVersion, annotations: { [selectedNodeAnnotation]: null } } }));
  }

  /** For claims that do not wait for a pod: the first ready node that keeps volumes. */
  private anyNode(): Node | undefined {
    const ready = this.dependencies.informers.nodes.list().filter(({ spec, status }) => !spec?.unschedulable && status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'));
    return [...ready].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1)).find((node) => provisioningProblem({}, node, undefined) === undefined) ?? ready[0];
  }

  private async setClaimStatus(claim: PersistentVolumeClaim, status: NonNullable<PersistentVolumeClaim['status']>, context: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const { phase, capacity, accessModes } = claim.status ?? {};
    const same = phase === status.phase && (status.phase !== 'Bound' || (capacity?.['storage']?.string === status.capacity?.['storage']?.string && accessModes?.join() === status.accessModes?.join()));
    if (same) return;
    const kept = status.phase === 'Bound' ? status : { ...claim.status, ...status };
    await context.wrote(informers.persistentVolumeClaims, await client.resource(persistentVolumeClaims).updateStatus({ ...claim, status: kept }));
  }

  // ---- volumes

  async volume(name: string, context: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const volume = informers.persistentVolumes.get('', name);
    if (!volume) return;
    const plan = planVolume(volume, await this.claimFor(volume));
    if (plan.type === 'phase') await this.setVolumePhase(volume, plan, context);
    if (plan.type !== 'delete') return;
    const { uid, resourceVersion } = volume.metadata ?? {};
    const released = await this.setVolumePhase(volume, { type: 'phase', phase: 'Released' }, context);
    const preconditions = { ...(uid && { uid }), resourceVersion: released?.metadata?.resourceVersion ?? resourceVersion };
    await client.resource(persistentVolumes).delete('', name, { deleteOptions: { preconditions } });
  }

  /** The claim the volume is reserved for. That it is gone must be certain: what follows may destroy data. */
  private async claimFor(volume: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
    const { client, informers } = this.dependencies;
    const { namespace = '', name = '', uid } = volume.spec?.claimRef ?? {};
    if (!uid) return undefined;
    const cached = informers.persistentVolumeClaims.get(namespace, name);
    if (cached && isFor(volume, cached)) return cached;
    try {
      const current = await client.resource(persistentVolumeClaims).get(namespace, name);
      return isFor(volume, current) ? current : undefined;
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined;
      throw thrown;
    }
  }

  private async setVolumePhase(volume: PersistentVolume, plan: Extract<VolumePlan, { type: 'phase' }>, context: ReconcileContext): Promise<PersistentVolume | undefined> {
    const { client, informers } = this.dependencies;
    if (volume.status?.phase === plan.phase && volume.status.message === plan.message) return undefined;
    if (plan.reason) this.tell({ apiVersion: 'v1', kind: 'PersistentVolume', name: volume.metadata?.name, uid: volume.metadata?.uid }, 'Warning', plan.reason, plan.message ?? '');
    const written = await client.resource(persistentVolumes).updateStatus({ ...volume, status: { phase: plan.phase, ...(plan.message && { message: plan.message }) } });
    await context.wrote(informers.persistentVolumes, written);
    return written;
  }

  private tell(regarding: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.dependencies.recorder.event(regarding, type, reason, message);
  }
}

function claimReference({ metadata }: PersistentVolumeClaim): ObjectReference {
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: metadata?.namespace, name: metadata?.name, uid: metadata?.uid, resourceVersion: metadata?.resourceVersion };
}

/** Claims under their namespace, volumes under none: no claim has an empty one. */
export const startClaimBinding: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const binding = new ClaimBinding(dependencies);
  const claimOf = ({ spec }: PersistentVolume): Request[] => (spec?.claimRef ? [{ namespace: spec.claimRef.namespace ?? '', name: spec.claimRef.name ?? '' }] : []);
  const pending = (): Request[] => informers.persistentVolumeClaims.list().filter(({ status }) => status?.phase !== 'Bound').map(({ metadata }) => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }));
  return startController({
    name: 'volume/binding', clock, random, logger, signal, concurrency: 4, maxBackoffMs: 30_000, ...(observe && { observe }),
    watches: [
      watching(informers.persistentVolumeClaims, {
        keys: ({ metadata, spec }) => [{ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }, ...(spec?.volumeName ? [{ namespace: '', name: spec.volumeName }] : [])],
      }),
      // A volume that is free, or new, may be what a claim waits for.
      watching(informers.persistentVolumes, {
        keys: (volume) => [{ namespace: '', name: volume.metadata?.name ?? '' }, ...claimOf(volume), ...(volume.spec?.claimRef ? [] : pending())],
      }),
      watching(informers.storageClasses, { keys: pending }),
      watching(informers.nodes, { keys: pending, when: ({ type, object, old }) => type === 'ADDED' || JSON.stringify(object.metadata?.annotations) !== JSON.stringify(old?.metadata?.annotations) }),
    ],
    reconcile: async (request, context) => {
      try {
        if (request.namespace !== '') return await binding.claim(request, context);
        await binding.volume(request.name, context);
        return undefined;
      } catch (thrown) {
        // Somebody else wrote it, or it went: what is there now is looked at.
        if (!isNotFound(thrown) && !isConflict(thrown)) throw thrown;
        return { requeueAfterMs: 1_000 };
      }
    },
  });
};
