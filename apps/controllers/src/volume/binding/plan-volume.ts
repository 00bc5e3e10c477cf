import { localPathProvisioner, provisionedByAnnotation } from '@navarch/api';
import type { PersistentVolume, PersistentVolumeClaim } from '@navarch/proto/k8s/io/api/core/v1/core';

export type VolumePlan =
  | { readonly type: 'keep' }
  | { readonly type: 'phase'; readonly phase: 'Available' | 'Bound' | 'Released' | 'Failed'; readonly message?: string; readonly reason?: 'VolumeFailedDelete' | 'VolumeFailedRecycle' }
  | { readonly type: 'delete' };

/** What becomes of a volume; `claim` is the one it is reserved for, by a current read where the cache has none. */
export function planVolume(volume: PersistentVolume, claim: PersistentVolumeClaim | undefined): VolumePlan {
  const { metadata = {}, spec = {}, status } = volume;
  const to = (phase: 'Available' | 'Bound' | 'Released'): VolumePlan => (status?.phase === phase ? { type: 'keep' } : { type: 'phase', phase });
  if (!spec.claimRef) return to('Available');
  // Made by hand for a claim that need not be there yet.
  if (!spec.claimRef.uid) return to('Available');
  if (claim) return claim.spec?.volumeName === metadata.name ? to('Bound') : { type: 'keep' };
  // Promised, but never given.
  if (metadata.deletionTimestamp) return to('Released');
  switch (spec.persistentVolumeReclaimPolicy) {
    case 'Delete': return metadata.annotations?.[provisionedByAnnotation] === localPathProvisioner ? { type: 'delete' } : failed(volume, 'VolumeFailedDelete', 'deleter', 'deletable');
    case 'Recycle': return failed(volume, 'VolumeFailedRecycle', 'recycler', 'recyclable');
    default: return to('Released');
  }
}

function failed({ metadata, status }: PersistentVolume, reason: 'VolumeFailedDelete' | 'VolumeFailedRecycle', plugin: string, able: string): VolumePlan {
  const message = `error getting ${plugin} volume plugin for volume "${metadata?.name ?? ''}": no ${able} volume plugin matched`;
  return status?.phase === 'Failed' && status.message === message ? { type: 'keep' } : { type: 'phase', phase: 'Failed', message, reason };
}
