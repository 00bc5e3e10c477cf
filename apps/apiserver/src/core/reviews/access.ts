import { fieldErrorsToApiError, type FieldError, type Resource } from '@navarch/api';
import type {
  NonResourceAttributes, ResourceAttributes, SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview,
} from '@navarch/proto/k8s/io/api/authorization/v1/authorization';

import type { Authorizer } from '../auth/authorizer';
import { badRequest } from '../errors';
import type { User, Verb } from '../request';

/** May I? */
export function reviewSelf(resource: Resource, review: SelfSubjectAccessReview, user: User, authorizer: Authorizer): SelfSubjectAccessReview {
  const { spec = {} } = review;
  refuse(resource, attributeErrors(spec));
  return { ...review, status: { allowed: isAllowed(user, spec, authorizer) } };
}

/** May somebody else? `namespace`: the one that a local review is confined to. */
export function reviewSubject(resource: Resource, review: SubjectAccessReview, authorizer: Authorizer, namespace?: string): SubjectAccessReview {
  const { spec = {} } = review;
  const { user = '', groups = [], uid } = spec;
  const errors = attributeErrors(spec);
  if (user === '' && groups.length === 0) {
    errors.push({ type: 'Invalid', field: 'spec.user', message: 'Invalid value: "": at least one of user or group must be specified' });
  }
  if (namespace !== undefined && spec.nonResourceAttributes) {
    errors.push({ type: 'Invalid', field: 'spec.nonResourceAttributes', message: 'Invalid value: disallowed on this kind of request' });
  }
  refuse(resource, errors);
  if (namespace !== undefined && spec.resourceAttributes?.namespace !== namespace) {
    throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${spec.resourceAttributes?.namespace ?? ''}`);
  }
  return { ...review, status: { allowed: isAllowed({ name: user, groups, ...(uid && { uid }) }, spec, authorizer) } };
}

/** What may I do in a namespace? As far as the authorizers can list it. */
export function reviewRules(resource: Resource, review: SelfSubjectRulesReview, user: User, authorizer: Authorizer): SelfSubjectRulesReview {
  const namespace = review.spec?.namespace ?? '';
  if (namespace === '') throw badRequest('no namespace on request');
  const { rules, paths, incomplete } = authorizer.rulesFor?.(user, namespace) ?? { rules: [], paths: [], incomplete: true };
  return { ...review, status: {
    resourceRules: rules.map(({ verbs, apiGroups, resources, resourceNames }) => ({
      verbs: [...verbs], apiGroups: [...apiGroups], resources: [...resources], ...(resourceNames && { resourceNames: [...resourceNames] }),
    })),
    nonResourceRules: paths.map(({ verbs, nonResourceURLs }) => ({ verbs: [...verbs], nonResourceURLs: [...nonResourceURLs] })), incomplete,
    ...(incomplete && { evaluationError: 'some of the rules that apply depend on the objects asked for and cannot be listed' }),
  } };
}

interface Asked {
  readonly resourceAttributes?: ResourceAttributes | undefined;
  readonly nonResourceAttributes?: NonResourceAttributes | undefined;
}

function attributeErrors({ resourceAttributes, nonResourceAttributes }: Asked): FieldError[] {
  const message = 'Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified';
  if (resourceAttributes && nonResourceAttributes) return [{ type: 'Invalid', field: 'spec.nonResourceAttributes', message: 'Invalid value: cannot be specified in combination with resourceAttributes' }];
  return resourceAttributes || nonResourceAttributes ? [] : [{ type: 'Invalid', field: 'spec.resourceAttributes', message }];
}

function refuse(resource: Resource, errors: FieldError[]): void {
  if (errors.length > 0) throw fieldErrorsToApiError(resource, '', errors);
}

function isAllowed(user: User, { resourceAttributes, nonResourceAttributes }: Asked, authorizer: Authorizer): boolean {
  if (nonResourceAttributes) return authorizer.reach?.({ user, verb: nonResourceAttributes.verb ?? '', path: nonResourceAttributes.path ?? '' }) === 'allow';
  const { verb = '', group = '', resource = '', subresource = '', namespace = '', name = '', fieldSelector } = resourceAttributes ?? {};
  const fields = Object.fromEntries((fieldSelector?.requirements ?? []).flatMap(({ key = '', operator, values = [] }) => (operator === 'In' && values.length === 1 ? [[key, values[0] ?? '']] : [])));
  // Whoever asks may ask for '*' and for verbs that this server does not have.
  return authorizer.authorize({ user, verb: verb as Verb, group, resource, subresource, namespace, name, fields }) === 'allow';
}
