import { clusterRoleBindings, clusterRoles, type Resource } from '@navarch/api';
import { seededRandom } from '@navarch/base';
import type { ClusterRole, ClusterRoleBinding } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { startCore, type Harness } from '../../../testing/harness';
import type { User, Verb } from '../../request';
import { anonymous } from '../authenticator';
import { mendBinding, mendRole } from './reconcile';

const component = (name: string, ...groups: string[]): User => ({ name, groups: [...groups, 'system:authenticated'] });
const root: User = { name: 'root', groups: ['system:masters'] };

let cluster: Harness;
beforeAll(async () => { cluster = await startCore(); });
afterAll(() => cluster.stop());

const authorizer = () => (cluster.core as unknown as { authorizer: { authorize(asked: object): string } }).authorizer;
const may = (user: User, verb: Verb | string, what: string, more: { namespace?: string; name?: string; subresource?: string } = {}): boolean => {
  const [resource = '', ...group] = what.split('.');
  return authorizer().authorize({ user, verb, resource, group: group.join('.'), subresource: '', namespace: 'default', name: '', fields: {}, ...more }) === 'allow';
};
const mayReach = (user: User, path: string): boolean => {
  try {
    cluster.core.checkPath(user, 'get', path);
    return true;
  } catch {
    return false;
  }
};

