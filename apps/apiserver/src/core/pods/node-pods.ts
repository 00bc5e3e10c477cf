import { volumeNodeLabel } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { NodePods } from '../auth/node-authorizer';
import type { Kinds } from '../kinds';

/** Pods by name and by node, from the watch cache. */
export function podsOf(kinds: Kinds): NodePods {
  const cache = () => kinds.get('', 'pods').cache;
  return {
    pod: (namespace, name) => cache().get(namespace, name)?.object as Pod | undefined,
    nodeOfVolume: (name) => kinds.get('', 'persistentvolumes').cache.get('', name)?.metadata.labels?.[volumeNodeLabel],
    onNode: (node) => (cache().byField('spec.nodeName', node) ?? []).map(({ object }) => object as Pod),
  };
}
