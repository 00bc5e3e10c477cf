import { nodes, pods, reviewResources, secrets, serviceAccounts, type JsonObject, type Resource } from '@navarch/api';
import { createTokenKeys, createTokenSigningKey } from '@navarch/service';
import type { TokenRequest } from '@navarch/proto/k8s/io/api/authentication/v1/authentication';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { admin, startCore, startMs, type Harness } from '../../testing/harness';
import type { User } from '../request';
import { accountUser } from './claims';
import type { TokenOptions } from './token-options';

const [sa, po, no, se] = [serviceAccounts, pods, nodes, secrets] as unknown as Resource[] as [Resource, Resource, Resource, Resource];
const keys = createTokenKeys({ signingKey: createTokenSigningKey() });
const issuer = 'https://kubernetes.default.svc';
/** As main.ts passes what nobody has told it. */
const tokens: TokenOptions = { keys, issuer, audiences: [], maxLifeSeconds: 86_400 };
const kubelet: User = { name: 'system:node:node-1', groups: ['system:nodes', 'system:authenticated'] };

let cluster: Harness;
beforeEach(async () => {
  cluster = await startCore({ tokens });
  await cluster.one({ verb: 'create', resource: sa, object: { metadata: { name: 'robot', namespace: 'default' } } });
});
afterEach(() => cluster.stop());

async function uidOf(resource: Resource, name: string, namespace?: string): Promise<string> {
  return (await cluster.one({ verb: 'get', resource, name, ...(namespace !== undefined && { namespace }) })).uid;
}

