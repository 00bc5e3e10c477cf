import type { MatchCondition, MatchResources, NamedRuleWithOperations, Rule, RuleWithOperations } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import type { FieldError } from '../resource';
import { duplicate, invalid, invalidEach, notSupported, oneOf, oneOfIfSet, required, tooMany } from './field-error';
import { pathSegmentName, qualifiedName } from './names';
import { duplicates } from './repeats';
import { validateLabelSelector } from './scheduling';

/** What webhooks and admission policies have in common: which requests they are for. */
export const failurePolicies = ['Fail', 'Ignore'];
export const matchPolicies = ['Equivalent', 'Exact'];
export const reinvocationPolicies = ['IfNeeded', 'Never'];
const operationNames = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const maxConditions = 64;

export function setRuleDefaults(rules: readonly RuleWithOperations[] | undefined): void {
  for (const entry of rules ?? []) entry.rule = { ...entry.rule, scope: entry.rule?.scope ?? '*' };
}

export function setMatchDefaults(match: MatchResources | undefined): void {
  if (!match) return;
  match.matchPolicy ??= 'Equivalent';
  match.namespaceSelector ??= {};
  match.objectSelector ??= {};
  for (const named of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) {
    named.ruleWithOperations ??= {};
    setRuleDefaults([named.ruleWithOperations]);
  }
}

export function validateMatchResources(match: MatchResources, field: string): FieldError[] {
  return [
    ...oneOf(`${field}.matchPolicy`, match.matchPolicy, matchPolicies),
    ...(['namespaceSelector', 'objectSelector'] as const).flatMap((member) =>
      (match[member] ? validateLabelSelector(match[member], `${field}.${member}`) : [required(`${field}.${member}`)])),
    ...(['resourceRules', 'excludeResourceRules'] as const).flatMap((member) =>
      (match[member] ?? []).flatMap((rule, index) => validateNamedRule(rule, `${field}.${member}[${index}]`))),
  ];
}

function validateNamedRule({ resourceNames = [], ruleWithOperations = {} }: NamedRuleWithOperations, field: string): FieldError[] {
  return [
    ...resourceNames.flatMap((name, index) => invalidEach(`${field}.resourceNames[${index}]`, name, pathSegmentName(name))), ...duplicates(`${field}.resourceNames`, resourceNames),
    ...validateRule(ruleWithOperations, field),
  ];
}

export function validateRule({ operations = [], rule = {} }: RuleWithOperations, field: string): FieldError[] {
  return [
    ...(operations.length === 0 ? [required(`${field}.operations`)] : []), ...wildcardAlone(`${field}.operations`, operations, 'operations'),
    ...operations.flatMap((operation, index) => (operationNames.includes(operation) ? [] : [notSupported(`${field}.operations[${index}]`, operation, operationNames)])),
    ...validateTargets(rule, field),
  ];
}

function wildcardAlone(field: string, values: readonly string[], what: string): FieldError[] {
  return values.length > 1 && values.includes('*') ? [invalid(field, values, `if '*' is present, must not specify other ${what}`)] : [];
}

function validateTargets({ apiGroups = [], apiVersions = [], resources = [], scope }: Rule, field: string): FieldError[] {
  return [
    ...(apiGroups.length === 0 ? [required(`${field}.apiGroups`)] : []), ...wildcardAlone(`${field}.apiGroups`, apiGroups, 'API groups'),
    ...(apiVersions.length === 0 ? [required(`${field}.apiVersions`)] : []), ...wildcardAlone(`${field}.apiVersions`, apiVersions, 'API versions'),
    ...apiVersions.flatMap((version, index) => (version === '' ? [required(`${field}.apiVersions[${index}]`)] : [])),
    ...validateResources(resources, `${field}.resources`),
    ...oneOfIfSet(`${field}.scope`, scope, ['*', 'Cluster', 'Namespaced']),
  ];
}

/** Resources and subresources as `a`, `a/b`, with wildcards on either side that must not repeat one another. */
function validateResources(resources: readonly string[], field: string): FieldError[] {
  if (resources.length === 0) return [required(field)];
  const wild = new Set<string>();
  const errors = resources.flatMap((entry, index) => {
    const at = `${field}[${index}]`;
    if (entry === '') return [required(at)];
    const slash = entry.indexOf('/');
    if (slash < 0) return [];
    const patterns = [`${entry.slice(0, slash)}/*`, `*/${entry.slice(slash + 1)}`];
    const covered = patterns.filter((pattern) => wild.has(pattern)).map((pattern) => invalid(at, entry, `if '${pattern}' is present, must not specify ${entry}`));
    if (patterns.includes(entry)) wild.add(entry);
    return covered;
  });
  if (resources.length > 1 && resources.includes('*/*')) errors.push(invalid(field, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes('*') && resources.some((entry) => entry !== '*' && entry !== '' && !entry.includes('/'))) {
    errors.push(invalid(field, resources, "if '*' is present, must not specify other resources without subresources"));
  }
  return errors;
}

/** Names and presence; what the expressions say is judged where they are run. */
export function validateConditions(conditions: readonly MatchCondition[], field: string): FieldError[] {
  const names = new Set<string>();
  return [
    ...(conditions.length > maxConditions ? [tooMany(field, conditions.length, maxConditions)] : []),
    ...conditions.flatMap(({ name = '', expression = '' }, index) => {
      const at = `${field}[${index}]`;
      const errors = expression.trim() === '' ? [required(`${at}.expression`)] : [];
      if (name === '') return [...errors, required(`${at}.name`)];
      errors.push(...invalidEach(`${at}.name`, name, qualifiedName(name)));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
      return errors;
    }),
  ];
}
