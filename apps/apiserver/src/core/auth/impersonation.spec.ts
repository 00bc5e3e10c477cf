import { clusterRoleBindings, clusterRoles, type ApiObject, type Resource } from '@navarch/api';

import { startCore, type Harness } from '../../testing/harness';
import type { User } from '../request';
import { impersonated, impersonationOf, type Impersonation } from './impersonation';

const asked = (more: Partial<Impersonation>): Impersonation => ({ user: 'bob', groups: [], extra: {}, ...more });
const alice: User = { name: 'alice', groups: ['system:authenticated'] };
const root: User = { name: 'root', groups: ['system:masters', 'system:authenticated'], extra: { own: ['value'] } };

let cluster: Harness;
beforeAll(async () => {
  cluster = await startCore();
  const make = (resource: unknown, object: object) => cluster.one({ verb: 'create', resource: resource as Resource, object: object as ApiObject });
  const may = (resources: string[], resourceNames: string[], group = '') => ({ apiGroups: [group], resources, verbs: ['impersonate'], resourceNames });
  await make(clusterRoles, { metadata: { name: 'as-bob' }, rules: [may(['users'], ['bob']), may(['groups'], ['dev']), may(['serviceaccounts'], ['robot']), may(['userextras/scopes'], ['view'], 'authentication.k8s.io'), may(['uids'], ['u1'], 'authentication.k8s.io')] });
  await make(clusterRoleBindings, { metadata: { name: 'as-bob' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'as-bob' }, subjects: [{ kind: 'User', name: 'alice' }] });
});
afterAll(() => cluster.stop());

const become = (caller: User, more: Partial<Impersonation>): User => impersonated(caller, asked(more), (cluster.core as unknown as { authorizer: Parameters<typeof impersonated>[2] }).authorizer);

describe('who acts as somebody else', () => {
  it('keeps nothing of its own rights, and is authenticated like anybody with a name', () => {
    expect(become(root, {})).toEqual({ name: 'bob', groups: ['system:authenticated'] });
    expect(become(root, { groups: ['dev'], uid: 'u1', extra: { scopes: ['view'] } })).toEqual({ name: 'bob', groups: ['dev', 'system:authenticated'], uid: 'u1', extra: { scopes: ['view'] } });
    expect(become(root, { user: 'system:anonymous' })).toEqual({ name: 'system:anonymous', groups: ['system:unauthenticated'] });
  });

  it('as a service account has that account’s groups', () => {
    expect(become(root, { user: 'system:serviceaccount:team:robot' })).toEqual({ name: 'system:serviceaccount:team:robot', groups: ['system:serviceaccounts', 'system:serviceaccounts:team', 'system:authenticated'] });
  });

  it('needs the right to each user, group, uid and extra value', () => {
    expect(become(alice, { groups: ['dev'], uid: 'u1', extra: { scopes: ['view'] } }).name).toBe('bob');
    expect(become(alice, { user: 'system:serviceaccount:team:robot' }).name).toBe('system:serviceaccount:team:robot');
    const refused: Partial<Impersonation>[] = [{ user: 'eve' }, { groups: ['dev', 'system:masters'] }, { uid: 'u2' }, { extra: { scopes: ['edit'] } }, { extra: { other: ['view'] } }, { user: 'system:serviceaccount:team:other' }];
    for (const more of refused) {
      expect(() => become(alice, more)).toThrow(expect.objectContaining({ reason: 'Forbidden' }));
    }
    expect(() => become(alice, { user: 'eve' })).toThrow('users "eve" is forbidden: User "alice" cannot impersonate resource "users" in API group "" at the cluster scope');
  });
});

describe('Impersonate headers', () => {
  it('are read whatever their case, each value on its own, keys of extra values unescaped', () => {
    expect(impersonationOf([['Accept', '*/*'], ['Impersonate-User', 'bob'], ['impersonate-group', 'a, b'], ['IMPERSONATE-GROUP', 'c'], ['Impersonate-Uid', 'u'], ['Impersonate-Extra-example.com%2fscopes', 'x'], ['Impersonate-Extra-example.com%2Fscopes', 'y']]))
      .toEqual({ user: 'bob', groups: ['a, b', 'c'], uid: 'u', extra: { 'example.com/scopes': ['x', 'y'] } });
    expect(impersonationOf([['Accept', '*/*']])).toBeUndefined();
  });

  it('without a user, unknown or unreadable ones are the caller’s error, never ignored', () => {
    for (const headers of [[['Impersonate-Group', 'dev']], [['Impersonate-User', '']], [['Impersonate-User', 'bob'], ['Impersonate-Everything', 'yes']], [['Impersonate-User', 'bob'], ['Impersonate-Extra-%zz', 'x']]] as [string, string][][]) {
      expect(() => impersonationOf(headers)).toThrow(expect.objectContaining({ reason: 'BadRequest' }));
    }
    expect(impersonationOf([['Impersonate-User', 'bob'], ['Impersonate-Extra-__proto__', 'x']])?.extra).toEqual(Object.fromEntries([['__proto__', ['x']]]));
  });
});
