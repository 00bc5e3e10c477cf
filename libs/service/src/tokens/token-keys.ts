/** Service accounts' tokens as JSON Web Tokens (RFC 7519): keys, signing, checking. What the claims mean is the apiserver's. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject } from 'node:crypto';

import { decode, sign, verify, type Algorithm, type JwtPayload } from 'jsonwebtoken';

export type TokenClaims = Readonly<JwtPayload>;

export interface TokenKeys {
  /** ES256, ES384, ES512 or RS256, by the signing key. */
  readonly algorithms: readonly string[];
  /** Throws where these keys only check. */
  sign(claims: TokenClaims): string;
  /** The claims, where one of the keys signed them; undefined for everything else. Times in them are the caller's to judge. */
  verify(token: string): TokenClaims | undefined;
  /** The public keys as a JSON Web Key Set (RFC 7517). */
  jwks(): { readonly keys: readonly JsonWebKey[] };
}

const signatures = { encoding: 'utf8' } as const;
const curves: Readonly<Record<string, Algorithm>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
/** RFC 7518, section 3.3. */
const minRsaBits = 2048;
/** A token of ours is below 2 KiB; nobody gets us to parse megabytes. */
const maxTokenLength = 16 * 1024;

interface CheckingKey {
  readonly id: string;
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
}

/**
 * `signingKey`: PEM of a private key (EC or RSA); `checkingKeys`: PEMs of private or public keys whose tokens count as well, such as
 * those of a key that is being replaced. Throws where a key is of a kind that signs no tokens.
 */
export function createTokenKeys({ signingKey, checkingKeys = [] }: { readonly signingKey?: string; readonly checkingKeys?: readonly string[] }): TokenKeys {
  const own = signingKey === undefined ? undefined : { ...checkingKey(signingKey), secret: createPrivateKey(signingKey) };
  const known = new Map([...(own ? [own] : []), ...checkingKeys.map(checkingKey)].map((one) => [one.id, one]));
  return {
    algorithms: [...new Set([...known.values()].map(({ algorithm }) => algorithm))],
    sign(claims) {
      if (!own) throw new Error('there is no key to sign tokens with');
      return sign(claims, own.secret, { algorithm: own.algorithm, keyid: own.id, noTimestamp: claims.iat === undefined, ...signatures });
    },
    verify(token) {
      if (token.length > maxTokenLength) return undefined;
      const named = keyIdOf(token);
      const candidates = named === undefined ? [...known.values()] : [known.get(named)];
      for (const candidate of candidates) {
        const claims = candidate && verified(token, candidate);
        if (claims) return claims;
      }
      return undefined;
    },
    jwks: () => ({ keys: [...known.values()].map(({ id, key, algorithm }) => ({ use: 'sig', kid: id, alg: algorithm, ...key.export({ format: 'jwk' }) })) }),
  };
}

/** A new key to sign tokens with: ECDSA on P-256, as PKCS #8 PEM. */
export function createTokenSigningKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256', privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }).privateKey;
}

function checkingKey(pem: string): CheckingKey {
  const key = createPublicKey(pem);
  // Kubernetes' key id: the digest of the key's SubjectPublicKeyInfo.
  const id = createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('base64url');
  return { id, key, algorithm: algorithmOf(key) };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Algorithm {
  if (asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= minRsaBits) return 'RS256';
  const found = curves[asymmetricKeyDetails?.namedCurve ?? ''];
  if (found) return found;
  throw new Error(`a key of type ${String(asymmetricKeyType)} signs no service account tokens: expected RSA of at least ${minRsaBits} bits, or EC on P-256, P-384 or P-521`);
}

function keyIdOf(token: string): string | undefined {
  try {
    return decode(token, { complete: true })?.header.kid;
  } catch {
    return undefined;
  }
}

function verified(token: string, { key, algorithm }: CheckingKey): TokenClaims | undefined {
  try {
    // Only the key's own algorithm: a token does not choose how it is checked (RFC 8725, section 3.1).
    const claims = verify(token, key, { algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true });
    return typeof claims === 'string' ? undefined : claims;
  } catch {
    return undefined;
  }
}
