import type { PackageText } from './text';

/** Documentation of rbac.authorization.k8s.io/v1. */
export const rbac: PackageText = {
  AggregationRule: ['Which other ClusterRoles the rules come from.', {
    clusterRoleSelectors: 'ClusterRoles by label; those of each selector are joined.',
  }],
  ClusterRole: ["Rights in all namespaces or on the cluster's own objects.", {
    rules: 'What may be done; kept by a controller if aggregationRule is set.',
    aggregationRule: "Other ClusterRoles whose rules make up this one's.",
  }],
  ClusterRoleBinding: ['Gives someone the rights of a ClusterRole everywhere.', {
    subjects: 'Who gets the rights.',
    roleRef: 'The ClusterRole; cannot change.',
  }],
  PolicyRule: ['What may be done with what; nothing is ever forbidden.', {
    verbs: 'What may be done, such as get and list; * means everything.',
    apiGroups: 'Groups of the resources; empty text for core, * for all.',
    resources: 'Resources by plural name, pods/log for a subresource; * means all.',
    resourceNames: 'Objects that are meant; empty means each.',
    nonResourceURLs: 'Paths outside of the resources, with * at the end; for ClusterRoles only.',
  }],
  Role: ['Rights in one namespace.', {
    rules: 'What may be done.',
  }],
  RoleBinding: ['Gives someone the rights of a role in one namespace.', {
    subjects: 'Who gets the rights.',
    roleRef: 'A Role of the namespace, or a ClusterRole; cannot change.',
  }],
  RoleRef: ['Names the role that a binding gives.', {
    apiGroup: 'Group of the role, rbac.authorization.k8s.io.',
    kind: 'Role or ClusterRole.',
    name: 'Name of the role.',
  }],
  Subject: ['Someone who gets rights.', {
    kind: 'User, Group or ServiceAccount.',
    apiGroup: 'Group of the kind; default by kind, empty for ServiceAccount.',
    name: 'Name of the user, group or service account.',
    namespace: 'Namespace of the service account; for that kind only.',
  }],
};
