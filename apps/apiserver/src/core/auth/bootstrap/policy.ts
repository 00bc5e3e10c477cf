import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

/** How the roles that every cluster has are written down. */
const apiGroup = 'rbac.authorization.k8s.io';
const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
/** Whoever sets this to "false" keeps the object as it is; else each start adds what is missing. */
export const autoupdateAnnotation = 'rbac.authorization.kubernetes.io/autoupdate';
const annotations = { [autoupdateAnnotation]: 'true' };

export const read = ['get', 'list', 'watch'];
export const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];

export const rule = (apiGroups: string[], resources: string[], verbs: string[], resourceNames?: string[]): PolicyRule =>
  ({ apiGroups, resources, verbs, ...(resourceNames && { resourceNames }) });
export const paths = (nonResourceURLs: string[], verbs = ['get']): PolicyRule => ({ nonResourceURLs, verbs });
export const writeEvents = rule(['', 'events.k8s.io'], ['events'], ['create', 'patch', 'update']);

/** To be elected by a Lease of this name. Creating cannot be confined to a name. */
export const elect = (name: string): PolicyRule[] => [
  rule(['coordination.k8s.io'], ['leases'], ['create']),
  rule(['coordination.k8s.io'], ['leases'], [...read, 'patch', 'update'], [name]),
];

export const clusterRole = (name: string, rules: PolicyRule[], more: Readonly<Record<string, string>> = {}): ClusterRole =>
  ({ metadata: { name, labels: { ...labels, ...more }, annotations }, rules });
export const namespacedRole = (namespace: string, name: string, rules: PolicyRule[]): Role => ({ metadata: { namespace, name, labels, annotations }, rules });

export const user = (name: string): Subject => ({ apiGroup, kind: 'User', name });
export const group = (name: string): Subject => ({ apiGroup, kind: 'Group', name });
export const account = (name: string, namespace = 'kube-system'): Subject => ({ kind: 'ServiceAccount', namespace, name });

/** Named as the role is. */
export const clusterBinding = (name: string, subjects: Subject[], role = name): ClusterRoleBinding =>
  ({ metadata: { name, labels, annotations }, roleRef: { apiGroup, kind: 'ClusterRole', name: role }, subjects });
export const namespacedBinding = (namespace: string, name: string, subjects: Subject[]): RoleBinding =>
  ({ metadata: { namespace, name, labels, annotations }, roleRef: { apiGroup, kind: 'Role', name }, subjects });
