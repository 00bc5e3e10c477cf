import type {
  MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutatingWebhookConfiguration, ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
} from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';
import type { CertificateSigningRequest } from '@navarch/proto/k8s/io/api/certificates/v1/certificates';
import type { FlowSchema, PriorityLevelConfiguration } from '@navarch/proto/k8s/io/api/flowcontrol/v1/flowcontrol';
import type { IngressClass, IPAddress, Ingress, NetworkPolicy, ServiceCIDR } from '@navarch/proto/k8s/io/api/networking/v1/networking';
import type { RuntimeClass } from '@navarch/proto/k8s/io/api/node/v1/node';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';
import type { DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from '@navarch/proto/k8s/io/api/resource/v1/resource';
import type { PriorityClass } from '@navarch/proto/k8s/io/api/scheduling/v1/scheduling';
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment, VolumeAttributesClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';
import type { CustomResourceDefinition } from '@navarch/proto/k8s/io/apiextensions_apiserver/pkg/apis/apiextensions/v1/apiextensions';
import type { APIService } from '@navarch/proto/k8s/io/kube_aggregator/pkg/apis/apiregistration/v1/apiregistration';

import type { ApiObject } from '../resource';

/** For CN=x, with a P-256 key that was thrown away. */
export const certificateRequestPem = Buffer.from([
  '-----BEGIN CERTIFICATE REQUEST-----',
  'MIHFMG4CAQAwDDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA',
  'BM+FfHVSevNcFsT/TCm45S7eNtY7qbk4JxBFO/HJcge93XD2rsj+/bnWY3rtKO7v',
  'CqTjqH4BGw3UiQOCXG+2sWmgADAKBggqhkjOPQQDAgNHADBEAiB0walrDA8k+fwz',
  'xnhPQW2tlbo2RAcqvToFj4n1AlzVgQIgF/Dc1UwH5Sl2CDNsg8Vz0fr8d5Y2x9xh',
  'lF/BMHKPyJU=',
  '-----END CERTIFICATE REQUEST-----',
].join('\n'));

const matchConstraints = { resourceRules: [{ ruleWithOperations: { operations: ['CREATE'], rule: { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] } } }] };

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
  validatingwebhookconfigurations: { metadata: { name: 'guard' } } satisfies ValidatingWebhookConfiguration,
  mutatingwebhookconfigurations: { metadata: { name: 'filler' } } satisfies MutatingWebhookConfiguration,
  validatingadmissionpolicies: { metadata: { name: 'small' }, spec: { matchConstraints, validations: [{ Expression: 'true' }] } } satisfies ValidatingAdmissionPolicy as ApiObject,
  validatingadmissionpolicybindings: { metadata: { name: 'small' }, spec: { policyName: 'small', validationActions: ['Deny'] } } satisfies ValidatingAdmissionPolicyBinding as ApiObject,
  mutatingadmissionpolicies: {
    metadata: { name: 'label' }, spec: { matchConstraints, reinvocationPolicy: 'Never', mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }] },
  } satisfies MutatingAdmissionPolicy as ApiObject,
  mutatingadmissionpolicybindings: { metadata: { name: 'label' }, spec: { policyName: 'label' } } satisfies MutatingAdmissionPolicyBinding as ApiObject,
  certificatesigningrequests: {
    metadata: { name: 'x' }, spec: { request: certificateRequestPem, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
  } satisfies CertificateSigningRequest as ApiObject,
  flowschemas: { metadata: { name: 'robots' }, spec: { priorityLevelConfiguration: { name: 'low' } } } satisfies FlowSchema as ApiObject,
  prioritylevelconfigurations: { metadata: { name: 'low' }, spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } } satisfies PriorityLevelConfiguration as ApiObject,
  deviceclasses: { metadata: { name: 'gpu' } } satisfies DeviceClass,
  resourceclaims: { metadata: { name: 'one-gpu', namespace: 'team' }, spec: { devices: { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] } } } satisfies ResourceClaim as ApiObject,
  resourceclaimtemplates: { metadata: { name: 'one-gpu', namespace: 'team' } } satisfies ResourceClaimTemplate,
  resourceslices: { metadata: { name: 'node-1-gpus' }, spec: { driver: 'gpu.example.com', pool: { name: 'node-1', resourceSliceCount: 1 }, nodeName: 'node-1' } } satisfies ResourceSlice as ApiObject,
  customresourcedefinitions: {
    metadata: { name: 'ships.example.com' },
    spec: {
      group: 'example.com', scope: 'Namespaced', names: { plural: 'ships', kind: 'Ship' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  } satisfies CustomResourceDefinition as ApiObject,
  apiservices: { metadata: { name: 'v1.example.com' }, spec: { group: 'example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 15 } } satisfies APIService as ApiObject,
};
