import type { ObjectReference, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

export function podReference({ metadata }: Pod): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata ?? {};
  return {
    kind: 'Pod', apiVersion: 'v1',
    ...(namespace !== undefined && { namespace }), ...(name !== undefined && { name }), ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }),
  };
}
