import { ApiError } from '@navarch/base';

import type { User } from '../request';
import type { Impersonation } from './impersonation';

/** What a caller showed of itself, as a door found it. The certificate has already been verified against the cluster's authority. */
export interface Credentials {
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
  readonly bearerToken?: string;
  /** Whom the caller wants to act as. An authenticator has no say in it: who is asked is authorized for it. */
  readonly impersonation?: Impersonation;
}

/** Knows some callers. undefined: not mine to judge. Throws Unauthorized for what is mine and wrong. */
export interface Authenticator {
  authenticate(credentials: Credentials): Promise<User | undefined>;
}

export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
export const authenticatedGroup = 'system:authenticated';

const unauthorized = (): ApiError => new ApiError('Unauthorized', 'Unauthorized');

const certificates: Authenticator = {
  authenticate: ({ certificate }) => Promise.resolve(
    certificate?.commonName ? { name: certificate.commonName, groups: [...certificate.organizations, authenticatedGroup] } : undefined),
};

/**
 * Asks each in turn: client certificates first (common name and organizations), then the token authenticators. Who shows
 * nothing is anonymous; who shows a token that nobody knows is Unauthorized.
 */
export function createAuthenticator(tokens: readonly Authenticator[]): (credentials: Credentials) => Promise<User> {
  return async (credentials) => {
    for (const authenticator of [certificates, ...tokens]) {
      const user = await authenticator.authenticate(credentials);
      if (user) return user;
    }
    if (credentials.bearerToken !== undefined) throw unauthorized();
    return anonymous;
  };
}

/** Kubernetes' static token file: `token,user,uid,"group1,group2"` a line; # begins a comment line. Throws on lines it cannot read. */
export function staticTokens(text: string): Authenticator {
  const users = new Map<string, User>();
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const match = /^([^,\s]+),([^,]+),([^,]*)(?:,(?:"([^"]*)"|([^,"]*)))?\s*$/.exec(line.trim());
    if (!match) throw new Error(`token file, line ${index + 1}: expected token,user,uid[,"group1,group2"]`);
    const [, token = '', name = '', uid, quoted, plain] = match;
    const groups = (quoted ?? plain ?? '').split(',').filter((group) => group !== '');
    users.set(token, { name, ...(uid && { uid }), groups: [...groups, authenticatedGroup] });
  });
  return { authenticate: ({ bearerToken }) => Promise.resolve(bearerToken === undefined ? undefined : users.get(bearerToken)) };
}
