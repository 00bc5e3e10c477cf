import type { ResourceQuota, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { amountOf, compareQuantity } from '../../scalars/quantity';
import { forbidden, invalid, invalidEach, required } from '../../validation/field-error';
import { qualifiedName } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };

const counted = new Set(['pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers']);
const measured = new Set([
  'cpu', 'memory', 'ephemeral-storage', 'storage', 'requests.cpu', 'requests.memory', 'requests.storage', 'requests.ephemeral-storage',
  'limits.cpu', 'limits.memory', 'limits.ephemeral-storage',
]);
const isHugePages = (name: string): boolean => /^(requests\.)?hugepages-/.test(name);

/** Scopes, and whether a quota in them may limit a resource (only pods and what pods use can be told apart). */
const podScopes = ['BestEffort', 'CrossNamespacePodAffinity', 'NotBestEffort', 'NotTerminating', 'PriorityClass', 'Terminating'];
const scopes = [...podScopes, 'VolumeAttributesClass'];
const podResources = /^(pods|cpu|memory|ephemeral-storage|(requests|limits)\.(cpu|memory|ephemeral-storage))$/;
const conflicts = [['BestEffort', 'NotBestEffort'], ['Terminating', 'NotTerminating']] as const;

function validateAmounts(list: { readonly [name: string]: Quantity } | undefined, field: string): FieldError[] {
  return Object.entries(list ?? {}).flatMap(([name, amount]) => [...validateName(name, `${field}[${name}]`), ...validateAmount(name, amount, `${field}[${name}]`)]);
}

function validateName(name: string, field: string): FieldError[] {
  const complaints = qualifiedName(name);
  if (complaints.length > 0) return invalidEach(field, name, complaints);
  return name.includes('/') || counted.has(name) || measured.has(name) || isHugePages(name) ? [] : [invalid(field, name, 'must be a standard resource for quota')];
}

function validateAmount(name: string, amount: Quantity, field: string): FieldError[] {
  if (compareQuantity(amount, undefined) < 0) return [invalid(field, amount.string, 'must be greater than or equal to 0')];
  const { mantissa, exponent } = amountOf(amount);
  const whole = exponent >= 0 || mantissa % 10n ** BigInt(-exponent) === 0n;
  return counted.has(name) && !whole ? [invalid(field, amount.string, 'must be an integer')] : [];
}

function validateScopes({ hard = {}, scopes: named = [], scopeSelector }: ResourceQuotaSpec): FieldError[] {
  const expressions = scopeSelector?.matchExpressions ?? [];
  return [
    ...validateScopeList(named, Object.keys(hard), 'spec.scopes'),
    ...(scopeSelector ? [...validateScopeList(expressions.map(({ scopeName = '' }) => scopeName), Object.keys(hard), 'spec.scopeSelector.matchExpressions.scopeName'), ...expressions.flatMap(validateExpression)] : []),
  ];
}

function validateScopeList(named: readonly string[], resources: readonly string[], field: string): FieldError[] {
  const errors = named.flatMap((scope) => {
    if (!scopes.includes(scope)) return [invalid(field, named, 'unsupported scope')];
    const fits = (resource: string): boolean => (scope === 'BestEffort' ? resource === 'pods' : podScopes.includes(scope) ? podResources.test(resource) : true);
    return resources.filter((resource) => !fits(resource)).map(() => invalid(field, named, 'unsupported scope applied to resource'));
  });
  const clash = conflicts.some((pair) => pair.every((scope) => named.includes(scope)));
  return clash ? [...errors, invalid(field, named, 'conflicting scopes')] : errors;
}

function validateExpression({ scopeName = '', operator = '', values = [] }: ScopedResourceSelectorRequirement): FieldError[] {
  const field = 'spec.scopeSelector.matchExpressions';
  const plain = !['PriorityClass', 'VolumeAttributesClass'].includes(scopeName);
  const errors: FieldError[] = [];
  if (plain && scopes.includes(scopeName) && operator !== 'Exists') errors.push(invalid(`${field}.operator`, operator, "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"));
  switch (operator) {
    case 'In': case 'NotIn': return values.length === 0 ? [...errors, required(`${field}.values`, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")] : errors;
    case 'Exists': case 'DoesNotExist': return values.length > 0 ? [...errors, forbidden(`${field}.values`, "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")] : errors;
    default: return [...errors, invalid(`${field}.operator`, operator, 'not a valid selector operator')];
  }
}

const validate = ({ spec = {} }: ResourceQuota): FieldError[] => [...validateAmounts(spec.hard, 'spec.hard'), ...validateScopes(spec)];

function validateUpdate(next: ResourceQuota, previous: ResourceQuota): FieldError[] {
  const [after, before] = [next, previous].map(({ spec }) => [...new Set(spec?.scopes ?? [])].sort().join());
  return [
    ...validateMetaUpdate(next, previous, meta), ...validate(next),
    ...(after === before ? [] : [invalid('spec.scopes', next.spec?.scopes ?? [], 'field is immutable')]),
  ];
}

/** `cpu: 1/4, memory: 2Gi/8Gi`, of limits or of everything else. */
function usageText({ status = {} }: ResourceQuota, limits: boolean): string {
  const names = Object.keys(status.hard ?? {}).filter((name) => name.startsWith('limits.') === limits).sort();
  return names.map((name) => `${name}: ${status.used?.[name]?.string ?? '0'}/${status.hard?.[name]?.string ?? '0'}`).join(', ');
}

export const resourceQuotas = defineResource<ResourceQuota>({
  group: '', version: 'v1', kind: 'ResourceQuota', plural: 'resourcequotas', shortNames: ['quota'], namespaced: true,
  subresources: ['status'],
  codec: codecFor<ResourceQuota>('k8s.io.api.core.v1.ResourceQuota'),
  ...statusOnly<ResourceQuota>(),
  validateCreate: (quota) => [...validateMeta(quota, meta), ...validate(quota)],
  validateUpdate,
  status: statusStrategy((next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validateAmounts(next.status?.hard, 'status.hard'), ...validateAmounts(next.status?.used, 'status.used'),
  ]),
  columns: [
    nameColumn,
    { name: 'Request', type: 'string', description: 'What is used, of what may be.', value: (quota) => usageText(quota, false) },
    { name: 'Limit', type: 'string', description: 'The same for limits.', value: (quota) => usageText(quota, true) },
    ageColumn,
  ],
});
