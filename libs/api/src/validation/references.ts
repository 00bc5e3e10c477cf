import type { FieldError } from '../resource';
import { invalid, invalidEach, required } from './field-error';
import { dnsSubdomain, pathSegmentName } from './names';

/** A part of a reference that becomes a segment of a path in the API. */
export function requiredSegment(field: string, value: string | undefined): FieldError[] {
  return value ? invalidEach(field, value, pathSegmentName(value)) : [required(field)];
}

/** A reference to an object by group, kind and name; the field has the JSON name apiGroup. */
export function validateTypedReference({ aPIGroup, apiGroup = aPIGroup, kind, name }: { aPIGroup?: string; apiGroup?: string; kind?: string; name?: string }, field: string): FieldError[] {
  return [
    ...(apiGroup === undefined ? [] : invalidEach(`${field}.apiGroup`, apiGroup, dnsSubdomain(apiGroup))),
    ...requiredSegment(`${field}.kind`, kind), ...requiredSegment(`${field}.name`, name),
  ];
}

/** Names such as acme.io/ingress-controller: a domain and a path. */
export function domainPrefixedPath(field: string, value: string): FieldError[] {
  const slash = value.indexOf('/');
  const [domain, path] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)];
  if (slash < 0 || domain === '' || path === '') return [invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const errors = invalidEach(field, domain, dnsSubdomain(domain));
  return /^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path) ? errors
    : [...errors, invalid(field, path, "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')")];
}

/** Hosts such as *.example.com. */
export function wildcardSubdomain(value: string): string[] {
  const rest = value.startsWith('*.') ? value.slice(2) : '';
  if (rest !== '' && dnsSubdomain(rest).length === 0) return [];
  return ["a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
    + " (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"];
}
