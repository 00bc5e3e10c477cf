/** What a rule says, and whether one rule says what another does (Kubernetes' rbac/v1 semantics). */
export interface Rule {
  readonly verbs?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export interface Question {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
}

const has = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted);

/** Leaves the objects' names aside. */
export function answers({ verbs = [], apiGroups = [], resources = [] }: Rule, { verb, group, resource, subresource }: Question): boolean {
  return has(verbs, verb) && has(apiGroups, group) && coversResource(resources, subresource === '' ? resource : `${resource}/${subresource}`);
}

export function answersPath({ verbs = [], nonResourceURLs = [] }: Rule, verb: string, path: string): boolean {
  return has(verbs, verb) && coversPath(nonResourceURLs, path);
}

/** Every single thing that the rule allows is allowed by one of the rules held. */
export function isHeld({ verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: Rule, held: readonly Rule[]): boolean {
  const names = resourceNames.length > 0 ? resourceNames : [undefined];
  return verbs.every((verb) => nonResourceURLs.every((path) => held.some((rule) => answersPath(rule, verb, path)))
    && apiGroups.every((group) => resources.every((whole) => names.every((name) => held.some((rule) =>
      has(rule.verbs ?? [], verb) && has(rule.apiGroups ?? [], group) && coversResource(rule.resources ?? [], whole)
      && (!rule.resourceNames?.length || (name !== undefined && rule.resourceNames.includes(name))))))));
}

function coversResource(held: readonly string[], wanted: string): boolean {
  const slash = wanted.indexOf('/');
  return has(held, wanted) || (slash >= 0 && held.includes(`*/${wanted.slice(slash + 1)}`));
}

/** `/apis/*` is every path that begins so; a star elsewhere means itself. */
const coversPath = (held: readonly string[], path: string): boolean =>
  held.some((one) => one === path || (one.endsWith('*') && path.startsWith(one.slice(0, -1))));
