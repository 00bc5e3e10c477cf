import type { PolicyRule, RoleRef, Subject } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { deepEqual } from '../deep-equal';
import type { FieldError } from '../resource';
import { invalid, invalidEach, notSupported, required } from './field-error';
import { dnsSubdomain, pathSegmentName } from './names';

export const rbacGroup = 'rbac.authorization.k8s.io';

export function validateRules(rules: readonly PolicyRule[] | undefined, namespaced: boolean): FieldError[] {
  return (rules ?? []).flatMap((rule, index) => validateRule(rule, namespaced, `rules[${index}]`));
}

function validateRule({ verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }: PolicyRule, namespaced: boolean, field: string): FieldError[] {
  const errors = verbs.length === 0 ? [required(`${field}.verbs`, 'verbs must contain at least one value')] : [];
  if (nonResourceURLs.length > 0) {
    const at = `${field}.nonResourceURLs`;
    if (namespaced) errors.push(invalid(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'));
    if (apiGroups.length + resources.length + resourceNames.length > 0) errors.push(invalid(at, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'));
    return errors;
  }
  if (apiGroups.length === 0) errors.push(required(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
  if (resources.length === 0) errors.push(required(`${field}.resources`, 'resource rules must supply at least one resource'));
  return errors;
}

interface Binding {
  roleRef?: RoleRef;
  subjects?: Subject[];
}

/** Roles and users without a group are of RBAC's own; service accounts are of the core group. */
export function setBindingDefaults(binding: Binding): void {
  binding.roleRef = { ...binding.roleRef, apiGroup: binding.roleRef?.apiGroup ?? rbacGroup };
  for (const subject of binding.subjects ?? []) if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ??= rbacGroup;
}

export function validateBinding({ roleRef = {}, subjects = [] }: Binding, roleKinds: readonly string[], namespaced: boolean): FieldError[] {
  const { apiGroup = '', kind = '', name = '' } = roleRef;
  return [
    ...(apiGroup === rbacGroup ? [] : [notSupported('roleRef.apiGroup', apiGroup, [rbacGroup])]),
    ...(roleKinds.includes(kind) ? [] : [notSupported('roleRef.kind', kind, roleKinds)]),
    ...(name === '' ? [required('roleRef.name')] : invalidEach('roleRef.name', name, pathSegmentName(name))),
    ...subjects.flatMap((subject, index) => validateSubject(subject, namespaced, `subjects[${index}]`)),
  ];
}

export function validateSameRole(next: Binding, previous: Binding): FieldError[] {
  return deepEqual(next.roleRef, previous.roleRef) ? [] : [invalid('roleRef', next.roleRef, 'cannot change roleRef')];
}

function validateSubject({ kind = '', name = '', apiGroup = '', namespace = '' }: Subject, namespaced: boolean, field: string): FieldError[] {
  const errors = name === '' ? [required(`${field}.name`)] : [];
  switch (kind) {
    case 'ServiceAccount':
      if (name !== '') errors.push(...invalidEach(`${field}.name`, name, dnsSubdomain(name)));
      if (apiGroup !== '') errors.push(notSupported(`${field}.apiGroup`, apiGroup, ['']));
      return !namespaced && namespace === '' ? [...errors, required(`${field}.namespace`)] : errors;
    case 'User': case 'Group':
      if (name === '') errors.push(invalid(`${field}.name`, name, `${kind.toLowerCase()} name cannot be empty`));
      return apiGroup === rbacGroup ? errors : [...errors, notSupported(`${field}.apiGroup`, apiGroup, [rbacGroup])];
    default:
      return [...errors, notSupported(`${field}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
  }
}
