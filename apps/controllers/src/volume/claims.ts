/** What claims, volumes and pods say of each other, as controllers read it. */
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '@navarch/proto/k8s/io/api/core/v1/core';

export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node';
export const bindCompletedAnnotation = 'pv.kubernetes.io/bind-completed';
export const boundByControllerAnnotation = 'pv.kubernetes.io/bound-by-controller';
export const provisionedByAnnotation = 'pv.kubernetes.io/provisioned-by';
/** Where a node keeps the directories of local-path volumes; its kubelet says so. */
export const localPathRootAnnotation = 'navarch.io/local-path-root';
/** Held by the kubelet of the volume's node until the directory is gone. */
export const localPathFinalizer = 'navarch.io/local-path';
/** On a local-path volume: the node whose kubelet looks after it. */
export const volumeNodeLabel = 'navarch.io/node';
export const claimProtection = 'kubernetes.io/pvc-protection';
export const volumeProtection = 'kubernetes.io/pv-protection';

/** The claim that a pod's volume stands for, if any: named, or made for the pod alone. */
export function claimNameOf(pod: Pod, { name, volumeSource: source }: Volume): string | undefined {
  if (source?.persistentVolumeClaim) return source.persistentVolumeClaim.claimName;
  return source?.ephemeral ? `${pod.metadata?.name ?? ''}-${name ?? ''}` : undefined;
}

export const claimsOf = (pod: Pod): string[] => (pod.spec?.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? []);

/** Whether the volume is reserved for this very claim; a reservation without uid was made by hand, for whoever has the name. */
export function isFor({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const { claimRef } = spec ?? {};
  return claimRef !== undefined && claimRef.namespace === metadata?.namespace && claimRef.name === metadata?.name && (!claimRef.uid || claimRef.uid === metadata?.uid);
}
