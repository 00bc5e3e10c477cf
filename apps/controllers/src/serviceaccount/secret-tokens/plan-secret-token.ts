import type { Secret, ServiceAccount } from '@navarch/proto/k8s/io/api/core/v1/core';

export const tokenType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';
const claim = (name: string): string => `kubernetes.io/serviceaccount/${name}`;

export type TokenClaims = Readonly<Record<string, string>>;

export interface SecretTokenMeans {
  readonly rootCa?: string | undefined;
  /** Signs claims with the key that the API server knows. */
  sign(claims: TokenClaims): string;
}

/** The account a token Secret is for; undefined where it is no token Secret. */
export function accountOf({ type, metadata }: Secret): string | undefined {
  return type === tokenType ? metadata?.annotations?.[nameAnnotation] : undefined;
}

/** The informer's index of token Secrets by `namespace/account`. */
export function byTokenAccount(secret: Secret): string[] {
  const account = accountOf(secret);
  return account === undefined ? [] : [`${secret.metadata?.namespace}/${account}`];
}

/** Made for another account of that name. */
export function isOfAnother({ metadata }: Secret, account: ServiceAccount): boolean {
  const uid = metadata?.annotations?.[uidAnnotation];
  return uid !== undefined && uid !== account.metadata?.uid;
}

/** The Secret with what it lacks (token, authority, namespace, whose it is); undefined where it lacks nothing. */
export function filled(secret: Secret, account: ServiceAccount, { rootCa, sign }: SecretTokenMeans): Secret | undefined {
  const { metadata = {}, data = {} } = secret;
  const { namespace = '', name = '' } = metadata;
  const { name: accountName = '', uid = '' } = account.metadata ?? {};
  const lacks = (key: string, text: string): boolean => Buffer.from(data[key] ?? []).toString() !== text;
  const added: Record<string, Buffer> = {
    ...(!data['token']?.length && { token: Buffer.from(sign(secretClaims(namespace, name, accountName, uid))) }),
    ...(rootCa !== undefined && lacks('ca.crt', rootCa) && { 'ca.crt': Buffer.from(rootCa) }),
    ...(lacks('namespace', namespace) && { namespace: Buffer.from(namespace) }),
  };
  if (Object.keys(added).length === 0 && metadata.annotations?.[uidAnnotation] === uid) return undefined;
  return { ...secret, metadata: { ...metadata, annotations: { ...metadata.annotations, [nameAnnotation]: accountName, [uidAnnotation]: uid } }, data: { ...data, ...added } };
}

/** Kubernetes' claims of a token that lies in a Secret: it ends with the Secret. */
function secretClaims(namespace: string, secret: string, account: string, uid: string): TokenClaims {
  return {
    iss: 'kubernetes/serviceaccount', [claim('namespace')]: namespace, [claim('secret.name')]: secret, [claim('service-account.name')]: account,
    [claim('service-account.uid')]: uid, sub: `system:serviceaccount:${namespace}:${account}`,
  };
}
