import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { clusterBinding, clusterRole, group, paths, read, rule, write } from './policy';

const aggregateTo = (role: string): string => `rbac.authorization.k8s.io/aggregate-to-${role}`;

/** Kinds that live in a namespace and hold no secrets and no rights, with the views of them. */
const workloads: readonly (readonly [apiGroup: string, resources: string[]])[] = [
  ['', ['configmaps', 'endpoints', 'persistentvolumeclaims', 'pods', 'replicationcontrollers', 'replicationcontrollers/scale', 'serviceaccounts', 'services']],
  ['apps', ['daemonsets', 'deployments', 'deployments/scale', 'replicasets', 'replicasets/scale', 'statefulsets', 'statefulsets/scale']],
  ['autoscaling', ['horizontalpodautoscalers']],
  ['batch', ['cronjobs', 'jobs']],
  ['networking.k8s.io', ['ingresses', 'networkpolicies']],
  ['policy', ['poddisruptionbudgets']],
];
const statuses = ['persistentvolumeclaims/status', 'pods/log', 'pods/status', 'replicationcontrollers/status', 'services/status'];

const viewRules: PolicyRule[] = [
  ...workloads.map(([apiGroup, resources]) => rule([apiGroup], resources, read)),
  rule([''], ['bindings', 'events', 'limitranges', 'namespaces', 'namespaces/status', 'resourcequotas', 'resourcequotas/status', ...statuses], read),
  rule(['apps'], ['controllerrevisions', 'daemonsets/status', 'deployments/status', 'replicasets/status', 'statefulsets/status'], read),
  rule(['autoscaling', 'batch', 'networking.k8s.io', 'policy'], ['cronjobs/status', 'horizontalpodautoscalers/status', 'ingresses/status', 'jobs/status', 'poddisruptionbudgets/status'], read),
  rule(['discovery.k8s.io'], ['endpointslices'], read),
];
const editRules: PolicyRule[] = [
  ...workloads.map(([apiGroup, resources]) => rule([apiGroup], resources, write)),
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

/** Gathers every role that says it belongs to this one; the rules it begins with are what it will gather. */
const aggregated = (name: string, from: readonly string[], rules: PolicyRule[], partOf?: string): ClusterRole => ({
  ...clusterRole(name, rules, partOf === undefined ? {} : { [aggregateTo(partOf)]: 'true' }),
  aggregationRule: { clusterRoleSelectors: from.map((each) => ({ matchLabels: { [aggregateTo(each)]: 'true' } })) },
});

const health = ['/healthz', '/livez', '/readyz'];
const version = ['/version', '/version/'];
const discovery = ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*'];
const issuer = ['/.well-known/openid-configuration', '/.well-known/openid-configuration/', '/openid/v1/jwks', '/openid/v1/jwks/'];

/** The roles that every cluster has for people and for whoever runs with a name (Kubernetes' user-facing and discovery roles). */
export const peoplesRoles: readonly ClusterRole[] = [
  clusterRole('cluster-admin', [rule(['*'], ['*'], ['*']), paths(['*'], ['*'])]),
  clusterRole('system:aggregate-to-view', viewRules, { [aggregateTo('view')]: 'true' }),
  clusterRole('system:aggregate-to-edit', editRules, { [aggregateTo('edit')]: 'true' }),
  clusterRole('system:aggregate-to-admin', adminRules, { [aggregateTo('admin')]: 'true' }),
  clusterRole('system:aggregated-metrics-reader', [rule(['metrics.k8s.io'], ['nodes', 'pods'], read)], Object.fromEntries(['view', 'edit', 'admin'].map((name) => [aggregateTo(name), 'true']))),
  aggregated('view', ['view'], viewRules, 'edit'),
  aggregated('edit', ['edit'], [...editRules, ...viewRules], 'admin'),
  aggregated('admin', ['admin'], [...adminRules, ...editRules, ...viewRules]),
  clusterRole('system:discovery', [paths([...discovery, ...health, ...version])]),
  clusterRole('system:public-info-viewer', [paths([...health, ...version])]),
  clusterRole('system:basic-user', [rule(['authorization.k8s.io'], ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'], ['create']), rule(['authentication.k8s.io'], ['selfsubjectreviews'], ['create'])]),
  clusterRole('system:service-account-issuer-discovery', [paths(issuer)]),
  clusterRole('system:auth-delegator', [rule(['authentication.k8s.io'], ['tokenreviews'], ['create']), rule(['authorization.k8s.io'], ['subjectaccessreviews'], ['create'])]),
  clusterRole('system:monitoring', [paths([...health, ...health.map((path) => `${path}/*`), '/metrics', '/metrics/slis'])]),
];

export const peoplesBindings: readonly ClusterRoleBinding[] = [
  clusterBinding('cluster-admin', [group('system:masters')]),
  clusterBinding('system:discovery', [group('system:authenticated')]),
  clusterBinding('system:basic-user', [group('system:authenticated')]),
  clusterBinding('system:public-info-viewer', [group('system:authenticated'), group('system:unauthenticated')]),
  clusterBinding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
  clusterBinding('system:monitoring', [group('system:monitoring')]),
];