describe('by the roles that every cluster has', () => {
  it('administrators may do everything, strangers and anonymous callers nothing', () => {
    expect([may(root, 'deletecollection', 'secrets'), mayReach(root, '/metrics')]).toEqual([true, true]);
    for (const user of [component('eve'), anonymous, component('constructor')]) for (const verb of ['get', 'list', 'create']) expect(may(user, verb, 'pods')).toBe(false);
  });

  it('the scheduler reads, binds, reports and is elected, and touches no secret', () => {
    const scheduler = component('system:kube-scheduler');
    for (const kind of ['pods', 'nodes', 'persistentvolumes', 'storageclasses.storage.k8s.io', 'replicasets.apps']) expect(may(scheduler, 'watch', kind)).toBe(true);
    expect(may(scheduler, 'create', 'pods', { subresource: 'binding' })).toBe(true);
    expect([may(scheduler, 'patch', 'pods', { subresource: 'status' }), may(scheduler, 'delete', 'pods'), may(scheduler, 'patch', 'persistentvolumeclaims'), may(scheduler, 'create', 'events')]).toEqual([true, true, true, true]);
    expect(['kube-scheduler', 'kube-controller-manager'].map((name) => may(scheduler, 'update', 'leases.coordination.k8s.io', { namespace: 'kube-system', name }))).toEqual([true, false]);
    expect([may(scheduler, 'create', 'pods'), may(scheduler, 'get', 'secrets'), may(scheduler, 'update', 'nodes')]).toEqual([false, false, false]);
  });

  it('controllers collect every kind, custom ones too, and make only what is theirs to make', () => {
    const controllers = component('system:kube-controller-manager');
    for (const kind of ['widgets.example.com', 'pods']) for (const verb of ['watch', 'delete', 'patch']) expect(may(controllers, verb, kind)).toBe(true);
    expect([may(controllers, 'update', 'namespaces', { subresource: 'finalize' }), may(controllers, 'create', 'pods'), may(controllers, 'create', 'endpointslices.discovery.k8s.io')]).toEqual([true, true, true]);
    expect([may(controllers, 'create', 'deployments.apps'), may(controllers, 'create', 'clusterrolebindings.rbac.authorization.k8s.io'), may(controllers, 'create', 'pods', { subresource: 'exec' }), may(controllers, 'impersonate', 'users')]).toEqual([false, false, false, false]);
  });

  it('each controller’s role is its service account’s as well, and gives nothing of the others’', () => {
    const cron = component('system:serviceaccount:kube-system:cronjob-controller', 'system:serviceaccounts', 'system:serviceaccounts:kube-system');
    expect([may(cron, 'create', 'jobs.batch'), may(cron, 'create', 'pods'), may(cron, 'list', 'secrets')]).toEqual([true, false, false]);
  });

  it('the proxy only reads the network', () => {
    const proxy = component('system:kube-proxy', 'system:node-proxier');
    for (const kind of ['nodes', 'services', 'endpointslices.discovery.k8s.io', 'networkpolicies.networking.k8s.io', 'pods', 'namespaces']) expect([may(proxy, 'watch', kind), may(proxy, 'update', kind)]).toEqual([true, false]);
    expect(may(proxy, 'list', 'secrets')).toBe(false);
  });

  it('a DNS server reads what has names, and writes its Service, slice and lease in kube-system only', () => {
    const dns = component('system:dns');
    for (const kind of ['services', 'endpointslices.discovery.k8s.io', 'namespaces']) expect(may(dns, 'watch', kind)).toBe(true);
    for (const kind of ['endpointslices.discovery.k8s.io', 'leases.coordination.k8s.io']) {
      for (const verb of ['create', 'update', 'delete']) expect([may(dns, verb, kind, { namespace: 'kube-system' }), may(dns, verb, kind)]).toEqual([true, false]);
    }
    expect([may(dns, 'get', 'nodes', { namespace: '' }), may(dns, 'create', 'services', { namespace: 'kube-system' }), may(dns, 'create', 'services'), may(dns, 'delete', 'services', { namespace: 'kube-system' })]).toEqual([true, true, false, false]);
    expect([may(dns, 'get', 'secrets'), may(dns, 'list', 'pods')]).toEqual([false, false]);
  });

  it('paths that are no resources: version for all, discovery for who has a name, metrics for monitoring, keys for service accounts', () => {
    const [alice, monitor, robot] = [component('alice'), component('prometheus', 'system:monitoring'), component('system:serviceaccount:default:robot', 'system:serviceaccounts')];
    expect([anonymous, alice].map((user) => mayReach(user, '/version'))).toEqual([true, true]);
    for (const path of ['/api', '/apis', '/apis/apps/v1', '/openapi/v3/apis/apps/v1']) expect([mayReach(anonymous, path), mayReach(alice, path)]).toEqual([false, true]);
    expect([alice, monitor].map((user) => mayReach(user, '/metrics'))).toEqual([false, true]);
    expect([alice, robot].map((user) => mayReach(user, '/openid/v1/jwks'))).toEqual([false, true]);
    expect(() => cluster.core.checkPath(anonymous, 'get', '/metrics')).toThrow('forbidden: User "system:anonymous" cannot get path "/metrics"');
  });
});

