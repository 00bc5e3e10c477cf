import type { Node, ObjectReference } from '@navarch/proto/k8s/io/api/core/v1/core';

/** What events on a node are about. */
export function nodeReference({ metadata }: Node): ObjectReference {
  return { kind: 'Node', apiVersion: 'v1', name: metadata?.name ?? '', ...(metadata?.uid !== undefined && { uid: metadata.uid }) };
}