async function ask(spec: JsonObject = {}, more: { user?: User; name?: string; warn?: (message: string) => void } = {}): Promise<TokenRequest> {
  const body = { contentType: 'application/json', bytes: Buffer.from(JSON.stringify({ kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', spec })) };
  return (await cluster.one({ verb: 'create', resource: sa, name: 'robot', subresource: 'token', body, ...more })).object as TokenRequest;
}
const tokenOf = async (spec?: JsonObject): Promise<string> => (await ask(spec)).status?.token ?? '';
const claimsOf = (token: string): Record<string, unknown> => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
const whose = (bearerToken: string): Promise<User> => cluster.core.authenticate({ bearerToken });
const dead = { reason: 'Unauthorized', code: 401, message: 'Unauthorized' };

async function boundPod(name = 'web', node: string | undefined = 'node-1'): Promise<JsonObject> {
  const pod: Pod = { metadata: { name, namespace: 'default' }, spec: { serviceAccountName: 'robot', containers: [{ name: 'c', image: 'i' }], ...(node && { nodeName: node }) } };
  await cluster.one({ verb: 'create', resource: po, object: pod });
  return { kind: 'Pod', apiVersion: 'v1', name, uid: await uidOf(po, name) };
}

describe('a token request', () => {
  it('is answered with a signed token of the account, for this API and an hour unless asked otherwise', async () => {
    const answer = await ask();
    expect(answer).toMatchObject({ metadata: { name: 'robot', namespace: 'default' }, spec: { audiences: [issuer], expirationSeconds: 3_600 }, status: { expirationTimestamp: { seconds: startMs / 1_000 + 3_600 } } });
    expect(keys.verify(answer.status?.token ?? '')).toEqual({
      aud: [issuer], iss: issuer, sub: 'system:serviceaccount:default:robot', iat: startMs / 1_000, nbf: startMs / 1_000, exp: startMs / 1_000 + 3_600,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, 'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid: await uidOf(sa, 'robot') } },
    });
  });

  it('names audiences and a life, which has a least and a most', async () => {
    expect(claimsOf(await tokenOf({ audiences: ['vault', 'db'], expirationSeconds: 600 }))).toMatchObject({ aud: ['vault', 'db'], exp: startMs / 1_000 + 600 });
    const invalid = (message: string) => ({ reason: 'Invalid', code: 422, details: { causes: [{ field: 'spec.expirationSeconds', message: expect.stringContaining(message) as string }] } });
    await expect(ask({ expirationSeconds: 599 })).rejects.toMatchObject(invalid('may not specify a duration less than 10 minutes'));
    await expect(ask({ expirationSeconds: 2 ** 32 + 1 })).rejects.toMatchObject(invalid('may not specify a duration larger than 2^32 seconds'));
  });

  it('for a longer life than the server gives is cut, with a warning', async () => {
    const warnings: string[] = [];
    const answer = await ask({ expirationSeconds: 1_000_000 }, { warn: (message) => warnings.push(message) });
    expect(answer.spec?.expirationSeconds).toBe(86_400);
    expect(warnings).toEqual(['requested expiration of 1000000 seconds shortened to 86400 seconds']);
  });

  it('binds the token to a pod, and tells of the pod’s node', async () => {
    await cluster.one({ verb: 'create', resource: no, object: { metadata: { name: 'node-1' } } });
    const ref = await boundPod();
    expect(claimsOf(await tokenOf({ boundObjectRef: ref }))['kubernetes.io']).toMatchObject({ pod: { name: 'web', uid: ref['uid'] }, node: { name: 'node-1', uid: await uidOf(no, 'node-1') } });
  });

  it('binds the token to a Secret or a Node', async () => {
    await cluster.one({ verb: 'create', resource: no, object: { metadata: { name: 'node-1' } } });
    await cluster.one({ verb: 'create', resource: se, object: { metadata: { name: 's', namespace: 'default' } } });
    expect(claimsOf(await tokenOf({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 's' } }))['kubernetes.io']).toMatchObject({ secret: { name: 's', uid: await uidOf(se, 's') } });
    expect(claimsOf(await tokenOf({ boundObjectRef: { kind: 'Node', apiVersion: 'v1', name: 'node-1' } }))['kubernetes.io']).toMatchObject({ node: { name: 'node-1', uid: await uidOf(no, 'node-1') } });
  });

  it('refuses an account or object that is not there, another uid, another account’s pod, and other kinds', async () => {
    const ref = await boundPod();
    await expect(ask({}, { name: 'nobody' })).rejects.toMatchObject({ reason: 'NotFound', message: 'serviceaccounts "nobody" not found' });
    await expect(ask({ boundObjectRef: { ...ref, name: 'gone' } })).rejects.toMatchObject({ reason: 'NotFound', message: 'pods "gone" not found' });
    await expect(ask({ boundObjectRef: { ...ref, uid: 'another' } })).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('does not match the UID in record') as string });
    await expect(ask({ boundObjectRef: ref }, { name: 'default' })).rejects.toMatchObject({ reason: 'BadRequest', message: 'cannot bind token for serviceaccount "default" to pod running with different serviceaccount name.' });
    await expect(ask({ boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } })).rejects.toMatchObject({ reason: 'BadRequest', message: 'cannot bind token to object of type v1, Kind=ConfigMap' });
  });

  it('of a kubelet is only for pods of its own node, by uid', async () => {
    const [mine, theirs] = [await boundPod('mine'), await boundPod('theirs', 'node-2')];
    expect((await ask({ boundObjectRef: mine }, { user: kubelet })).status?.token).toBeTruthy();
    const { uid: _uid, ...withoutUid } = mine;
    const refused: JsonObject[] = [{}, { boundObjectRef: withoutUid }, { boundObjectRef: theirs }];
    for (const spec of refused) await expect(ask(spec, { user: kubelet })).rejects.toMatchObject({ reason: 'Forbidden' });
    await expect(ask({}, { user: kubelet, name: 'default' })).rejects.toMatchObject({ reason: 'Forbidden' });
  });

  it('of a kubelet is only for whom the pod wants tokens, or for this API', async () => {
    const volumes = [{ name: 't', volumeSource: { projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'vault' } }] } } }];
    const object = { metadata: { name: 'web', namespace: 'default' }, spec: { serviceAccountName: 'robot', nodeName: 'node-1', volumes, containers: [{ name: 'c', image: 'i' }] } } as Pod;
    await cluster.one({ verb: 'create', resource: po, object });
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'web', uid: await uidOf(po, 'web') };
    for (const audiences of [[], [issuer], ['vault']]) expect((await ask({ boundObjectRef, audiences }, { user: kubelet })).status?.token).toBeTruthy();
    await expect(ask({ boundObjectRef, audiences: ['vault', 'bank'] }, { user: kubelet })).rejects.toMatchObject({
      reason: 'Forbidden', message: 'serviceaccounts "robot" is forbidden: audience "bank" not found in pod spec volume, system:node:node-1 is not authorized to request tokens for this audience',
    });
  });

  it('is refused where the server has no key, and then no pod waits for a token', async () => {
    const keyless = await startCore();
    const body = { contentType: 'application/json', bytes: Buffer.from('{}') };
    await expect(keyless.one({ verb: 'create', resource: sa, name: 'default', subresource: 'token', body })).rejects.toMatchObject({ reason: 'MethodNotAllowed' });
    const { object } = await keyless.one({ verb: 'create', resource: po, object: { metadata: { name: 'p', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'i' }] } } as Pod });
    expect((object as Pod).spec?.volumes).toBeUndefined();
    await keyless.stop();
  });
});

