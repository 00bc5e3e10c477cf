import type { BoundObject, TokenClaims, TokenSubject } from './token-options';

/** The issuer of tokens that lie in Secrets (Kubernetes' legacy tokens). */
export const secretTokenIssuer = 'kubernetes/serviceaccount';
export const userPrefix = 'system:serviceaccount:';

const secretClaim = (name: string): string => `kubernetes.io/serviceaccount/${name}`;

/** `system:serviceaccount:<namespace>:<name>` */
export const accountUser = (namespace: string, name: string): string => `${userPrefix}${namespace}:${name}`;

/** The service account that a user name is of; undefined for all others. */
export function accountOf(user: string): { readonly namespace: string; readonly name: string } | undefined {
  const [namespace = '', name = '', ...more] = user.startsWith(userPrefix) ? user.slice(userPrefix.length).split(':') : [];
  return namespace !== '' && name !== '' && more.length === 0 ? { namespace, name } : undefined;
}

/** A token's claims under Kubernetes' names (KEP-1205, KEP-4193). Times are seconds since 1970. */
export function claimsOf(subject: TokenSubject, { issuer, audiences, id, nowSeconds, lifeSeconds }: {
  readonly issuer: string; readonly audiences: readonly string[]; readonly id: string; readonly nowSeconds: number; readonly lifeSeconds: number;
}): TokenClaims {
  const { namespace, account, pod, secret, node } = subject;
  return {
    aud: [...audiences], exp: nowSeconds + lifeSeconds, iat: nowSeconds, iss: issuer, jti: id,
    'kubernetes.io': { namespace, ...(node && { node }), ...(pod && { pod }), ...(secret && { secret }), serviceaccount: account },
    nbf: nowSeconds, sub: accountUser(namespace, account.name),
  };
}

/** Whose a token is by its claims; undefined where they are not what `claimsOf` or the token controller writes. */
export function subjectOf(claims: TokenClaims): TokenSubject | undefined {
  const subject = claims['iss'] === secretTokenIssuer ? secretSubject(claims) : requestedSubject(claims['kubernetes.io']);
  return subject && claims['sub'] === accountUser(subject.namespace, subject.account.name) ? subject : undefined;
}

export function audiencesOf(claims: TokenClaims): readonly string[] {
  const audience = claims['aud'];
  return (Array.isArray(audience) ? audience : [audience]).filter((one): one is string => typeof one === 'string');
}

function requestedSubject(value: unknown): TokenSubject | undefined {
  if (!isRecord(value) || typeof value['namespace'] !== 'string') return undefined;
  const [account, pod, secret, node] = [boundObject(value['serviceaccount']), boundObject(value['pod']), boundObject(value['secret']), boundObject(value['node'])];
  return account && { namespace: value['namespace'], account, ...(pod && { pod }), ...(secret && { secret }), ...(node && { node }) };
}

function secretSubject(claims: TokenClaims): TokenSubject | undefined {
  const [namespace, name, uid, secret] = ['namespace', 'service-account.name', 'service-account.uid', 'secret.name'].map((key) => claims[secretClaim(key)]);
  if (typeof namespace !== 'string' || typeof name !== 'string' || typeof secret !== 'string') return undefined;
  return { namespace, account: { name, ...(typeof uid === 'string' && { uid }) }, secret: { name: secret } };
}

function boundObject(value: unknown): BoundObject | undefined {
  if (!isRecord(value) || typeof value['name'] !== 'string') return undefined;
  return { name: value['name'], ...(typeof value['uid'] === 'string' && { uid: value['uid'] }) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
