import { compareQuantity, localPathProvisioner, matcherOf, matchesNodeSelector, selectedNodeAnnotation } from '@navarch/api';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { StorageClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { isFor } from '../claims';

export type ClaimPlan =
  /** Bound already, or pre-bound: volume and claim are brought to say the same. */
  | { readonly type: 'bind'; readonly volume: PersistentVolume }
  | { readonly type: 'provision'; readonly storageClass: StorageClass; readonly nodeName: string | undefined }
  | { readonly type: 'lost'; readonly reason: 'ClaimLost' | 'ClaimMisbound'; readonly message: string }
  | { readonly type: 'wait'; readonly eventType?: 'Normal' | 'Warning'; readonly reason?: string; readonly message?: string };

export interface ClaimInputs {
  readonly claim: PersistentVolumeClaim;
  readonly volumes: readonly PersistentVolume[];
  readonly storageClass: StorageClass | undefined;
  readonly node: (name: string) => Node | undefined;
}

/** What becomes of a claim, given the volumes and classes there are (Kubernetes' persistent volume controller, as documented). */
export function planClaim(inputs: ClaimInputs): ClaimPlan {
  const { claim, volumes } = inputs;
  const wanted = claim.spec?.volumeName;
  return wanted ? planNamed(claim, volumes.find(({ metadata }) => metadata?.name === wanted), wanted) : planUnbound(inputs);
}

function planNamed(claim: PersistentVolumeClaim, volume: PersistentVolume | undefined, name: string): ClaimPlan {
  const wasBound = claim.status?.phase === 'Bound' || claim.status?.phase === 'Lost';
  if (!volume) {
    return wasBound ? { type: 'lost', reason: 'ClaimLost', message: 'Bound claim has lost its PersistentVolume. Data on the volume is lost!' }
      : { type: 'wait', eventType: 'Warning', reason: 'FailedBinding', message: `volume "${name}" not found` };
  }
  if (isFor(volume, claim)) return { type: 'bind', volume };
  if (volume.spec?.claimRef) {
    return wasBound ? { type: 'lost', reason: 'ClaimMisbound', message: 'Two claims are bound to the same volume, this one is bound incorrectly' }
      : { type: 'wait', eventType: 'Warning', reason: 'FailedBinding', message: `volume "${name}" already bound to a different claim.` };
  }
  if (wasBound) return { type: 'bind', volume };
  const mismatch = mismatchOf(claim, volume);
  return mismatch ? { type: 'wait', eventType: 'Warning', reason: 'VolumeMismatch', message: `Cannot bind to requested volume "${name}": ${mismatch}` } : { type: 'bind', volume };
}

function planUnbound({ claim, volumes, storageClass, node }: ClaimInputs): ClaimPlan {
  const own = volumes.find((volume) => isFor(volume, claim));
  if (own) return { type: 'bind', volume: own };
  const className = claim.spec?.storageClassName ?? '';
  const selected = claim.metadata?.annotations?.[selectedNodeAnnotation];
  if (storageClass?.volumeBindingMode === 'WaitForFirstConsumer' && !selected) {
    return { type: 'wait', eventType: 'Normal', reason: 'WaitForFirstConsumer', message: 'waiting for first consumer to be created before binding' };
  }
  const found = bestMatch(claim, volumes, selected ? node(selected) : undefined);
  if (found) return { type: 'bind', volume: found };
  if (className === '') return { type: 'wait', eventType: 'Normal', reason: 'FailedBinding', message: 'no persistent volumes available for this claim and no storage class is set' };
  if (!storageClass) return { type: 'wait', eventType: 'Warning', reason: 'ProvisioningFailed', message: `storageclass.storage.k8s.io "${className}" not found` };
  if (storageClass.provisioner === localPathProvisioner) return { type: 'provision', storageClass, nodeName: selected };
  const external = `Waiting for a volume to be created either by the external provisioner '${storageClass.provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return { type: 'wait', eventType: 'Normal', reason: 'ExternalProvisioning', message: external };
}

/** The smallest volume that is free and fits; one on the selected node where there is one. */
export function bestMatch(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[], node: Node | undefined): PersistentVolume | undefined {
  const fits = volumes.filter((volume) => volume.spec?.claimRef === undefined && !volume.metadata?.deletionTimestamp && mismatchOf(claim, volume) === undefined && reaches(volume, node));
  const size = ({ spec }: PersistentVolume) => spec?.capacity?.['storage'];
  return fits.sort((a, b) => compareQuantity(size(a), size(b)) || ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))[0];
}

export function reaches({ spec }: PersistentVolume, node: Node | undefined): boolean {
  const required = spec?.nodeAffinity?.required;
  return !required || !node || matchesNodeSelector(required, node);
}

/** Why the volume cannot serve the claim. */
export function mismatchOf({ spec: wanted = {} }: PersistentVolumeClaim, { metadata, spec = {} }: PersistentVolume): string | undefined {
  if (compareQuantity(spec.capacity?.['storage'], wanted.resources?.requests?.['storage']) < 0) return 'requested PV is too small';
  if ((spec.storageClassName ?? '') !== (wanted.storageClassName ?? '')) return 'storageClassName does not match';
  if ((spec.volumeMode ?? 'Filesystem') !== (wanted.volumeMode ?? 'Filesystem')) return 'incompatible volumeMode';
  if (!(wanted.accessModes ?? []).every((mode) => spec.accessModes?.includes(mode))) return 'incompatible accessMode';
  return wanted.selector && !matcherOf(wanted.selector).matches(metadata?.labels ?? {}) ? 'volume labels do not match the selector' : undefined;
}
