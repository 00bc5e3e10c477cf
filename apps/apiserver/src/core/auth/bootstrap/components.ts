import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { account, clusterBinding, clusterRole, elect, group, namespacedBinding, namespacedRole, read, rule, user, writeEvents } from './policy';

/** The parts of a cluster that come from outside its API, as Kubernetes calls them; each with what Navarch's own part needs, and not more. */
const askReviews = [rule(['authentication.k8s.io'], ['tokenreviews'], ['create']), rule(['authorization.k8s.io'], ['subjectaccessreviews'], ['create'])];
const csr = 'certificates.k8s.io';

/** What every kubelet may do whatever runs on its node; the rest is the node authorizer's. Bound to nobody, as in Kubernetes. */
export const nodeRules = [
  ...askReviews,
  rule(['authorization.k8s.io'], ['localsubjectaccessreviews'], ['create']),
  rule([''], ['services'], read),
  writeEvents,
  rule([csr], ['certificatesigningrequests'], ['create', ...read]),
  rule(['node.k8s.io'], ['runtimeclasses'], read),
  rule(['storage.k8s.io'], ['csidrivers'], read),
  rule([csr], ['clustertrustbundles'], read),
];

const signerApproval = (name: string, subresource: string): ClusterRole =>
  clusterRole(`system:certificates.k8s.io:certificatesigningrequests:${name}`, [rule([csr], [`certificatesigningrequests/${subresource}`], ['create'])]);
const approver = (name: string, signer: string): ClusterRole => clusterRole(`system:certificates.k8s.io:${name}-approver`, [rule([csr], ['signers'], ['approve'], [signer])]);

