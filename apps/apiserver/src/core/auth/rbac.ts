import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import type { KindCache } from '../cache/kind-cache';
import type { User } from '../request';
import { accountUser } from '../tokens/claims';
import type { AuthorizationAttributes, Authorizer } from './authorizer';

export const rbacGroup = 'rbac.authorization.k8s.io';

/** The caches that roles and bindings come from. Answers may be a moment old, like every authorization. */
export interface RbacSources {
  readonly roles: KindCache;
  readonly clusterRoles: KindCache;
  readonly roleBindings: KindCache;
  readonly clusterRoleBindings: KindCache;
}

interface Granted {
  /** '' for all of the cluster. */
  readonly namespace: string;
  readonly role: RoleRef;
}

/** Whom a binding speaks of, as a key; a service account is the user it acts as. */
function subjectKey({ kind, name = '', namespace: own }: Subject, namespace: string): string {
  return kind === 'ServiceAccount' ? `User ${accountUser(own ?? namespace, name)}` : `${kind} ${name}`;
}

/** What everybody was granted, by subject; made anew when a binding has changed. */
class Grants {
  private bySubject = new Map<string, Granted[]>();
  private madeAt = '';

  constructor(private readonly sources: RbacSources) {}

  *of({ name, groups }: User): Generator<Granted> {
    const { roleBindings, clusterRoleBindings } = this.sources;
    const now = `${clusterRoleBindings.revision} ${roleBindings.revision}`;
    if (now !== this.madeAt) this.remake();
    this.madeAt = now;
    for (const key of [`User ${name}`, ...groups.map((group) => `Group ${group}`)]) yield* this.bySubject.get(key) ?? [];
  }

  private remake(): void {
    this.bySubject = new Map();
    for (const cache of [this.sources.clusterRoleBindings, this.sources.roleBindings]) {
      for (const { namespace, object } of cache.snapshot().values()) {
        const { roleRef: role, subjects = [] } = object as ClusterRoleBinding | RoleBinding;
        if (!role) continue;
        for (const key of subjects.map((subject) => subjectKey(subject, namespace))) {
          const known = this.bySubject.get(key);
          if (known) known.push({ namespace, role });
          else this.bySubject.set(key, [{ namespace, role }]);
        }
      }
    }
  }
}

/** Roles and their bindings (Kubernetes' RBAC): what no rule allows is not allowed. A decision costs the subject's own bindings, however many others there are. */
export function rbacAuthorizer(sources: RbacSources): Authorizer {
  const grants = new Grants(sources);
  const rulesOfRole = (namespace: string, role: RoleRef): readonly PolicyRule[] => rulesOf(sources, namespace, role) ?? [];
  function* rulesFor(user: User, namespace: string): Generator<PolicyRule> {
    for (const granted of grants.of(user)) {
      if (granted.namespace === '' || granted.namespace === namespace) yield* rulesOfRole(granted.namespace, granted.role);
    }
  }
  return {
    authorize(asked) {
      for (const rule of rulesFor(asked.user, asked.namespace)) if (allows(rule, asked)) return 'allow';
      return 'none';
    },
    rulesFor: (user, namespace) => ({
      incomplete: false,
      rules: [...rulesFor(user, namespace)].filter(({ resources = [] }) => resources.length > 0).map(({ verbs = [], apiGroups = [], resources = [], resourceNames = [] }) => ({
        verbs, apiGroups, resources, ...(resourceNames.length > 0 && { resourceNames }),
      })),
    }),
  };
}

/** The rules of the role that a binding in this namespace ('' for none) refers to; undefined where there is no such role. */
export function rulesOf({ roles, clusterRoles }: RbacSources, namespace: string, { kind, name = '' }: RoleRef): readonly PolicyRule[] | undefined {
  const found = kind === 'ClusterRole' ? clusterRoles.get('', name) : roles.get(namespace, name);
  return found && ((found.object as Role | ClusterRole).rules ?? []);
}

export function allows({ verbs = [], apiGroups = [], resources = [], resourceNames = [] }: PolicyRule, asked: AuthorizationAttributes): boolean {
  const { verb, group, resource, subresource, name, fields } = asked;
  if (!has(verbs, verb) || !has(apiGroups, group)) return false;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  if (!has(resources, whole) && !(subresource !== '' && resources.includes(`*/${subresource}`))) return false;
  // A list or watch of one name is a question about that name.
  return resourceNames.length === 0 || resourceNames.includes(name || (fields['metadata.name'] ?? ''));
}

const has = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted);
