import type { Kinds } from '../kinds';
import { podsOf } from '../pods/node-pods';
import { firstThatAllows, type Authorizer } from './authorizer';
import { namedIdentities } from './named-identities';
import { nodeAuthorizer } from './node-authorizer';

/** Until RBAC: the named identities, and each kubelet for its own node. */
export const defaultAuthorizer = (kinds: Kinds): Authorizer => firstThatAllows(namedIdentities, nodeAuthorizer(podsOf(kinds)));
