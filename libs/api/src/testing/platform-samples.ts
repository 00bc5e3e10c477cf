import type { IngressClass, IPAddress, Ingress, NetworkPolicy, ServiceCIDR } from '@navarch/proto/k8s/io/api/networking/v1/networking';
import type { RuntimeClass } from '@navarch/proto/k8s/io/api/node/v1/node';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';
import type { PriorityClass } from '@navarch/proto/k8s/io/api/scheduling/v1/scheduling';
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment, VolumeAttributesClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import type { ApiObject } from '../resource';

/** The minimal objects of what a cluster is made of: networks, roles, storage, classes, policies, extensions. */
export const platformObjects: Readonly<Record<string, ApiObject>> = {
  ingresses: { metadata: { name: 'web', namespace: 'team' }, spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } } } satisfies Ingress as ApiObject,
  ingressclasses: { metadata: { name: 'edge' }, spec: { controller: 'example.com/edge' } } satisfies IngressClass as ApiObject,
  networkpolicies: { metadata: { name: 'deny', namespace: 'team' } } satisfies NetworkPolicy,
  ipaddresses: { metadata: { name: '10.96.0.10' }, spec: { parentRef: { resource: 'services', namespace: 'team', name: 'web' } } } satisfies IPAddress as ApiObject,
  servicecidrs: { metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/16'] } } satisfies ServiceCIDR as ApiObject,
  roles: { metadata: { name: 'reader', namespace: 'team' } } satisfies Role,
  clusterroles: { metadata: { name: 'system:reader' } } satisfies ClusterRole,
  rolebindings: { metadata: { name: 'readers', namespace: 'team' }, roleRef: { kind: 'Role', name: 'reader' } } satisfies RoleBinding as ApiObject,
  clusterrolebindings: { metadata: { name: 'readers' }, roleRef: { kind: 'ClusterRole', name: 'system:reader' } } satisfies ClusterRoleBinding as ApiObject,
  storageclasses: { metadata: { name: 'fast' }, provisioner: 'example.com/disk' } satisfies StorageClass as ApiObject,
  csidrivers: { metadata: { name: 'disk.example.com' } } satisfies CSIDriver,
  csinodes: { metadata: { name: 'node-1' } } satisfies CSINode,
  csistoragecapacities: { metadata: { name: 'fast-1', namespace: 'team' }, storageClassName: 'fast' } satisfies CSIStorageCapacity as ApiObject,
  volumeattachments: { metadata: { name: 'a-1' }, spec: { attacher: 'disk.example.com', nodeName: 'node-1', source: { persistentVolumeName: 'volume-1' } } } satisfies VolumeAttachment as ApiObject,
  volumeattributesclasses: { metadata: { name: 'gold' }, driverName: 'disk.example.com', parameters: { iops: '900' } } satisfies VolumeAttributesClass as ApiObject,
  priorityclasses: { metadata: { name: 'urgent' }, value: 1000 } satisfies PriorityClass as ApiObject,
  runtimeclasses: { metadata: { name: 'sandboxed' }, handler: 'kata' } satisfies RuntimeClass as ApiObject,
};
