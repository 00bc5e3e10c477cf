import type { Pod, Volume } from '@navarch/proto/k8s/io/api/core/v1/core';

/** The claim that a pod's volume stands for, if any: named, or made for the pod alone. */
export function claimNameOf(pod: Pod, { name, volumeSource: source }: Volume): string | undefined {
  if (source?.persistentVolumeClaim) return source.persistentVolumeClaim.claimName;
  return source?.ephemeral ? `${pod.metadata?.name ?? ''}-${name ?? ''}` : undefined;
}

/** Names of all claims that a pod uses, in its own namespace. */
export const podClaims = (pod: Pod): string[] => (pod.spec?.volumes ?? []).flatMap((volume) => claimNameOf(pod, volume) ?? []);
