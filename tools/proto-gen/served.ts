/** The resources that have a typed service, as plural.group; a test holds the list against the registry in libs/api. */
export const servedResources: readonly string[] = [
  'namespaces.', 'nodes.', 'pods.', 'configmaps.', 'secrets.', 'serviceaccounts.', 'events.', 'leases.coordination.k8s.io',
  'deployments.apps', 'replicasets.apps', 'statefulsets.apps', 'daemonsets.apps', 'controllerrevisions.apps',
];
