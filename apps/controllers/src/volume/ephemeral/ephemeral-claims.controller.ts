/** Makes the claims of pods' ephemeral volumes; the pod owns them, so they go with it (Kubernetes' generic ephemeral volumes, KEP-1698). */
import { claimNameOf, isPodTerminal, ownerReference, persistentVolumeClaims, pods } from '@navarch/api';
import { hasReason, isAlreadyExists } from '@navarch/base';
import { startController, watching, type ReconcileContext } from '@navarch/client';
import type { PersistentVolumeClaim, Pod, Volume } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { podReference } from '../../pod/pod-reference';

/** The claim a volume of the pod needs; undefined where it is not an ephemeral one. */
export function ephemeralClaim(pod: Pod, volume: Volume): PersistentVolumeClaim | undefined {
  const template = volume.volumeSource?.ephemeral?.volumeClaimTemplate;
  if (!template) return undefined;
  const { labels, annotations } = template.metadata ?? {};
  return {
    metadata: { namespace: pod.metadata?.namespace, name: claimNameOf(pod, volume), ...(labels && { labels }), ...(annotations && { annotations }), ownerReferences: [ownerReference(pods, pod)] },
    spec: structuredClone(template.spec ?? {}),
  };
}

async function ensure(pod: Pod, wanted: PersistentVolumeClaim, { client, informers, recorder }: ControllerDependencies, context: ReconcileContext): Promise<void> {
  const { namespace = '', name = '' } = wanted.metadata ?? {};
  const present = informers.persistentVolumeClaims.get(namespace, name);
  if (present) {
    if (!present.metadata?.ownerReferences?.some(({ uid }) => uid === pod.metadata?.uid)) {
      recorder.event(podReference(pod), 'Warning', 'EphemeralVolumeConflict', `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata?.name ?? ''} (pod is not owner)`);
    }
    return;
  }
  try {
    await context.wrote(informers.persistentVolumeClaims, await client.resource(persistentVolumeClaims).create(wanted));
  } catch (thrown) {
    if (isAlreadyExists(thrown)) return;
    if (hasReason(thrown, 'Forbidden', 'Invalid')) recorder.event(podReference(pod), 'Warning', 'ProvisioningFailed', `ephemeral volume claim ${name}: ${(thrown as Error).message}`);
    throw thrown;
  }
}

export const startEphemeralClaims: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const hasEphemeral = ({ spec }: Pod): boolean => (spec?.volumes ?? []).some(({ volumeSource }) => volumeSource?.ephemeral !== undefined);
  return startController({
    name: 'volume/ephemeral', clock, random, logger, signal, concurrency: 4, maxBackoffMs: 60_000, ...(observe && { observe }),
    watches: [
      watching(informers.pods, { keys: (pod) => (hasEphemeral(pod) ? [{ namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' }] : []) }),
      watching(informers.persistentVolumeClaims, {
        keys: ({ metadata }) => (metadata?.ownerReferences ?? []).filter(({ kind }) => kind === 'Pod').map(({ name = '' }) => ({ namespace: metadata?.namespace ?? '', name })),
        when: ({ type }) => type === 'DELETED',
      }),
    ],
    reconcile: async ({ namespace, name }, context) => {
      const pod = informers.pods.get(namespace, name);
      if (!pod || pod.metadata?.deletionTimestamp || isPodTerminal(pod)) return;
      for (const volume of pod.spec?.volumes ?? []) {
        const wanted = ephemeralClaim(pod, volume);
        if (wanted) await ensure(pod, wanted, dependencies, context);
      }
    },
  });
};