describe('at each start', () => {
  const kind = (resource: unknown): Resource => resource as Resource;
  const roleNamed = async (name: string): Promise<ClusterRole> => structuredClone((await cluster.one({ verb: 'get', resource: kind(clusterRoles), name })).object as ClusterRole);
  let starts = 10;
  const restart = async (): Promise<void> => (await startCore({ beside: cluster, random: seededRandom(starts++) })).stop();
  const put = (resource: unknown, object: ClusterRole | ClusterRoleBinding) => cluster.one({ verb: 'update', resource: kind(resource), name: object.metadata?.name ?? '', object });

  it('a rule that was taken away comes back, and what was added stays', async () => {
    const extra = { apiGroups: ['example.com'], resources: ['widgets'], verbs: ['get'] };
    const proxier = await roleNamed('system:node-proxier');
    await put(clusterRoles, { ...proxier, rules: [extra] });
    expect(may(component('system:kube-proxy'), 'watch', 'services')).toBe(false);
    await restart();
    expect(may(component('system:kube-proxy'), 'watch', 'services')).toBe(true);
    expect((await roleNamed('system:node-proxier')).rules).toContainEqual(extra);
  });

  it('a role or binding that is gone is made again, and one annotated autoupdate=false is left alone', async () => {
    const viewer = await roleNamed('system:public-info-viewer');
    await put(clusterRoles, { ...viewer, rules: [], metadata: { ...viewer.metadata, annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'false' } } });
    await cluster.ask({ verb: 'delete', resource: kind(clusterRoleBindings), name: 'system:basic-user' });
    await cluster.ask({ verb: 'delete', resource: kind(clusterRoles), name: 'system:monitoring' });
    await restart();
    expect((await roleNamed('system:public-info-viewer')).rules ?? []).toEqual([]);
    expect((await roleNamed('system:monitoring')).rules).toHaveLength(1);
    expect(may(component('alice'), 'create', 'selfsubjectreviews.authentication.k8s.io', { namespace: '' })).toBe(true);
    await put(clusterRoles, { ...(await roleNamed('system:public-info-viewer')), rules: viewer.rules });
  });

  it('a binding that lost its subjects gets them back; one that was made to give another role is made anew', async () => {
    const binding = structuredClone((await cluster.one({ verb: 'get', resource: kind(clusterRoleBindings), name: 'system:node-proxier' })).object as ClusterRoleBinding);
    await cluster.ask({ verb: 'delete', resource: kind(clusterRoleBindings), name: 'system:node-proxier' });
    await cluster.one({ verb: 'create', resource: kind(clusterRoleBindings), object: { metadata: { name: 'system:node-proxier' }, roleRef: { ...binding.roleRef, name: 'view' }, subjects: binding.subjects } as ClusterRoleBinding });
    await put(clusterRoleBindings, { ...structuredClone((await cluster.one({ verb: 'get', resource: kind(clusterRoleBindings), name: 'system:kube-dns' })).object as ClusterRoleBinding), subjects: [] });
    await restart();
    expect((await cluster.one({ verb: 'get', resource: kind(clusterRoleBindings), name: 'system:node-proxier' })).object).toMatchObject({ roleRef: { name: 'system:node-proxier' } });
    expect(may(component('system:dns'), 'watch', 'services')).toBe(true);
  });

  it('nothing is written where nothing is missing', async () => {
    const versions = async (): Promise<unknown[]> => (await Promise.all([clusterRoles, clusterRoleBindings].map(async (one) => (await cluster.list(kind(one))).items.map(({ sequence }) => sequence)))).flat();
    const before = await versions();
    await restart();
    expect(await versions()).toEqual(before);
  });

  it('the rules that an aggregated role has gathered are not touched', () => {
    const rule = { apiGroups: [''], resources: ['pods'], verbs: ['get'] };
    const role = (rules: object[]): ClusterRole => ({ metadata: { name: 'view' }, rules, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } });
    expect(mendRole(role([]), role([rule]))).toBe('nothing');
  });

  it('subjects that were added stay', () => {
    const binding = (...names: string[]): ClusterRoleBinding => ({ metadata: { name: 'b' }, roleRef: { kind: 'ClusterRole', name: 'r' }, subjects: names.map((name) => ({ kind: 'User', name })) });
    expect(mendBinding(binding('added', 'one'), binding('one', 'two'))).toEqual({ update: binding('added', 'one', 'two') });
  });
});

describe('until the roles are made', () => {
  it('who is not allowed is told to come again, and refused for good only afterwards', async () => {
    const other = await startCore();
    let done = (): void => undefined;
    other.core.expectRoles(new Promise<void>((resolve) => { done = resolve; }));
    const list = () => other.ask({ verb: 'list', resource: kind2(clusterRoles), user: component('eve') });
    await expect(list()).rejects.toMatchObject({ reason: 'Unavailable', details: { retryAfterSeconds: 1 } });
    done();
    await Promise.resolve();
    await expect(list()).rejects.toMatchObject({ reason: 'Forbidden' });
    await other.stop();
  });
  const kind2 = (resource: unknown): Resource => resource as Resource;
});
