import { localPathFinalizer, localPathProvisioner, localPathRootAnnotation, provisionedByAnnotation, volumeNodeLabel } from '@navarch/api';
import type { Node, PersistentVolume, PersistentVolumeClaim } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { StorageClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { boundByControllerAnnotation, volumeProtection } from '../claims';

const hostnameLabel = 'kubernetes.io/hostname';

/** Why no directory can serve the claim; undefined where one can. */
export function provisioningProblem({ spec = {} }: PersistentVolumeClaim, node: Node | undefined, nodeName: string | undefined): string | undefined {
  if (spec.volumeMode === 'Block') return `${localPathProvisioner} makes no block volumes`;
  const wide = spec.accessModes?.find((mode) => mode !== 'ReadWriteOnce' && mode !== 'ReadWriteOncePod');
  if (wide) return `${localPathProvisioner} supports only ReadWriteOnce and ReadWriteOncePod, not ${wide}`;
  if (spec.selector) return `${localPathProvisioner} does not support claims with a selector`;
  if (spec.dataSource ?? spec.dataSourceRef) return `${localPathProvisioner} cannot fill volumes from a data source`;
  if (!node) return nodeName ? `node "${nodeName}" not found` : 'no node is ready';
  return node.metadata?.annotations?.[localPathRootAnnotation] ? undefined : `node "${node.metadata?.name ?? ''}" keeps no local volumes (annotation ${localPathRootAnnotation})`;
}

/** A directory on the node, reserved for the claim. Its name comes from the claim's uid, so that no claim gets two. */
export function localVolume(claim: PersistentVolumeClaim, storageClass: StorageClass, node: Node): PersistentVolume {
  const { namespace = '', name = '', uid = '', resourceVersion } = claim.metadata ?? {};
  const volume = `pvc-${uid}`;
  const nodeName = node.metadata?.name ?? '';
  const hostname = node.metadata?.labels?.[hostnameLabel];
  const here = hostname
    ? { matchExpressions: [{ key: hostnameLabel, operator: 'In', values: [hostname] }] }
    : { matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] };
  const storage = claim.spec?.resources?.requests?.['storage'];
  return {
    metadata: {
      name: volume, labels: { [volumeNodeLabel]: nodeName }, finalizers: [volumeProtection, localPathFinalizer],
      annotations: { [provisionedByAnnotation]: localPathProvisioner, [boundByControllerAnnotation]: 'yes' },
    },
    spec: {
      ...(storage && { capacity: { storage } }), accessModes: [...(claim.spec?.accessModes ?? [])], volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete', storageClassName: storageClass.metadata?.name,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid, resourceVersion },
      nodeAffinity: { required: { nodeSelectorTerms: [here] } },
      persistentVolumeSource: { local: { path: `${node.metadata?.annotations?.[localPathRootAnnotation] ?? ''}/${volume}` } },
    },
  };
}
