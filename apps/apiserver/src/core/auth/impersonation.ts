import { badRequest } from '../errors';
import type { User, Verb } from '../request';
import { accountOf } from '../tokens/claims';
import { anonymous, authenticatedGroup } from './authenticator';
import { notAllowed, type AuthorizationAttributes, type Authorizer } from './authorizer';

/** As whom a caller wants to act: Kubernetes' `Impersonate-…` headers, at both doors. */
export interface Impersonation {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

const prefix = 'impersonate-';
const extraPrefix = `${prefix}extra-`;

/** From a request's headers, each value on its own; undefined where there are none. Throws BadRequest where they name no user, or cannot be read. */
export function impersonationOf(headers: Iterable<readonly [name: string, value: string]>): Impersonation | undefined {
  let [user, uid]: [string?, string?] = [];
  const groups: string[] = [];
  const extra = new Map<string, string[]>();
  let asked = false;
  for (const [written, value] of headers) {
    const name = written.toLowerCase();
    if (!name.startsWith(prefix)) continue;
    asked = true;
    if (name === 'impersonate-user') user = value;
    else if (name === 'impersonate-uid') uid = value;
    else if (name === 'impersonate-group') groups.push(value);
    else if (name.startsWith(extraPrefix)) {
      const key = unescaped(name.slice(extraPrefix.length));
      extra.set(key, [...(extra.get(key) ?? []), value]);
    } else throw badRequest(`unknown header ${JSON.stringify(written)}`);
  }
  if (!asked) return undefined;
  if (!user) throw badRequest('requested groups, a uid or extra values without impersonating a user');
  return { user, groups, ...(uid !== undefined && uid !== '' && { uid }), extra: Object.fromEntries(extra) };
}

function unescaped(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch (cause) {
    throw badRequest(`${JSON.stringify(key)} is not a key of extra values: bad percent encoding`, cause);
  }
}

/** The user that the caller becomes. Throws Forbidden unless the caller may impersonate the user, and every group, uid and extra value asked for. */
export function impersonated(caller: User, asked: Impersonation, authorizer: Authorizer): User {
  const account = accountOf(asked.user);
  const must = (place: Pick<AuthorizationAttributes, 'group' | 'resource' | 'name'> & Partial<AuthorizationAttributes>): void => {
    // The verb is none that a request could have.
    const attributes = { user: caller, verb: 'impersonate' as Verb, subresource: '', namespace: '', fields: {}, ...place };
    if (authorizer.authorize(attributes) !== 'allow') throw notAllowed(attributes, { namespaced: attributes.namespace !== '' });
  };
  if (account) must({ group: '', resource: 'serviceaccounts', ...account });
  else must({ group: '', resource: 'users', name: asked.user });
  for (const name of asked.groups) must({ group: '', resource: 'groups', name });
  const identity = 'authentication.k8s.io';
  for (const [key, values] of Object.entries(asked.extra)) for (const name of values) must({ group: identity, resource: 'userextras', subresource: key, name });
  if (asked.uid !== undefined) must({ group: identity, resource: 'uids', name: asked.uid });
  const { user: name, uid, extra } = asked;
  const own = account && asked.groups.length === 0 ? ['system:serviceaccounts', `system:serviceaccounts:${account.namespace}`] : asked.groups;
  return { name, groups: withEveryone(name, own), ...(uid !== undefined && { uid }), ...(Object.keys(extra).length > 0 && { extra }) };
}

/** Whoever has a name is authenticated, and who has none is not, whatever was asked for. */
function withEveryone(name: string, groups: readonly string[]): readonly string[] {
  const everyone = name === anonymous.name ? anonymous.groups : [authenticatedGroup];
  return [...groups, ...everyone.filter((group) => !groups.includes(group))];
}

/** Who acts: the caller itself, or whom it may act as. */
export function actingUser(caller: User, asked: Impersonation | undefined, authorizer: Authorizer): User {
  return asked ? impersonated(caller, asked, authorizer) : caller;
}
