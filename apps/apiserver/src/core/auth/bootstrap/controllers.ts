import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { account, clusterBinding, clusterRole, read, rule, user, writeEvents } from './policy';

/**
 * What each controller may do, under Kubernetes' names (`system:controller:<name>`). All of them run in one process as one user, so that
 * user holds them all; each is also its service account's in kube-system, for whoever runs a controller on its own.
 */
const core = (resources: string[], verbs: string[]): PolicyRule => rule([''], resources, verbs);
const makePods = core(['pods'], ['create', 'delete', ...read, 'patch', 'update']);
const change = ['patch', 'update'];
const makeRevisions = rule(['apps'], ['controllerrevisions'], ['create', 'delete', ...read, ...change]);
const own = (apiGroup: string, plural: string): PolicyRule[] => [
  rule([apiGroup], [plural], [...read, ...change]), rule([apiGroup], [`${plural}/finalizers`], ['update']), rule([apiGroup], [`${plural}/status`], ['get', ...change]),
];
const scales = rule(['*'], ['*/scale'], ['get', 'update']);
const slices = rule(['discovery.k8s.io'], ['endpointslices'], ['create', 'delete', ...read, 'update']);

const controllerRules: Readonly<Record<string, readonly PolicyRule[]>> = {
  'clusterrole-aggregation-controller': [rule(['rbac.authorization.k8s.io'], ['clusterroles'], ['escalate', ...read, ...change])],
  'cronjob-controller': [...own('batch', 'cronjobs'), rule(['batch'], ['jobs'], ['create', 'delete', ...read, ...change])],
  'daemon-set-controller': [...own('apps', 'daemonsets'), core(['nodes'], read), makePods, core(['pods/binding'], ['create']), makeRevisions],
  'deployment-controller': [...own('apps', 'deployments'), rule(['apps'], ['replicasets'], ['create', 'delete', ...read, ...change]), core(['pods'], [...read, 'update'])],
  'disruption-controller': [
    ...own('policy', 'poddisruptionbudgets'), rule(['apps'], ['deployments', 'replicasets', 'statefulsets'], read), core(['replicationcontrollers'], read),
    core(['pods'], read), core(['pods/status'], change), rule(['*'], ['*/scale'], ['get']),
  ],
  // Navarch's own: takes endpoints away whose DNS server has stopped renewing its lease.
  'dns-liveness-controller': [slices, rule(['coordination.k8s.io'], ['leases'], ['delete', ...read])],
  'endpoint-controller': [core(['pods', 'services'], read), core(['endpoints'], ['create', 'delete', ...read, 'update']), core(['endpoints/restricted'], ['create'])],
  'endpointslice-controller': [core(['nodes', 'pods', 'services'], read), core(['services/finalizers'], ['update']), slices, rule(['discovery.k8s.io'], ['endpointslices/restricted'], ['create'])],
  'endpointslicemirroring-controller': [core(['endpoints', 'services'], read), core(['endpoints/finalizers', 'services/finalizers'], ['update']), slices],
  'ephemeral-volume-controller': [core(['pods'], read), core(['pods/finalizers'], ['update']), core(['persistentvolumeclaims'], ['create', ...read])],
  'generic-garbage-collector': [rule(['*'], ['*'], ['delete', ...read, ...change])],
  'horizontal-pod-autoscaler': [
    ...own('autoscaling', 'horizontalpodautoscalers'), scales, core(['pods'], ['list']),
    rule(['metrics.k8s.io'], ['pods'], ['list']), rule(['custom.metrics.k8s.io'], ['*'], ['get', 'list']), rule(['external.metrics.k8s.io'], ['*'], ['get', 'list']),
  ],
  'job-controller': [...own('batch', 'jobs'), makePods],
  'namespace-controller': [core(['namespaces'], ['delete', ...read]), core(['namespaces/finalize', 'namespaces/status'], ['update']), rule(['*'], ['*'], ['delete', 'deletecollection', 'get', 'list'])],
  'node-controller': [
    core(['nodes'], ['delete', ...read, ...change]), core(['nodes/status'], change), core(['pods'], ['delete', ...read]), core(['pods/status'], change),
    rule(['coordination.k8s.io'], ['leases'], read), core(['configmaps'], ['create', ...read, ...change]),
  ],
  'persistent-volume-binder': [
    core(['persistentvolumes'], ['create', 'delete', ...read, ...change]), core(['persistentvolumes/status', 'persistentvolumeclaims/status'], change),
    core(['persistentvolumeclaims'], [...read, ...change]), rule(['storage.k8s.io'], ['storageclasses'], read), core(['nodes'], read), core(['pods'], ['create', 'delete', 'get', 'list']),
  ],
  'pod-garbage-collector': [core(['pods'], ['delete', ...read]), core(['nodes'], read), core(['pods/status'], change)],
  'pv-protection-controller': [core(['persistentvolumes'], [...read, ...change])],
  'pvc-protection-controller': [core(['persistentvolumeclaims'], [...read, ...change]), core(['pods'], read)],
  'replicaset-controller': [...own('apps', 'replicasets'), makePods],
  'replication-controller': [...own('', 'replicationcontrollers'), makePods],
  'resourcequota-controller': [rule(['*'], ['*'], ['list', 'watch']), core(['resourcequotas/status'], change)],
  'root-ca-cert-publisher': [core(['configmaps'], ['create', 'update'])],
  'service-account-controller': [core(['serviceaccounts'], ['create'])],
  'service-cidrs-controller': [
    rule(['networking.k8s.io'], ['servicecidrs'], [...read, ...change]), rule(['networking.k8s.io'], ['servicecidrs/finalizers', 'servicecidrs/status'], change), rule(['networking.k8s.io'], ['ipaddresses'], read),
  ],
  'statefulset-controller': [...own('apps', 'statefulsets'), makePods, makeRevisions, core(['persistentvolumeclaims'], ['create', 'delete', ...read, ...change])],
  // Tokens that lie in Secrets; in Kubernetes this one runs with the cluster's own credentials.
  'tokens-controller': [core(['secrets'], ['create', 'delete', ...read, 'update']), core(['serviceaccounts'], ['get', 'update'])],
  'ttl-after-finished-controller': [rule(['batch'], ['jobs'], ['delete', ...read])],
};

const process = user('system:kube-controller-manager');

export const controllerRoles: readonly ClusterRole[] = Object.entries(controllerRules).map(([name, rules]) => clusterRole(`system:controller:${name}`, [...rules, writeEvents]));
export const controllerBindings: readonly ClusterRoleBinding[] = Object.keys(controllerRules).map((name) => clusterBinding(`system:controller:${name}`, [account(name), process]));
