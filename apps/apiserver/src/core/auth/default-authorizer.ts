import type { Kinds } from '../kinds';
import { podsOf } from '../pods/node-pods';
import { firstThatAllows, type Authorizer } from './authorizer';
import { nodeAuthorizer } from './node-authorizer';
import { rbacAuthorizer, rbacGroup, type RbacSources } from './rbac';
import { superusers } from './superusers';

/** Administrators, whatever the roles say; each kubelet for its own node; everybody else, Navarch's own parts among them, by RBAC. */
export const defaultAuthorizer = (kinds: Kinds): Authorizer => firstThatAllows(superusers, nodeAuthorizer(podsOf(kinds)), rbacAuthorizer(rbacSources(kinds)));

export function rbacSources(kinds: Kinds): RbacSources {
  const cache = (plural: string) => kinds.get(rbacGroup, plural).cache;
  return { roles: cache('roles'), clusterRoles: cache('clusterroles'), roleBindings: cache('rolebindings'), clusterRoleBindings: cache('clusterrolebindings') };
}
