import { clusterRoleBindings, clusterRoles, configMaps, pods, reviewResources, roleBindings, roles, secrets, type ApiObject, type JsonObject, type Resource } from '@navarch/api';
import type { PolicyRule, Subject } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { admin, startCore, type Harness } from '../../testing/harness';
import type { User, Verb } from '../request';

const kinds = { role: roles, binding: roleBindings, clusterRole: clusterRoles, clusterBinding: clusterRoleBindings, cm: configMaps, pod: pods, secret: secrets } as unknown as Record<string, Resource>;
const kind = (name: string): Resource => kinds[name] as Resource;
const alice: User = { name: 'alice', groups: ['dev', 'system:authenticated'] };
const robot: User = { name: 'system:serviceaccount:default:robot', groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'] };

let cluster: Harness;
beforeEach(async () => {
  cluster = await startCore();
});
afterEach(() => cluster.stop());

const make = (what: string, name: string, more: object, user = admin) => cluster.one({ verb: 'create', resource: kind(what), object: { metadata: { name }, ...more } as ApiObject, user });
const rule = (verbs: string[], resources: string[], more: PolicyRule = {}): PolicyRule => ({ verbs, apiGroups: [''], resources, ...more });
const person: Subject = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'alice' };
const grant = async (rules: PolicyRule[], subjects: Subject[] = [person]): Promise<void> => {
  await make('role', 'r', { rules });
  await make('binding', 'b', { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' }, subjects });
};
const bindCluster = (role: string, subjects: Subject[] = [person]) =>
  make('clusterBinding', `bind-${role}`, { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects });

async function may(user: User, verb: Verb, resource: string, more: JsonObject = {}): Promise<boolean> {
  const [plural = '', subresource = ''] = resource.split('/');
  const spec = { resourceAttributes: { verb, resource: plural, subresource, namespace: 'default', ...more } };
  const body = { contentType: 'application/json', bytes: Buffer.from(JSON.stringify({ spec })) };
  const review = reviewResources.find((one) => one.kind === 'SelfSubjectAccessReview') as Resource;
  const { object } = await cluster.one({ verb: 'create', resource: review, body, user });
  return (object as { status?: { allowed?: boolean } }).status?.allowed ?? false;
}

describe('roles and bindings', () => {
  it('allow what a rule says and nothing else, in the binding’s namespace only', async () => {
    await grant([rule(['get', 'list'], ['configmaps'])]);
    expect([await may(alice, 'get', 'configmaps'), await may(alice, 'list', 'configmaps')]).toEqual([true, true]);
    expect([await may(alice, 'create', 'configmaps'), await may(alice, 'get', 'secrets'), await may(alice, 'get', 'configmaps', { namespace: 'kube-system' }), await may(alice, 'get', 'configmaps', { group: 'apps' })])
      .toEqual([false, false, false, false]);
    expect((await cluster.ask({ verb: 'list', resource: kind('cm'), namespace: 'default', user: alice })).type).toBe('list');
    await expect(cluster.ask({ verb: 'list', resource: kind('secret'), namespace: 'default', user: alice })).rejects.toMatchObject({ reason: 'Forbidden' });
  });

  it('speak of users, groups and service accounts', async () => {
    await grant([rule(['get'], ['pods'])], [{ kind: 'Group', name: 'dev' }, { kind: 'ServiceAccount', name: 'robot', namespace: 'default' }]);
    expect([await may(alice, 'get', 'pods'), await may(robot, 'get', 'pods'), await may({ ...alice, groups: ['system:authenticated'] }, 'get', 'pods')]).toEqual([true, true, false]);
  });

  it('name objects and subresources; a list of one name is a question about that name', async () => {
    await grant([rule(['get', 'watch'], ['configmaps'], { resourceNames: ['mine'] }), rule(['get'], ['pods/log']), rule(['update'], ['*/scale'], { apiGroups: ['apps'] })]);
    expect([await may(alice, 'get', 'configmaps', { name: 'mine' }), await may(alice, 'get', 'configmaps', { name: 'other' }), await may(alice, 'get', 'configmaps')]).toEqual([true, false, false]);
    expect(await may(alice, 'watch', 'configmaps', { fieldSelector: { requirements: [{ key: 'metadata.name', operator: 'In', values: ['mine'] }] } })).toBe(true);
    expect([await may(alice, 'get', 'pods/log'), await may(alice, 'get', 'pods'), await may(alice, 'update', 'deployments/scale', { group: 'apps' })]).toEqual([true, false, true]);
  });

  it('of the whole cluster count in every namespace; a binding in a namespace gives a cluster role there alone', async () => {
    await bindCluster('view');
    expect([await may(alice, 'list', 'pods'), await may(alice, 'list', 'pods', { namespace: 'kube-system' }), await may(alice, 'list', 'secrets')]).toEqual([true, true, false]);
    await make('binding', 'editor', { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' }, subjects: [{ kind: 'Group', name: 'system:serviceaccounts:default' }] });
    expect([await may(robot, 'create', 'secrets'), await may(robot, 'create', 'secrets', { namespace: 'kube-system' }), await may(robot, 'create', 'rolebindings', { group: 'rbac.authorization.k8s.io' })]).toEqual([true, false, false]);
  });

  it('count from the next request on, and no longer when they are gone', async () => {
    await grant([rule(['get'], ['pods'])]);
    expect(await may(alice, 'get', 'pods')).toBe(true);
    await cluster.ask({ verb: 'delete', resource: kind('binding'), name: 'b' });
    expect(await may(alice, 'get', 'pods')).toBe(false);
  });

  it('that name a role which is not there give nothing', async () => {
    await bindCluster('nothing');
    expect(await may(alice, 'get', 'pods')).toBe(false);
  });

  it('are listed by SelfSubjectRulesReview, with the names they are confined to', async () => {
    await grant([rule(['get'], ['configmaps'], { resourceNames: ['mine'] })]);
    const review = reviewResources.find((one) => one.kind === 'SelfSubjectRulesReview') as Resource;
    const body = { contentType: 'application/json', bytes: Buffer.from('{"spec":{"namespace":"default"}}') };
    const { object } = await cluster.one({ verb: 'create', resource: review, body, user: alice });
    expect((object as unknown as { status: { resourceRules: unknown[] } }).status.resourceRules).toContainEqual({ verbs: ['get'], apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'] });
  });
});

describe('every cluster has', () => {
  it('the roles cluster-admin, admin, edit and view, and administrators bound to the first', async () => {
    const names = (await cluster.list(kind('clusterRole'))).items.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['admin', 'cluster-admin', 'edit', 'system:basic-user', 'view']));
    await bindCluster('cluster-admin', [{ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }]).catch(() => undefined);
    expect(await may(robot, 'delete', 'nodes', { namespace: '' })).toBe(true);
  });
});

describe('nobody grants what they do not have', () => {
  const roleWriter = () => grant([{ verbs: ['*'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'] }, rule(['get', 'list'], ['configmaps'])]);

  it('in a role: refused with what is missing, by create and by update', async () => {
    await grant([{ verbs: ['create', 'get', 'update'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'] }, rule(['get', 'list'], ['configmaps'])]);
    await make('role', 'less', { rules: [rule(['get'], ['configmaps'])] }, alice);
    const refusal = { reason: 'Forbidden', message: expect.stringContaining('is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}') as string };
    await expect(make('role', 'more', { rules: [rule(['get'], ['configmaps']), rule(['get'], ['secrets'])] }, alice)).rejects.toMatchObject(refusal);
    await expect(cluster.one({ verb: 'update', resource: kind('role'), name: 'less', object: { metadata: { name: 'less', namespace: 'default' }, rules: [rule(['get'], ['secrets'])] } as ApiObject, user: alice })).rejects.toMatchObject(refusal);
    await expect(make('role', 'all', { rules: [rule(['*'], ['*'])] }, alice)).rejects.toMatchObject({ reason: 'Forbidden' });
  });

  it('in a binding: refused, unless the role may be bound', async () => {
    await grant([{ verbs: ['create'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['rolebindings'] }, { verbs: ['bind'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'], resourceNames: ['view'] }]);
    const bind = (role: string) => make('binding', `to-${role}`, { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role }, subjects: [person] }, alice);
    await expect(bind('cluster-admin')).rejects.toMatchObject({ reason: 'Forbidden' });
    await expect(bind('nothing')).rejects.toMatchObject({ reason: 'NotFound' });
    await bind('view');
    expect(await may(alice, 'list', 'pods')).toBe(true);
  });

  it('unless they may escalate', async () => {
    await roleWriter();
    await make('role', 'any', { rules: [rule(['get'], ['secrets'])] }, alice);
  });

  it('not even paths: who may read /metrics may let others, and no other path', async () => {
    await make('clusterRole', 'writer', { rules: [{ verbs: ['create'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['clusterroles'] }, { nonResourceURLs: ['/metrics', '/debug/*'], verbs: ['get'] }] });
    await bindCluster('writer');
    const role = (name: string, ...nonResourceURLs: string[]) => make('clusterRole', name, { rules: [{ nonResourceURLs, verbs: ['get'] }] }, alice);
    await role('held', '/metrics', '/debug/pprof', '/debug/*');
    await expect(role('wider', '/debug*')).rejects.toMatchObject({ reason: 'Forbidden', message: expect.stringContaining('{NonResourceURLs:["/debug*"], Verbs:["get"]}') as string });
    await expect(role('others', '/metrics', '/logs')).rejects.toMatchObject({ reason: 'Forbidden' });
  });

  it('a change of owners and finalizers alone is no grant: the garbage collector works on roles that it does not hold', async () => {
    await make('role', 'strong', { rules: [rule(['*'], ['secrets'])] });
    await grant([{ verbs: ['get', 'patch'], apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'] }]);
    const patch = (value: object) => cluster.one({ verb: 'patch', resource: kind('role'), name: 'strong', user: alice, body: { contentType: 'application/merge-patch+json', bytes: Buffer.from(JSON.stringify(value)) } });
    await patch({ metadata: { finalizers: ['example.com/kept'] } });
    await patch({ metadata: { finalizers: null } });
    await expect(patch({ metadata: { labels: { a: 'b' } } })).rejects.toMatchObject({ reason: 'Forbidden' });
  });
});
