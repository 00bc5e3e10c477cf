import { volumeNodeLabel } from '@navarch/api';
import type { PersistentVolume, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { VolumeAttachment } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import type { NodePods } from '../auth/node-authorizer';
import type { Kinds } from '../kinds';

/** Pods by name and by node, from the watch cache. */
export function podsOf(kinds: Kinds): NodePods {
  const cache = () => kinds.get('', 'pods').cache;
  return {
    pod: (namespace, name) => cache().get(namespace, name)?.object as Pod | undefined,
    volume(name) {
      const volume = kinds.get('', 'persistentvolumes').cache.get('', name)?.object as PersistentVolume | undefined;
      return volume && { claim: volume.spec?.claimRef, node: volume.metadata?.labels?.[volumeNodeLabel] };
    },
    nodeOfAttachment: (name) => (kinds.get('storage.k8s.io', 'volumeattachments').cache.get('', name)?.object as VolumeAttachment | undefined)?.spec?.nodeName,
    onNode: (node) => (cache().byField('spec.nodeName', node) ?? []).map(({ object }) => object as Pod),
  };
}
