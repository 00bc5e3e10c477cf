import type { ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import type { KindCache } from '../cache/kind-cache';
import type { User } from '../request';
import { accountUser } from '../tokens/claims';
import type { AuthorizationAttributes, Authorizer } from './authorizer';
import { answers, answersPath } from './rules';

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

/** Users whose rules are kept, and questions whose answers are kept for each; beyond that they are found anew. */
const maxUsers = 2_000;
const maxQuestions = 4_000;

/** Whom a binding speaks of, as a key; a service account is the user it acts as. */
function subjectKey({ kind, name = '', namespace: own }: Subject, namespace: string): string {
  return kind === 'ServiceAccount' ? `User ${accountUser(own ?? namespace, name)}` : `${kind} ${name}`;
}

function grantsBySubject({ roleBindings, clusterRoleBindings }: RbacSources): ReadonlyMap<string, readonly Granted[]> {
  const bySubject = new Map<string, Granted[]>();
  for (const cache of [clusterRoleBindings, roleBindings]) {
    for (const { namespace, object } of cache.snapshot().values()) {
      const { roleRef: role, subjects = [] } = object as ClusterRoleBinding | RoleBinding;
      if (!role) continue;
      for (const key of subjects.map((subject) => subjectKey(subject, namespace))) {
        const known = bySubject.get(key);
        if (known) known.push({ namespace, role });
        else bySubject.set(key, [{ namespace, role }]);
      }
    }
  }
  return bySubject;
}

/** What one user was granted, resolved to rules; answers once found are kept, whatever the object's name. */
class UserGrants {
  /** By namespace; '' holds in all of them. */
  private readonly rules = new Map<string, PolicyRule[]>();
  /** Names for which a question is answered with yes; 'any' for all. */
  private readonly answered = new Map<string, 'any' | ReadonlySet<string>>();

  constructor(granted: Iterable<Granted>, rulesOfRole: (granted: Granted) => readonly PolicyRule[]) {
    for (const one of granted) {
      const known = this.rules.get(one.namespace);
      if (known) known.push(...rulesOfRole(one));
      else this.rules.set(one.namespace, [...rulesOfRole(one)]);
    }
  }

  in(namespace: string): readonly PolicyRule[] {
    const everywhere = this.rules.get('') ?? [];
    return namespace !== '' && this.rules.has(namespace) ? [...everywhere, ...(this.rules.get(namespace) ?? [])] : everywhere;
  }

  allow({ verb, group, resource, subresource, namespace, name, fields }: AuthorizationAttributes): boolean {
    const where = this.rules.has(namespace) ? namespace : '';
    // JSON, because whoever asks chooses each part: no two questions may look alike.
    const key = JSON.stringify([verb, group, resource, subresource, where]);
    let names = this.answered.get(key);
    if (names === undefined) {
      names = namesFor(this.in(where).filter((rule) => answers(rule, { verb, group, resource, subresource })));
      if (this.answered.size >= maxQuestions) this.answered.clear();
      this.answered.set(key, names);
    }
    // A list or watch of one name is a question about that name.
    return names === 'any' || names.has(name || (fields['metadata.name'] ?? ''));
  }
}

function namesFor(rules: readonly PolicyRule[]): 'any' | ReadonlySet<string> {
  if (rules.some(({ resourceNames = [] }) => resourceNames.length === 0)) return 'any';
  return new Set(rules.flatMap(({ resourceNames = [] }) => resourceNames));
}

/** What everybody was granted, made anew when a role or binding has changed. */
class Grants {
  private bySubject: ReadonlyMap<string, readonly Granted[]> = new Map();
  private readonly users = new Map<string, UserGrants>();
  private madeAt: readonly number[] = [];
  private readonly caches: readonly KindCache[];

  constructor(private readonly sources: RbacSources) {
    this.caches = [sources.clusterRoles, sources.clusterRoleBindings, sources.roles, sources.roleBindings];
  }

  of({ name, groups }: User): UserGrants {
    if (this.caches.some(({ revision }, index) => revision !== this.madeAt[index])) this.forget();
    const key = JSON.stringify([name, groups]);
    const known = this.users.get(key);
    if (known) return known;
    if (this.users.size >= maxUsers) this.users.clear();
    const granted = [`User ${name}`, ...groups.map((group) => `Group ${group}`)].flatMap((subject) => this.bySubject.get(subject) ?? []);
    const made = new UserGrants(granted, ({ namespace, role }) => rulesOf(this.sources, namespace, role) ?? []);
    this.users.set(key, made);
    return made;
  }

  private forget(): void {
    this.madeAt = this.caches.map(({ revision }) => revision);
    this.users.clear();
    this.bySubject = grantsBySubject(this.sources);
  }
}

/**
 * Roles and their bindings (Kubernetes' RBAC): what no rule allows is not allowed. A question asked before costs a look into a map, until a
 * role or binding changes.
 */
export function rbacAuthorizer(sources: RbacSources): Authorizer {
  const grants = new Grants(sources);
  return {
    authorize: (asked) => (grants.of(asked.user).allow(asked) ? 'allow' : 'none'),
    reach: ({ user, verb, path }) => (grants.of(user).in('').some((rule) => answersPath(rule, verb, path)) ? 'allow' : 'none'),
    rulesFor(user, namespace) {
      const rules = grants.of(user).in(namespace);
      return {
        incomplete: false,
        rules: rules.filter(({ resources = [] }) => resources.length > 0).map(({ verbs = [], apiGroups = [], resources = [], resourceNames = [] }) => ({
          verbs, apiGroups, resources, ...(resourceNames.length > 0 && { resourceNames }),
        })),
        // A role within a namespace has no say about paths.
        paths: grants.of(user).in('').filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0).map(({ verbs = [], nonResourceURLs = [] }) => ({ verbs, nonResourceURLs })),
      };
    },
  };
}

/** The rules of the role that a binding in this namespace ('' for none) refers to; undefined where there is no such role. */
export function rulesOf({ roles, clusterRoles }: RbacSources, namespace: string, { kind, name = '' }: RoleRef): readonly PolicyRule[] | undefined {
  const found = kind === 'ClusterRole' ? clusterRoles.get('', name) : roles.get(namespace, name);
  return found && ((found.object as Role | ClusterRole).rules ?? []);
}
