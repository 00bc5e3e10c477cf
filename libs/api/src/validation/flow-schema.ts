import type { FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '@navarch/proto/k8s/io/api/flowcontrol/v1/flowcontrol';

import type { FieldError } from '../resource';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from './field-error';
import { dnsLabel, dnsSubdomain } from './names';

const verbNames = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];
const distinguishers = ['ByNamespace', 'ByUser'];
const maxPrecedence = 10_000;

export function validateFlowSchemaSpec({ metadata, spec = {} }: FlowSchema): FieldError[] {
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec;
  const level = priorityLevelConfiguration?.name ?? '';
  return [
    ...validatePrecedence(matchingPrecedence, metadata?.name ?? '', 'spec.matchingPrecedence'),
    ...(distinguisherMethod && !distinguishers.includes(distinguisherMethod.type ?? '') ? [notSupported('spec.distinguisherMethod.type', distinguisherMethod.type ?? '', distinguishers)] : []),
    ...(level === '' ? [required('spec.priorityLevelConfiguration.name', 'must reference a priority level')] : invalidEach('spec.priorityLevelConfiguration.name', level, dnsSubdomain(level))),
    ...rules.flatMap((rule, index) => validateRules(rule, `spec.rules[${index}]`)),
  ];
}

function validatePrecedence(precedence: number, name: string, field: string): FieldError[] {
  if (precedence <= 0) return [invalid(field, precedence, 'must be a positive value')];
  if (precedence > maxPrecedence) return [invalid(field, precedence, `must not be greater than ${maxPrecedence}`)];
  return precedence === 1 && name !== 'exempt' ? [invalid(field, precedence, "only the schema named 'exempt' may have matchingPrecedence 1")] : [];
}

function validateRules({ subjects = [], resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects, field: string): FieldError[] {
  return [
    ...(subjects.length === 0 ? [required(`${field}.subjects`, 'subjects must contain at least one value')] : []),
    ...subjects.flatMap((subject, index) => validateSubject(subject, `${field}.subjects[${index}]`)),
    ...(resourceRules.length + nonResourceRules.length === 0 ? [required(field, 'at least one of resourceRules and nonResourceRules has to be non-empty')] : []),
    ...resourceRules.flatMap((rule, index) => validateResourceRule(rule, `${field}.resourceRules[${index}]`)),
    ...nonResourceRules.flatMap((rule, index) => validateUrlRule(rule, `${field}.nonResourceRules[${index}]`)),
  ];
}

/** The member that says who it is, by kind of subject. */
const subjectMembers = { Group: 'group', ServiceAccount: 'serviceAccount', User: 'user' } as const;

function validateSubject(subject: Subject, field: string): FieldError[] {
  const { kind = '' } = subject;
  if (!Object.hasOwn(subjectMembers, kind)) return [notSupported(`${field}.kind`, kind, Object.keys(subjectMembers))];
  return Object.entries(subjectMembers).flatMap(([of, member]) => {
    const at = `${field}.${member}`;
    if (of !== kind) return subject[member] ? [forbidden(at, `${member} is forbidden when subject kind is not '${of}'`)] : [];
    const who: { name?: string } | undefined = subject[member];
    if (!who) return [required(at, `${member} is required when subject kind is '${of}'`)];
    return member === 'serviceAccount' ? validateServiceAccount(subject[member] ?? {}, at) : who.name ? [] : [required(`${at}.name`)];
  });
}

function validateServiceAccount({ name = '', namespace = '' }: NonNullable<Subject['serviceAccount']>, field: string): FieldError[] {
  return [
    ...(name === '' ? [required(`${field}.name`)] : name === '*' ? [] : invalidEach(`${field}.name`, name, dnsSubdomain(name))),
    ...(namespace === '' ? [required(`${field}.namespace`, 'must specify namespace for service account')] : invalidEach(`${field}.namespace`, namespace, dnsLabel(namespace))),
  ];
}

function alone(field: string, values: readonly string[], what: string): FieldError[] {
  return values.includes('*') && values.length > 1 ? [invalid(field, values, `if '*' is present, must not specify other ${what}`)] : [];
}

function validateVerbs(verbs: readonly string[], field: string): FieldError[] {
  if (verbs.length === 0) return [required(field, 'verbs must contain at least one value')];
  if (verbs.includes('*')) return alone(field, verbs, 'verbs');
  return verbs.every((verb) => verbNames.includes(verb)) ? [] : [notSupported(field, verbs, verbNames)];
}

function validateResourceRule({ verbs = [], apiGroups = [], resources = [], namespaces = [], clusterScope }: ResourcePolicyRule, field: string): FieldError[] {
  const at = `${field}.namespaces`;
  return [
    ...validateVerbs(verbs, `${field}.verbs`),
    ...(apiGroups.length === 0 ? [required(`${field}.apiGroups`, 'resource rules must supply at least one api group')] : alone(`${field}.apiGroups`, apiGroups, 'api groups')),
    ...(resources.length === 0 ? [required(`${field}.resources`, 'resource rules must supply at least one resource')] : alone(`${field}.resources`, resources, 'resources')),
    ...(namespaces.length === 0 && !clusterScope ? [required(at, 'resource rules that are not cluster scoped must supply at least one namespace')] : alone(at, namespaces, 'namespaces')),
    ...(namespaces.includes('*') ? [] : namespaces.flatMap((namespace, index) =>
      invalidEach(`${at}[${index}]`, namespace, dnsLabel(namespace).map((complaint) => `each member of this list must be '*' or a DNS-1123 label; ${complaint}`)))),
  ];
}

function validateUrlRule({ verbs = [], nonResourceURLs = [] }: NonResourcePolicyRule, field: string): FieldError[] {
  const at = `${field}.nonResourceURLs`;
  const errors = validateVerbs(verbs, `${field}.verbs`);
  if (nonResourceURLs.length === 0) return [...errors, required(at, 'nonResourceURLs must contain at least one value')];
  if (nonResourceURLs.includes('*')) return [...errors, ...alone(at, nonResourceURLs, 'non-resource URLs')];
  return [...errors, ...nonResourceURLs.flatMap((path, index) => invalidEach(`${at}[${index}]`, path, urlPath(path)))];
}

/** A path below which a rule holds: no more than one wildcard, and that at the end. */
function urlPath(path: string): string[] {
  if (path === '/') return [];
  if (path === '') return ['must not be empty'];
  if (!path.startsWith('/')) return ['must start with slash'];
  if (path.includes(' ')) return ['must not contain white-space'];
  if (path.includes('//')) return ['must not contain double slash'];
  const wildcards = path.split('*').length - 1;
  return wildcards > 1 || (wildcards === 1 && !path.endsWith('/*')) ? ['wildcard can only do suffix matching'] : [];
}

/** Types of conditions are there, each once. */
export function validateConditionTypes(conditions: readonly { readonly type?: string }[], field: string): FieldError[] {
  const seen = new Set<string>();
  return conditions.flatMap(({ type = '' }, index) => {
    const at = `${field}[${index}].type`;
    const errors = seen.has(type) ? [duplicate(at, type)] : [];
    seen.add(type);
    return type === '' ? [...errors, required(at, 'must not be empty')] : errors;
  });
}
