import { reviewResources, type ApiObject, type JsonObject, type Resource } from '@navarch/api';

import { staticTokens } from '../auth/authenticator';
import type { User } from '../request';
import { admin, startCore, type Harness } from '../../testing/harness';

const of = (kind: string): Resource => reviewResources.find((resource) => resource.kind === kind) as Resource;
const alice: User = { name: 'alice', uid: 'u1', groups: ['dev', 'system:authenticated'] };
const scheduler: User = { name: 'system:kube-scheduler', groups: ['system:authenticated'] };
const kubelet: User = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] };
const stranger: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

let cluster: Harness;
beforeAll(async () => {
  cluster = await startCore({ authenticators: [staticTokens('good-token,tess,u9,"dev"')] });
});
afterAll(() => cluster.stop());

async function review(kind: string, spec: JsonObject, user: User = admin, namespace?: string): Promise<JsonObject> {
  const body = { contentType: 'application/json', bytes: Buffer.from(JSON.stringify({ kind, spec })) };
  const { json } = await cluster.one({ verb: 'create', resource: of(kind), body, user, namespace });
  return JSON.parse(json.toString()) as JsonObject;
}
const may = async (user: User, verb: string, resource: string, more: JsonObject = {}): Promise<unknown> =>
  (await review('SelfSubjectAccessReview', { resourceAttributes: { verb, resource, ...more } }, user))['status'];

describe('reviews', () => {
  it('SelfSubjectReview says who is asking', async () => {
    expect(await review('SelfSubjectReview', {}, alice)).toMatchObject({
      apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', status: { userInfo: { username: 'alice', uid: 'u1', groups: ['dev', 'system:authenticated'] } },
    });
  });

  it('SelfSubjectAccessReview answers what the authorizer would', async () => {
    expect(await may(admin, '*', '*')).toEqual({ allowed: true });
    expect(await may(scheduler, 'create', 'pods', { subresource: 'binding', namespace: 'default' })).toEqual({ allowed: true });
    expect(await may(scheduler, 'create', 'pods', { namespace: 'default' })).toEqual({ allowed: false });
    expect(await may(alice, 'get', 'pods')).toEqual({ allowed: false });
    expect(await may(kubelet, 'update', 'nodes', { name: 'node-1' })).toEqual({ allowed: true });
    expect(await may(kubelet, 'update', 'nodes', { name: 'node-2' })).toEqual({ allowed: false });
  });

  it('SelfSubjectAccessReview judges paths that are no resources as the door does', async () => {
    const reach = async (user: User, path: string, verb = 'get'): Promise<unknown> => (await review('SelfSubjectAccessReview', { nonResourceAttributes: { path, verb } }, user))['status'];
    expect([await reach(alice, '/apis'), await reach(alice, '/metrics'), await reach(admin, '/metrics'), await reach(alice, '/apis', 'delete')])
      .toEqual([{ allowed: true }, { allowed: false }, { allowed: true }, { allowed: false }]);
  });

  it('SubjectAccessReview and its local form ask for somebody else, the local one in its own namespace only', async () => {
    const spec = { user: 'system:kube-scheduler', resourceAttributes: { verb: 'delete', resource: 'pods', namespace: 'default' } };
    expect((await review('SubjectAccessReview', spec))['status']).toEqual({ allowed: true });
    expect((await review('SubjectAccessReview', { ...spec, user: 'bob' }))['status']).toEqual({ allowed: false });
    expect((await review('LocalSubjectAccessReview', spec, admin, 'default'))['status']).toEqual({ allowed: true });
    await expect(review('LocalSubjectAccessReview', spec, admin, 'other')).rejects.toMatchObject({ reason: 'BadRequest' });
  });

  it('SelfSubjectRulesReview lists rules, and says where they cannot be listed', async () => {
    expect((await review('SelfSubjectRulesReview', { namespace: 'default' }))['status']).toMatchObject({
      resourceRules: expect.arrayContaining([{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }]) as unknown, nonResourceRules: expect.arrayContaining([{ verbs: ['*'], nonResourceURLs: ['*'] }]) as unknown, incomplete: false,
    });
    expect((await review('SelfSubjectRulesReview', { namespace: 'default' }, scheduler))['status']).toMatchObject({
      resourceRules: expect.arrayContaining([{ verbs: ['create'], apiGroups: [''], resources: ['bindings', 'pods/binding'] }]) as unknown, incomplete: false,
    });
    expect((await review('SelfSubjectRulesReview', { namespace: 'default' }, kubelet))['status']).toMatchObject({ incomplete: true, evaluationError: expect.any(String) as string });
  });

  it('TokenReview tells whose a token is, and never repeats the token', async () => {
    const known = await review('TokenReview', { token: 'good-token' });
    expect(known['status']).toEqual({ authenticated: true, user: { username: 'tess', uid: 'u9', groups: ['dev', 'system:authenticated'] } });
    expect(JSON.stringify(known)).not.toContain('good-token');
    expect((await review('TokenReview', { token: 'guess' }))['status']).toEqual({ error: 'invalid bearer token', user: {} });
  });

  it('asks about others are for those whom the authorizer lets; anonymous callers may not even ask about themselves', async () => {
    await expect(review('SubjectAccessReview', { user: 'x', resourceAttributes: { verb: 'get', resource: 'pods' } }, alice)).rejects.toMatchObject({ reason: 'Forbidden' });
    await expect(review('TokenReview', { token: 'good-token' }, alice)).rejects.toMatchObject({ reason: 'Forbidden' });
    await expect(review('SelfSubjectReview', {}, stranger)).rejects.toMatchObject({ reason: 'Forbidden' });
  });

  it('refuses questions that ask nothing or two things at once', async () => {
    await expect(review('SelfSubjectAccessReview', {})).rejects.toMatchObject({ reason: 'Invalid', details: { causes: [{ field: 'spec.resourceAttributes' }] } });
    await expect(review('SelfSubjectAccessReview', { resourceAttributes: { verb: 'get' }, nonResourceAttributes: { path: '/' } })).rejects.toMatchObject({ reason: 'Invalid' });
    await expect(review('SubjectAccessReview', { resourceAttributes: { verb: 'get', resource: 'pods' } })).rejects.toMatchObject({ reason: 'Invalid', details: { causes: [{ field: 'spec.user' }] } });
    await expect(review('TokenReview', {})).rejects.toMatchObject({ reason: 'BadRequest' });
  });

  it('refuses bodies that are no JSON, and tells of fields that are there twice', async () => {
    const send = (text: string, options = {}) => cluster.one({ verb: 'create', resource: of('SelfSubjectReview'), body: { contentType: 'application/json', bytes: Buffer.from(text) }, options });
    await expect(send('{"a":"\\x","b":')).rejects.toMatchObject({ reason: 'BadRequest' });
    await expect(send('{"kind":"a","kind":"b"}', { fieldValidation: 'Strict' })).rejects.toMatchObject({ reason: 'BadRequest', message: 'strict decoding error: duplicate field "kind"' });
  });

  it('are created and nothing else: no other verb is served, and nothing is stored', async () => {
    const resource = of('SelfSubjectReview');
    for (const verb of ['get', 'list', 'delete'] as const) await expect(cluster.ask({ verb, resource, name: 'x', object: {} as ApiObject })).rejects.toMatchObject({ reason: 'MethodNotAllowed' });
    const before = await cluster.logs.objects.barrier();
    await review('SelfSubjectReview', {});
    expect(await cluster.logs.objects.barrier()).toBe(before + 1);
  });
});
