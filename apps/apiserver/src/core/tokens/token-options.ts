/**
 * Service accounts' tokens: who gets one for what (`token-request`), whose one is as long as what it is bound to lives
 * (`token-authenticator`), and what others need to check them without us (`discovery`). Signing itself is injected.
 */
export type TokenClaims = Readonly<Record<string, unknown>>;

export interface TokenKeys {
  readonly algorithms: readonly string[];
  sign(claims: TokenClaims): string;
  /** The claims where a known key signed them; times in them are not judged. */
  verify(token: string): TokenClaims | undefined;
  jwks(): { readonly keys: readonly object[] };
}

export interface TokenOptions {
  readonly keys: TokenKeys;
  /** Of the tokens made here: a URL below which others find the discovery document. */
  readonly issuer: string;
  /** Whose tokens count as well, such as the issuer's former name. */
  readonly formerIssuers?: readonly string[];
  /** What this API answers to; the issuer unless told. */
  readonly audiences?: readonly string[];
  /** A longer life than this is cut. */
  readonly maxLifeSeconds?: number;
  /** Where the keys are published; `<issuer>/openid/v1/jwks` unless told. */
  readonly jwksUri?: string;
}

export interface BoundObject {
  readonly name: string;
  readonly uid?: string;
}

/** Whose a token is, and with what it dies. */
export interface TokenSubject {
  readonly namespace: string;
  readonly account: BoundObject;
  readonly pod?: BoundObject;
  readonly secret?: BoundObject;
  readonly node?: BoundObject;
}

export const apiAudiences = ({ issuer, audiences = [] }: Pick<TokenOptions, 'issuer' | 'audiences'>): readonly string[] => (audiences.length > 0 ? audiences : [issuer]);
