/** What claims and volumes say of each other, as controllers read it. */
import type { PersistentVolume, PersistentVolumeClaim } from '@navarch/proto/k8s/io/api/core/v1/core';

export const bindCompletedAnnotation = 'pv.kubernetes.io/bind-completed';
export const boundByControllerAnnotation = 'pv.kubernetes.io/bound-by-controller';
export const claimProtection = 'kubernetes.io/pvc-protection';
export const volumeProtection = 'kubernetes.io/pv-protection';

/** Whether the volume is reserved for this very claim; a reservation without uid was made by hand, for whoever has the name. */
export function isFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = spec ?? {};
  return claimRef !== undefined && claimRef.namespace === metadata?.namespace && claimRef.name === metadata?.name && (!claimRef.uid || claimRef.uid === metadata?.uid);
}
