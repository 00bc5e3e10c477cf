import type { MatchResources, ParamKind, ParamRef, Variable } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import type { FieldError } from '../resource';
import { validateMatchResources } from './admission-rules';
import { forbidden, invalid, invalidEach, oneOf, required } from './field-error';
import { dns1035Label, dnsSubdomain, pathSegmentName } from './names';
import { validateLabelSelector } from './scheduling';

const reserved = new Set([
  'true', 'false', 'null', 'in', 'as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while',
]);

/** A policy must say for which resources it is. */
export function validateConstraints(match: MatchResources | undefined): FieldError[] {
  const field = 'spec.matchConstraints';
  if (!match) return [required(field)];
  return [...validateMatchResources(match, field), ...(match.resourceRules?.length ? [] : [required(`${field}.resourceRules`)])];
}

export function validateParamKind(kind: ParamKind | undefined): FieldError[] {
  if (!kind) return [];
  return [...validateApiVersion(kind.apiVersion ?? '', 'spec.paramKind.apiVersion'), ...validateKindName(kind.kind ?? '', 'spec.paramKind.kind')];
}

function validateApiVersion(apiVersion: string, field: string): FieldError[] {
  if (apiVersion === '') return [required(field)];
  const parts = apiVersion.split('/');
  if (parts.length > 2) return [invalid(field, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  const [group, version] = parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : ['', apiVersion];
  const groupComplaints = group === '' ? [] : dnsSubdomain(group);
  const errors = groupComplaints.length > 0 ? [invalid(field, group, groupComplaints.join(','))] : [];
  if (version === '') return [...errors, invalid(field, apiVersion, 'version must be specified')];
  const complaints = dns1035Label(version);
  return complaints.length > 0 ? [...errors, invalid(field, version, complaints.join(','))] : errors;
}

function validateKindName(kind: string, field: string): FieldError[] {
  if (kind === '') return [required(field)];
  const complaints = dns1035Label(kind.toLowerCase());
  return complaints.length > 0 ? [invalid(field, kind, `may have mixed case, but should otherwise match: ${complaints.join(',')}`)] : [];
}

/** Names are identifiers of CEL; the expressions are judged where they are run. */
export function validateVariables(variables: readonly Variable[]): FieldError[] {
  return variables.flatMap(({ Name: name = '', Expression: expression = '' }, index) => {
    const field = `spec.variables[${index}]`;
    const errors = name.trim() === '' ? [required(`${field}.name`, 'name is not specified')]
      : /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !reserved.has(name) ? [] : [invalid(`${field}.name`, name, 'name is not a valid CEL identifier')];
    return expression.trim() === '' ? [...errors, required(`${field}.expression`, 'expression is not specified')] : errors;
  });
}

interface BindingSpec {
  readonly policyName?: string;
  readonly paramRef?: ParamRef;
  readonly matchResources?: MatchResources;
}

/** What bindings of validating and mutating policies have in common. */
export function validateBindingSpec({ policyName = '', paramRef, matchResources }: BindingSpec): FieldError[] {
  return [
    ...(policyName === '' ? [required('spec.policyName')] : invalidEach('spec.policyName', policyName, dnsSubdomain(policyName))),
    ...(paramRef ? validateParamRef(paramRef, 'spec.paramRef') : []),
    // The path is misspelt in Kubernetes too.
    ...(matchResources ? validateMatchResources(matchResources, 'spec.matchResouces') : []),
  ];
}

function validateParamRef({ name = '', selector, parameterNotFoundAction }: ParamRef, field: string): FieldError[] {
  const exclusive = 'name and selector are mutually exclusive';
  return [
    ...(name === '' ? [] : invalidEach(`${field}.name`, name, pathSegmentName(name))),
    ...(name !== '' && selector ? [forbidden(`${field}.name`, exclusive)] : []),
    ...validateLabelSelector(selector, `${field}.selector`),
    ...(name !== '' && selector ? [forbidden(`${field}.selector`, exclusive)] : []),
    ...(name === '' && !selector ? [required(field, 'one of name or selector must be specified')] : []),
    ...oneOf(`${field}.parameterNotFoundAction`, parameterNotFoundAction, ['Deny', 'Allow']),
  ];
}
