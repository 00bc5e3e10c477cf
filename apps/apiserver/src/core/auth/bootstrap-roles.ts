import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

const label = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const aggregateTo = (role: string): string => `rbac.authorization.k8s.io/aggregate-to-${role}`;

const read = ['get', 'list', 'watch'];
const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const rule = (apiGroups: string[], resources: string[], verbs: string[]): PolicyRule => ({ apiGroups, resources, verbs });

/** Kinds that live in a namespace and hold no secrets and no rights, with the views of them. */
const workloads: readonly (readonly [group: string, resources: string[]])[] = [
  ['', ['configmaps', 'endpoints', 'persistentvolumeclaims', 'pods', 'replicationcontrollers', 'replicationcontrollers/scale', 'serviceaccounts', 'services']],
  ['apps', ['daemonsets', 'deployments', 'deployments/scale', 'replicasets', 'replicasets/scale', 'statefulsets', 'statefulsets/scale']],
  ['autoscaling', ['horizontalpodautoscalers']],
  ['batch', ['cronjobs', 'jobs']],
  ['networking.k8s.io', ['ingresses', 'networkpolicies']],
  ['policy', ['poddisruptionbudgets']],
];
const statuses = ['persistentvolumeclaims/status', 'pods/log', 'pods/status', 'replicationcontrollers/status', 'services/status'];

const viewRules: PolicyRule[] = [
  ...workloads.map(([group, resources]) => rule([group], resources, read)),
  rule([''], ['bindings', 'events', 'limitranges', 'namespaces', 'namespaces/status', 'resourcequotas', 'resourcequotas/status', ...statuses], read),
  rule(['apps'], ['controllerrevisions', 'daemonsets/status', 'deployments/status', 'replicasets/status', 'statefulsets/status'], read),
  rule(['autoscaling', 'batch', 'networking.k8s.io', 'policy'], ['cronjobs/status', 'horizontalpodautoscalers/status', 'ingresses/status', 'jobs/status', 'poddisruptionbudgets/status'], read),
  rule(['discovery.k8s.io'], ['endpointslices'], read),
];
const editRules: PolicyRule[] = [
  ...workloads.map(([group, resources]) => rule([group], resources, write)),
  rule([''], ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], read),
  rule([''], ['pods/attach', 'pods/exec', 'pods/portforward', 'pods/proxy', 'secrets', 'services/proxy'], write),
  rule([''], ['pods/eviction', 'serviceaccounts/token'], ['create']),
  rule([''], ['events'], write),
  rule([''], ['serviceaccounts'], ['impersonate']),
  rule(['apps'], ['deployments/rollback'], write),
  rule(['coordination.k8s.io'], ['leases'], [...read, ...write]),
];
const adminRules: PolicyRule[] = [
  rule(['authorization.k8s.io'], ['localsubjectaccessreviews'], ['create']),
  rule(['rbac.authorization.k8s.io'], ['rolebindings', 'roles'], [...read, ...write]),
];

const role = (name: string, rules: PolicyRule[], labels: Record<string, string> = {}): ClusterRole => ({ metadata: { name, labels: { ...label, ...labels } }, rules });

/** Gathers every role that says it belongs to this one; the rules it begins with are what it will gather. */
const aggregated = (name: string, from: readonly string[], rules: PolicyRule[], partOf?: string): ClusterRole => ({
  ...role(name, rules, partOf === undefined ? {} : { [aggregateTo(partOf)]: 'true' }),
  aggregationRule: { clusterRoleSelectors: from.map((each) => ({ matchLabels: { [aggregateTo(each)]: 'true' } })) },
});

/** The roles that every cluster has for people (Kubernetes' user-facing roles), and for whoever runs with a name. */
export const bootstrapClusterRoles: readonly ClusterRole[] = [
  role('cluster-admin', [rule(['*'], ['*'], ['*']), { nonResourceURLs: ['*'], verbs: ['*'] }]),
  role('system:aggregate-to-view', viewRules, { [aggregateTo('view')]: 'true' }),
  role('system:aggregate-to-edit', editRules, { [aggregateTo('edit')]: 'true' }),
  role('system:aggregate-to-admin', adminRules, { [aggregateTo('admin')]: 'true' }),
  role('system:aggregated-metrics-reader', [rule(['metrics.k8s.io'], ['nodes', 'pods'], read)], Object.fromEntries(['view', 'edit', 'admin'].map((name) => [aggregateTo(name), 'true']))),
  aggregated('view', ['view'], viewRules, 'edit'),
  aggregated('edit', ['edit'], [...editRules, ...viewRules], 'admin'),
  aggregated('admin', ['admin'], [...adminRules, ...editRules, ...viewRules]),
  role('system:basic-user', [rule(['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']), rule(['authentication.k8s.io'], ['selfsubjectreviews'], ['create'])]),
  role('system:auth-delegator', [rule(['authentication.k8s.io'], ['tokenreviews'], ['create']), rule(['authorization.k8s.io'], ['subjectaccessreviews'], ['create'])]),
];

const binding = (name: string, group: string): ClusterRoleBinding => ({
  metadata: { name, labels: label }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name }, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
});
export const bootstrapClusterRoleBindings: readonly ClusterRoleBinding[] = [binding('cluster-admin', 'system:masters'), binding('system:basic-user', 'system:authenticated')];
