import type { Kinds } from '../kinds';
import { podsOf } from '../pods/node-pods';
import { firstThatAllows, type Authorizer } from './authorizer';
import { namedIdentities } from './named-identities';
import { nodeAuthorizer } from './node-authorizer';
import { rbacAuthorizer, rbacGroup, type RbacSources } from './rbac';

/** Administrators and Navarch's own parts by name, so that no change of a role locks them out; each kubelet for its own node; everybody else by RBAC. */
export const defaultAuthorizer = (kinds: Kinds): Authorizer => firstThatAllows(namedIdentities, nodeAuthorizer(podsOf(kinds)), rbacAuthorizer(rbacSources(kinds)));

export function rbacSources(kinds: Kinds): RbacSources {
  const cache = (plural: string) => kinds.get(rbacGroup, plural).cache;
  return { roles: cache('roles'), clusterRoles: cache('clusterroles'), roleBindings: cache('rolebindings'), clusterRoleBindings: cache('clusterrolebindings') };
}