export const componentRoles: readonly ClusterRole[] = [
  clusterRole('system:node', [
    ...nodeRules,
    rule([''], ['nodes'], ['create', ...read, 'patch', 'update']), rule([''], ['nodes/status'], ['patch', 'update']),
    rule([''], ['pods'], ['create', 'delete', ...read]), rule([''], ['pods/status'], ['patch', 'update']), rule([''], ['pods/eviction'], ['create']),
    rule([''], ['configmaps', 'secrets'], read), rule([''], ['persistentvolumeclaims', 'persistentvolumes'], ['get']),
    rule([''], ['serviceaccounts/token'], ['create']), rule(['storage.k8s.io'], ['volumeattachments'], ['get']),
    rule(['coordination.k8s.io'], ['leases'], ['create', 'delete', 'get', 'patch', 'update']),
    rule(['storage.k8s.io'], ['csinodes'], ['create', 'delete', 'get', 'patch', 'update']),
    rule(['resource.k8s.io'], ['resourceclaims'], ['get']), rule(['resource.k8s.io'], ['resourceslices'], ['deletecollection']),
  ]),
  clusterRole('system:node-bootstrapper', [rule([csr], ['certificatesigningrequests'], ['create', ...read])]),
  clusterRole('system:kubelet-api-admin', [rule([''], ['nodes'], read), rule([''], ['nodes'], ['proxy']), rule([''], ['nodes/log', 'nodes/metrics', 'nodes/proxy', 'nodes/stats'], ['*'])]),
  clusterRole('system:node-problem-detector', [rule([''], ['nodes'], ['get']), rule([''], ['nodes/status'], ['patch']), writeEvents]),
  clusterRole('system:kube-scheduler', [
    writeEvents, ...elect('kube-scheduler'), ...askReviews,
    rule([''], ['namespaces', 'nodes', 'replicationcontrollers', 'services'], read),
    rule(['apps'], ['replicasets', 'statefulsets'], read), rule(['policy'], ['poddisruptionbudgets'], read),
    rule([''], ['pods'], ['delete', ...read]), rule([''], ['bindings', 'pods/binding'], ['create']), rule([''], ['pods/status'], ['patch', 'update']),
    rule([''], ['persistentvolumeclaims', 'persistentvolumes'], read),
    rule(['storage.k8s.io'], ['csidrivers', 'csinodes', 'csistoragecapacities', 'storageclasses', 'volumeattachments'], read),
    rule(['scheduling.k8s.io'], ['priorityclasses'], read),
    rule(['resource.k8s.io'], ['deviceclasses', 'resourceclaims', 'resourceslices'], read), rule(['resource.k8s.io'], ['resourceclaims/status'], ['patch', 'update']),
  ]),
  clusterRole('system:volume-scheduler', [
    rule([''], ['persistentvolumes', 'persistentvolumeclaims'], [...read, 'patch', 'update']), rule(['storage.k8s.io'], ['storageclasses'], read),
  ]),
  clusterRole('system:kube-controller-manager', [
    writeEvents, ...elect('kube-controller-manager'), ...askReviews,
    rule(['*'], ['*'], ['list', 'watch']),
    rule([''], ['configmaps', 'namespaces', 'secrets', 'serviceaccounts'], ['get']), rule([''], ['secrets', 'serviceaccounts'], ['create', 'update']), rule([''], ['secrets'], ['delete']),
    rule([''], ['serviceaccounts/token'], ['create']),
  ]),
  // The proxy guards pods by network policies too, which Kubernetes leaves to others.
  clusterRole('system:node-proxier', [
    rule([''], ['endpoints', 'services'], ['list', 'watch']), rule([''], ['nodes'], read), writeEvents,
    rule(['discovery.k8s.io'], ['endpointslices'], ['list', 'watch']), rule(['networking.k8s.io'], ['networkpolicies', 'servicecidrs'], ['list', 'watch']),
    rule([''], ['namespaces', 'pods'], ['list', 'watch']),
  ]),
  clusterRole('system:kube-dns', [
    rule([''], ['endpoints', 'namespaces', 'services'], ['list', 'watch']), rule([''], ['nodes'], ['get']), rule(['discovery.k8s.io'], ['endpointslices'], ['list', 'watch']),
  ]),
  clusterRole('system:persistent-volume-provisioner', [
    rule([''], ['persistentvolumes'], ['create', 'delete', ...read]), rule([''], ['persistentvolumeclaims'], [...read, 'update']), rule(['storage.k8s.io'], ['storageclasses'], read), writeEvents,
  ]),
  signerApproval('nodeclient', 'nodeclient'), signerApproval('selfnodeclient', 'selfnodeclient'),
  approver('kube-apiserver-client', 'kubernetes.io/kube-apiserver-client'), approver('kube-apiserver-client-kubelet', 'kubernetes.io/kube-apiserver-client-kubelet'),
  approver('kubelet-serving', 'kubernetes.io/kubelet-serving'), approver('legacy-unknown', 'kubernetes.io/legacy-unknown'),
];

const scheduler = user('system:kube-scheduler');
const dns = [account('kube-dns'), user('system:dns')];

export const componentBindings: readonly ClusterRoleBinding[] = [
  clusterBinding('system:node', []),
  clusterBinding('system:kube-scheduler', [scheduler]),
  clusterBinding('system:volume-scheduler', [scheduler]),
  clusterBinding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
  clusterBinding('system:node-proxier', [user('system:kube-proxy'), group('system:node-proxier')]),
  clusterBinding('system:kube-dns', dns),
];

/** Each DNS server makes itself an endpoint of kube-system/kube-dns, and shows by a lease that it lives. */
const dnsServer = 'navarch:dns-server';
export const componentNamespacedRoles: readonly Role[] = [
  namespacedRole('kube-system', dnsServer, [
    rule([''], ['services'], ['create', 'get']),
    rule(['discovery.k8s.io'], ['endpointslices'], ['create', 'delete', ...read, 'update']), rule(['coordination.k8s.io'], ['leases'], ['create', 'delete', ...read, 'update']),
  ]),
];
export const componentNamespacedBindings: readonly RoleBinding[] = [
  namespacedBinding('kube-system', dnsServer, dns),
];
