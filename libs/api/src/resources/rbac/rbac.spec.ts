import { judge } from '../../testing/judge';
import { clusterRoleBindings } from './clusterrolebindings';
import { clusterRoles } from './clusterroles';
import { roleBindings } from './rolebindings';
import { roles } from './roles';

const metadata = { name: 'x', namespace: 'team' };

describe('roles', () => {
  it('have rules that say what may be done to what', () => {
    expect(judge(roles).create({ metadata, rules: [{}, { verbs: ['get'], nonResourceURLs: ['/healthz'] }] })).toEqual([
      'rules[0].verbs: Required value: verbs must contain at least one value', 'rules[0].apiGroups: Required value: resource rules must supply at least one api group',
      'rules[0].resources: Required value: resource rules must supply at least one resource',
      'rules[1].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs',
    ]);
  });

  it('of the cluster are for paths too, but not for both in one rule', () => {
    const { create } = judge(clusterRoles);
    expect(create({ metadata: { name: 'system:x' }, rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] })).toEqual([]);
    expect(create({ metadata: { name: 'x' }, rules: [{ verbs: ['get'], nonResourceURLs: ['/a'], resources: ['pods'] }] })).toEqual([
      'rules[0].nonResourceURLs: Invalid value: ["/a"]: rules cannot apply to both regular resources and non-resource URLs',
    ]);
    expect(create({ metadata: { name: 'x' }, aggregationRule: {} })).toEqual([
      'aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil',
    ]);
  });

  it('print when they were created', () => {
    expect(judge(roles).cells({ metadata: { ...metadata, creationTimestamp: { seconds: 1_700_000_000 } } })).toEqual({ Name: 'x', 'Created At': '2023-11-14T22:13:20Z' });
  });
});

describe('bindings', () => {
  const { create, defaulted, update, cells } = judge(roleBindings);
  const roleRef = { kind: 'Role', name: 'reader' };
  const rbac = 'rbac.authorization.k8s.io';

  it('mean RBAC’s own roles and users unless they say otherwise', () => {
    const subjects = [{ kind: 'User', name: 'a' }, { kind: 'Group', name: 'b' }, { kind: 'ServiceAccount', name: 'c' }];
    expect(defaulted({ metadata, roleRef, subjects })).toEqual({
      metadata, roleRef: { ...roleRef, apiGroup: rbac }, subjects: [{ kind: 'User', name: 'a', apiGroup: rbac }, { kind: 'Group', name: 'b', apiGroup: rbac }, { kind: 'ServiceAccount', name: 'c' }],
    });
  });

  it('refuse roles and subjects that cannot be', () => {
    expect(create({ metadata, roleRef: { kind: 'Rule', apiGroup: 'a.b' }, subjects: [{ kind: 'Robot', name: 'x' }, { kind: 'User' }, { kind: 'ServiceAccount', name: 'A', apiGroup: rbac }] })).toEqual([
      `roleRef.apiGroup: Unsupported value: "a.b": supported values: "${rbac}"`, 'roleRef.kind: Unsupported value: "Rule": supported values: "Role", "ClusterRole"', 'roleRef.name: Required value',
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
      'subjects[1].name: Required value', 'subjects[1].name: Invalid value: "": user name cannot be empty',
      expect.stringContaining('subjects[2].name: Invalid value: "A": a lowercase RFC 1123 subdomain must'), `subjects[2].apiGroup: Unsupported value: "${rbac}": supported values: ""`,
    ]);
  });

  it('of the cluster bind cluster roles, and name the namespace of service accounts', () => {
    expect(judge(clusterRoleBindings).create({ metadata: { name: 'x' }, roleRef, subjects: [{ kind: 'ServiceAccount', name: 'a' }] })).toEqual([
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"', 'subjects[0].namespace: Required value',
    ]);
  });

  it('keep their role', () => {
    expect(update({ metadata, roleRef: { ...roleRef, name: 'b' } }, { metadata, roleRef })).toEqual([`roleRef: Invalid value: {"kind":"Role","name":"b","apiGroup":"${rbac}"}: cannot change roleRef`]);
  });

  it('print role and subjects', () => {
    const subjects = [{ kind: 'User', name: 'a' }, { kind: 'User', name: 'b' }, { kind: 'ServiceAccount', name: 'c', namespace: 'n' }];
    expect(cells({ metadata, roleRef, subjects })).toEqual({ Name: 'x', Role: 'Role/reader', Age: '<unknown>', Users: 'a, b', Groups: '', ServiceAccounts: 'n/c' });
  });
});
