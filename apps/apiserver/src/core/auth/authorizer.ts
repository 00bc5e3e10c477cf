import type { Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';

import type { ApiRequest, User, Verb } from '../request';

/** What is asked, as Kubernetes' authorizers see it. */
export interface AuthorizationAttributes {
  readonly user: User;
  readonly verb: Verb;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Exact requirements of the request's field selector. */
  readonly fields: Readonly<Record<string, string>>;
  /** The same of its label selector. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A path that is no resource's: `/version`, `/metrics`. The verb is HTTP's method in small letters. */
export interface PathAttributes {
  readonly user: User;
  readonly verb: string;
  readonly path: string;
}

/** 'none' leaves the say to the next authorizer; when none allows, the request is Forbidden. */
export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): 'allow' | 'none';
  /** Absent: has no say about paths. */
  reach?(asked: PathAttributes): 'allow' | 'none';
  /** What a user may do in a namespace, as far as that can be listed. Absent: it cannot. */
  rulesFor?(user: User, namespace: string): UserRules;
}

export interface UserRules {
  readonly rules: readonly { readonly verbs: readonly string[]; readonly apiGroups: readonly string[]; readonly resources: readonly string[]; readonly resourceNames?: readonly string[] }[];
  readonly paths: readonly { readonly verbs: readonly string[]; readonly nonResourceURLs: readonly string[] }[];
  /** There may be more than these. */
  readonly incomplete: boolean;
}

export function attributesOf({ user, verb, target }: Pick<ApiRequest, 'user' | 'verb' | 'target'>, fields: Readonly<Record<string, string>>, labels: Readonly<Record<string, string>> = {}): AuthorizationAttributes {
  const { group, resource, subresource = '', namespace = '', name = '' } = target;
  return { user, verb, group, resource, subresource, namespace, name, fields, labels };
}

export function firstThatAllows(...authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize: (attributes) => (authorizers.some((one) => one.authorize(attributes) === 'allow') ? 'allow' : 'none'),
    reach: (asked) => (authorizers.some((one) => one.reach?.(asked) === 'allow') ? 'allow' : 'none'),
    rulesFor(user, namespace) {
      const known = authorizers.map((one) => one.rulesFor?.(user, namespace) ?? { rules: [], paths: [], incomplete: true });
      return { rules: known.flatMap(({ rules }) => rules), paths: known.flatMap(({ paths }) => paths), incomplete: known.some(({ incomplete }) => incomplete) };
    },
  };
}

/** Refuses nobody for good while `pending`: whoever is not allowed yet is told to come again (Unavailable). */
export function patient(authorizer: Authorizer, pending: () => boolean): Authorizer {
  const or = (answer: 'allow' | 'none'): 'allow' | 'none' => {
    if (answer === 'none' && pending()) throw new ApiError('Unavailable', 'the cluster’s roles are still being made or loaded', { retryAfterSeconds: 1 });
    return answer;
  };
  return {
    authorize: (attributes) => or(authorizer.authorize(attributes)),
    reach: (asked) => or(authorizer.reach?.(asked) ?? 'none'),
    ...(authorizer.rulesFor && { rulesFor: authorizer.rulesFor.bind(authorizer) }),
  };
}

export function notAllowed(attributes: AuthorizationAttributes, resource: Pick<Resource, 'namespaced'>): ApiError {
  const { user, verb, group, resource: plural, subresource, namespace, name } = attributes;
  const what = subresource ? `${plural}/${subresource}` : plural;
  const qualified = group ? `${plural}.${group}` : plural;
  const where = resource.namespaced && namespace ? `in the namespace "${namespace}"` : 'at the cluster scope';
  const subject = name ? `${qualified} "${name}"` : qualified;
  return new ApiError('Forbidden', `${subject} is forbidden: User "${user.name}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`, {
    kind: plural, ...(group && { group }), ...(name && { name }),
  });
}