describe('who shows a token', () => {
  it('is the account, in the groups of all accounts and of its namespace, with what the token was made for', async () => {
    const ref = await boundPod();
    const token = await tokenOf({ boundObjectRef: ref });
    expect(await whose(token)).toEqual({
      name: accountUser('default', 'robot'), uid: await uidOf(sa, 'robot'), groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: {
        'authentication.kubernetes.io/credential-id': [`JTI=${String(claimsOf(token)['jti'])}`], 'authentication.kubernetes.io/node-name': ['node-1'],
        'authentication.kubernetes.io/pod-name': ['web'], 'authentication.kubernetes.io/pod-uid': [ref['uid']],
      },
    });
  });

  it('is nobody a minute after it has expired', async () => {
    const token = await tokenOf({ expirationSeconds: 600 });
    await cluster.clock.advance(659_000);
    expect((await whose(token)).name).toBe(accountUser('default', 'robot'));
    await cluster.clock.advance(2_000);
    await expect(whose(token)).rejects.toMatchObject(dead);
  });

  it('is nobody as soon as the pod, the Secret, the node or the account it was made for is gone, even when another of that name comes', async () => {
    await cluster.one({ verb: 'create', resource: no, object: { metadata: { name: 'node-9' } } });
    await cluster.one({ verb: 'create', resource: se, object: { metadata: { name: 's', namespace: 'default' } } });
    const bound: [Resource, string, string][] = [
      [po, 'web', await tokenOf({ boundObjectRef: await boundPod() })],
      [se, 's', await tokenOf({ boundObjectRef: { kind: 'Secret', apiVersion: 'v1', name: 's' } })],
      [no, 'node-9', await tokenOf({ boundObjectRef: { kind: 'Node', apiVersion: 'v1', name: 'node-9' } })],
      [sa, 'robot', await tokenOf()],
    ];
    for (const [resource, name, token] of bound) {
      expect((await whose(token)).name).toBe(accountUser('default', 'robot'));
      await cluster.ask({ verb: 'delete', resource, name, options: { gracePeriodSeconds: 0 } });
      await expect(whose(token)).rejects.toMatchObject(dead);
    }
    await cluster.one({ verb: 'create', resource: sa, object: { metadata: { name: 'robot', namespace: 'default' } } });
    await expect(whose(bound[3]?.[2] ?? '')).rejects.toMatchObject(dead);
  });

  it('is known at once by another replica, which may not have heard of account and pod yet', async () => {
    const other = await startCore({ beside: cluster, tokens });
    const token = await tokenOf({ boundObjectRef: await boundPod() });
    expect((await other.core.authenticate({ bearerToken: token })).name).toBe(accountUser('default', 'robot'));
    await other.stop();
  });

  it('is nobody here where the token is meant for another audience', async () => {
    await expect(whose(await tokenOf({ audiences: ['vault'] }))).rejects.toMatchObject(dead);
  });

  it('is nobody where another key signed, another issuer speaks, or the subject is not the one bound', async () => {
    const good = claimsOf(await tokenOf());
    const foreign = createTokenKeys({ signingKey: createTokenSigningKey() });
    for (const token of [foreign.sign(good), keys.sign({ ...good, iss: 'https://elsewhere' }), keys.sign({ ...good, sub: accountUser('kube-system', 'robot') }), keys.sign({ iss: issuer }), 'a.b.c']) {
      await expect(whose(token)).rejects.toMatchObject(dead);
    }
    await expect(whose(keys.sign({ ...good, nbf: startMs / 1_000 + 120 }))).rejects.toMatchObject(dead);
  });

  it('of a Secret is the account for as long as the Secret holds it', async () => {
    const token = keys.sign({
      iss: 'kubernetes/serviceaccount', sub: accountUser('default', 'robot'), 'kubernetes.io/serviceaccount/namespace': 'default', 'kubernetes.io/serviceaccount/secret.name': 'robot-token',
      'kubernetes.io/serviceaccount/service-account.name': 'robot', 'kubernetes.io/serviceaccount/service-account.uid': await uidOf(sa, 'robot'),
    });
    await expect(whose(token)).rejects.toMatchObject(dead);
    const metadata = { name: 'robot-token', namespace: 'default', annotations: { 'kubernetes.io/service-account.name': 'robot' } };
    await cluster.one({ verb: 'create', resource: se, object: { metadata, type: 'kubernetes.io/service-account-token', data: { token: Buffer.from(token) } } as object });
    expect(await whose(token)).toEqual({ name: accountUser('default', 'robot'), uid: await uidOf(sa, 'robot'), groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'] });
    await cluster.ask({ verb: 'delete', resource: se, name: 'robot-token' });
    await expect(whose(token)).rejects.toMatchObject(dead);
  });
});

describe('a token review', () => {
  const review = async (spec: JsonObject): Promise<JsonObject> => {
    const resource = reviewResources.find(({ kind }) => kind === 'TokenReview') as Resource;
    const body = { contentType: 'application/json', bytes: Buffer.from(JSON.stringify({ kind: 'TokenReview', spec })) };
    return (JSON.parse((await cluster.one({ verb: 'create', resource, body, user: admin })).json.toString()) as { status: JsonObject }).status;
  };

  it('tells whose a token is and for which of the audiences', async () => {
    const token = await tokenOf({ audiences: ['vault', 'db'] });
    expect(await review({ token, audiences: ['db', 'mail'] })).toMatchObject({
      authenticated: true, audiences: ['db'], user: { username: accountUser('default', 'robot'), extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^JTI=/) as string] } },
    });
    expect(await review({ token: await tokenOf() })).toMatchObject({ authenticated: true, audiences: [issuer] });
  });

  it('knows no token that is meant for others, or dead', async () => {
    const token = await tokenOf({ audiences: ['vault'] });
    expect(await review({ token })).toEqual({ error: 'invalid bearer token', user: {} });
    await cluster.ask({ verb: 'delete', resource: sa, name: 'robot' });
    expect(await review({ token, audiences: ['vault'] })).toEqual({ error: 'invalid bearer token', user: {} });
  });
});

it('issuer, keys and algorithms are published for those who check tokens themselves', () => {
  expect(cluster.core.tokenDiscovery?.configuration()).toEqual({
    issuer, jwks_uri: `${issuer}/openid/v1/jwks`, response_types_supported: ['id_token'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['ES256'],
  });
  expect(cluster.core.tokenDiscovery?.jwks()).toEqual({ keys: [expect.objectContaining({ kty: 'EC', use: 'sig', alg: 'ES256' })] });
});
