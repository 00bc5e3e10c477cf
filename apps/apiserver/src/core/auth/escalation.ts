import { deepEqual, type ApiObject } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import type { AdmissionAttributes, AdmissionPlugin } from '../admission/admission';
import { forbidden, qualified } from '../errors';
import type { Verb } from '../request';
import type { Authorizer } from './authorizer';
import { rbacGroup, rulesOf, type RbacSources } from './rbac';
import { isHeld } from './rules';
import { superuserGroup } from './superusers';

const roleKinds = new Set(['roles', 'clusterroles']);
const bindingKinds = new Set(['rolebindings', 'clusterrolebindings']);

/**
 * Nobody grants what they do not have (Kubernetes' privilege escalation prevention): a role may only say, and a binding only give, what its
 * writer may do there too; unless the writer may `escalate` roles, or `bind` this one.
 */
export function escalationCheck(sources: () => RbacSources, authorizer: () => Authorizer): AdmissionPlugin {
  return {
    name: 'PrivilegeEscalation',
    handles: ({ resource, operation }) => resource.group === rbacGroup && operation !== 'DELETE',
    validate(attributes) {
      const { resource, user, object, oldObject, namespace, name } = attributes;
      if (user.groups.includes(superuserGroup) || onlyHousekeeping(object, oldObject)) return;
      const may = (verb: string, plural: string, of: string): boolean => authorizer().authorize({
        user, verb: verb as Verb, group: rbacGroup, resource: plural, subresource: '', namespace, name: of, fields: {},
      }) === 'allow';
      if (roleKinds.has(resource.plural)) {
        const { rules = [], aggregationRule } = object as ClusterRole;
        // Whatever an aggregated role will gather is not known yet: only who may do everything may say so.
        const gathers = aggregationRule && JSON.stringify(aggregationRule) !== JSON.stringify((oldObject as ClusterRole | undefined)?.aggregationRule);
        if (may('escalate', resource.plural, name)) return;
        mustHold(attributes, [...rules, ...(gathers ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }, { verbs: ['*'], nonResourceURLs: ['*'] }] : [])], authorizer());
      } else if (bindingKinds.has(resource.plural)) {
        const { roleRef = {} } = object as ClusterRoleBinding;
        const plural = roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
        if (may('bind', plural, roleRef.name ?? '')) return;
        const rules = rulesOf(sources(), namespace, roleRef);
        if (!rules) throw new ApiError('NotFound', `${qualified({ group: rbacGroup, plural })} "${roleRef.name}" not found`);
        mustHold(attributes, rules, authorizer());
      }
    },
  };
}

/** The garbage collector may set owners and take finalizers away, whatever a role says. */
function onlyHousekeeping(object: ApiObject | undefined, oldObject: ApiObject | undefined): boolean {
  const rest = (one: ApiObject): ApiObject => ({ ...one, metadata: { ...one.metadata, ownerReferences: undefined, finalizers: undefined, managedFields: undefined } });
  return !!object && !!oldObject && deepEqual(rest(object), rest(oldObject));
}

function mustHold({ user, resource, namespace, name }: AdmissionAttributes, rules: readonly PolicyRule[], authorizer: Authorizer): void {
  const { rules: things = [], paths = [] } = authorizer.rulesFor?.(user, namespace) ?? {};
  const held = [...things, ...paths];
  const missing = rules.filter((rule) => !isHeld(rule, held));
  if (missing.length === 0) return;
  const groups = user.groups.map((group) => JSON.stringify(group)).join(' ');
  throw forbidden(resource, name, `user ${JSON.stringify(user.name)} (groups=[${groups}]) is attempting to grant RBAC permissions not currently held:\n${missing.map(ruleText).join('\n')}`);
}

function ruleText({ verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule): string {
  const parts = { APIGroups: apiGroups, Resources: resources, ResourceNames: resourceNames, NonResourceURLs: nonResourceURLs, Verbs: verbs };
  return `{${Object.entries(parts).filter(([, values]) => values.length > 0).map(([key, values]) => `${key}:${JSON.stringify(values)}`).join(', ')}}`;
}
