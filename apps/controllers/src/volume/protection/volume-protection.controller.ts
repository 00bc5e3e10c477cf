/**
 * Lets claims and volumes go that are deleted, once nobody uses them (Kubernetes' pvc-protection and pv-protection). That a claim has no
 * pods left must be certain, so the last word is a current read.
 */
import { isPodTerminal, localPathFinalizer, persistentVolumeClaims, persistentVolumes, podClaims, pods, volumeNodeLabel } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import { cacheOnly, startController, watching, type Request } from '@navarch/client';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { claimProtection, isFor, volumeProtection } from '../claims';

class VolumeProtection {
  constructor(private readonly dependencies: ControllerDependencies) {}

  async claim({ namespace, name }: Request): Promise<void> {
    const { client, informers } = this.dependencies;
    const claim = informers.persistentVolumeClaims.get(namespace, name);
    const { finalizers = [], deletionTimestamp, uid, resourceVersion } = claim?.metadata ?? {};
    if (!deletionTimestamp || !finalizers.includes(claimProtection)) return;
    const uses = (pod: Pod): boolean => !isPodTerminal(pod) && podClaims(pod).includes(name) && pod.spec?.nodeName !== undefined;
    if (informers.pods.list(namespace).some(uses)) return;
    if ((await client.resource(pods).list({ namespace })).items.some(uses)) return;
    await orGone(client.resource(persistentVolumeClaims).patch(namespace, name, 'application/merge-patch+json', { metadata: { uid: uid ?? '', resourceVersion: resourceVersion ?? '', finalizers: without(finalizers, claimProtection) } }));
  }

  async volume(name: string): Promise<void> {
    const { client, informers } = this.dependencies;
    const volume = informers.persistentVolumes.get('', name);
    const { finalizers = [], deletionTimestamp, uid, resourceVersion, labels } = volume?.metadata ?? {};
    if (!volume || !deletionTimestamp) return;
    const claim = volume.spec?.claimRef && informers.persistentVolumeClaims.get(volume.spec.claimRef.namespace ?? '', volume.spec.claimRef.name ?? '');
    const bound = volume.status?.phase === 'Bound' && claim !== undefined && isFor(volume, claim);
    const node = labels?.[volumeNodeLabel];
    // A node that is gone took the directory along: nobody else would let the volume go.
    const abandoned = node !== undefined && finalizers.includes(localPathFinalizer) && !(await this.hasNode(node));
    const dropped = [...(bound ? [] : [volumeProtection]), ...(abandoned ? [localPathFinalizer] : [])];
    const left = finalizers.filter((finalizer) => !dropped.includes(finalizer));
    if (left.length === finalizers.length) return;
    await orGone(client.resource(persistentVolumes).patch('', name, 'application/merge-patch+json', { metadata: { uid: uid ?? '', resourceVersion: resourceVersion ?? '', finalizers: left.length > 0 ? left : null } }));
  }

  private async hasNode(name: string): Promise<boolean> {
    const { client, informers } = this.dependencies;
    if (informers.nodes.get('', name)) return true;
    return client.resource(informers.nodes.resource).get('', name).then(() => true, (thrown: unknown) => {
      if (isNotFound(thrown)) return false;
      throw thrown;
    });
  }
}

function without(finalizers: readonly string[], gone: string): string[] | null {
  const left = finalizers.filter((finalizer) => finalizer !== gone);
  return left.length > 0 ? left : null;
}

async function orGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown;
  }
}

export const startVolumeProtection: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const protection = new VolumeProtection(dependencies);
  return startController({
    name: 'volume/protection', clock, random, logger, signal, concurrency: 2, ...(observe && { observe }),
    watches: [
      watching(informers.persistentVolumeClaims, {
        keys: ({ metadata, spec }) => [{ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }, ...(spec?.volumeName ? [{ namespace: '', name: spec.volumeName }] : [])],
        when: ({ object }) => object.metadata?.deletionTimestamp !== undefined,
      }),
      watching(informers.persistentVolumes, { keys: ({ metadata }) => [{ namespace: '', name: metadata?.name ?? '' }], when: ({ object }) => object.metadata?.deletionTimestamp !== undefined }),
      watching(informers.pods, {
        keys: (pod) => podClaims(pod).map((name) => ({ namespace: pod.metadata?.namespace ?? '', name })),
        when: ({ type, object }) => type === 'DELETED' || isPodTerminal(object),
      }),
      watching(informers.nodes, {
        keys: ({ metadata }) => informers.persistentVolumes.list().filter(({ metadata: volume }) => volume?.deletionTimestamp && volume.labels?.[volumeNodeLabel] === metadata?.name).map((volume) => ({ namespace: '', name: volume.metadata?.name ?? '' })),
        when: ({ type }) => type === 'DELETED',
      }),
      cacheOnly(informers.nodes),
    ],
    reconcile: ({ namespace, name }) => (namespace === '' ? protection.volume(name) : protection.claim({ namespace, name })),
  });
};
