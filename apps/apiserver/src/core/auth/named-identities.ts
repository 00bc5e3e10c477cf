import type { Verb } from '../request';
import type { AuthorizationAttributes, Authorizer, UserRules } from './authorizer';

interface Rule {
  readonly verbs: readonly (Verb | '*')[];
  /** `plural.group` ('pods.', 'leases.coordination.k8s.io'), or '*'. */
  readonly resources: readonly string[];
  /** '' is the object itself. */
  readonly subresources?: readonly string[];
  readonly namespaces?: readonly string[];
}

const read: readonly Verb[] = ['get', 'list', 'watch'];
const writeEvents: Rule = { verbs: ['create', 'update', 'patch'], resources: ['events.', 'events.events.k8s.io'] };
const elect: Rule = { verbs: [...read, 'create', 'update', 'patch'], resources: ['leases.coordination.k8s.io'], namespaces: ['kube-system'] };

/** What each component needs, by user name. RBAC's bootstrap roles take the place of this table. */
const components: Readonly<Record<string, readonly Rule[]>> = {
  'system:kube-scheduler': [
    { verbs: read, resources: ['*'] },
    { verbs: ['create'], resources: ['pods.'], subresources: ['binding'] },
    { verbs: ['update', 'patch'], resources: ['pods.'], subresources: ['status'] },
    { verbs: ['delete'], resources: ['pods.'] },
    { verbs: ['update', 'patch'], resources: ['persistentvolumeclaims.'] },
    writeEvents, elect,
  ],
  // Garbage collection and namespace deletion act on every kind.
  'system:kube-controller-manager': [
    { verbs: ['*'], resources: ['*'], subresources: ['', 'status', 'finalize', 'scale'] },
  ],
  'system:kube-proxy': [
    { verbs: read, resources: ['nodes.', 'pods.', 'services.', 'endpointslices.discovery.k8s.io', 'namespaces.', 'networkpolicies.networking.k8s.io'] },
    writeEvents,
  ],
  // Each server makes itself an endpoint of kube-system/kube-dns, and shows by a lease that it lives.
  'system:dns': [
    { verbs: read, resources: ['nodes.', 'services.', 'endpointslices.discovery.k8s.io', 'namespaces.'] },
    { verbs: ['create'], resources: ['services.'], namespaces: ['kube-system'] },
    { verbs: [...read, 'create', 'update', 'delete'], resources: ['endpointslices.discovery.k8s.io', 'leases.coordination.k8s.io'], namespaces: ['kube-system'] },
  ],
};

/** Cluster-wide secrets are nobody's to read but the controllers' and the administrators'. */
const secretive = 'secrets.';

/** Until RBAC: administrators may do everything, each component what it needs, nobody else anything. */
export const namedIdentities: Authorizer = {
  authorize(attributes) {
    if (attributes.user.groups.includes('system:masters')) return 'allow';
    const rules = Object.hasOwn(components, attributes.user.name) ? components[attributes.user.name] : undefined;
    return rules?.some((rule) => allows(rule, attributes)) ? 'allow' : 'none';
  },
  rulesFor({ name, groups }, namespace) {
    if (groups.includes('system:masters')) return { rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], incomplete: false };
    const rules = (Object.hasOwn(components, name) ? components[name] ?? [] : []).filter(({ namespaces }) => namespaces?.includes(namespace) ?? true);
    return { rules: rules.flatMap(listed), incomplete: false };
  },
};

/** A rule in the terms of rbac: a rule for each of its groups. */
function listed({ verbs, resources, subresources = [''] }: Rule): UserRules['rules'] {
  return resources.map((resource) => {
    const dot = resource.indexOf('.');
    const [plural, group] = dot < 0 ? [resource, '*'] : [resource.slice(0, dot), resource.slice(dot + 1)];
    return { verbs, apiGroups: [group], resources: subresources.map((subresource) => (subresource === '' ? plural : `${plural}/${subresource}`)) };
  });
}

function allows({ verbs, resources, subresources = [''], namespaces }: Rule, asked: AuthorizationAttributes): boolean {
  const resource = `${asked.resource}.${asked.group}`;
  const anyResource = resources.includes('*') && (resource !== secretive || verbs.includes('*'));
  return (verbs.includes('*') || verbs.includes(asked.verb))
    && (anyResource || resources.includes(resource))
    && subresources.includes(asked.subresource)
    && (namespaces?.includes(asked.namespace) ?? true);
}

