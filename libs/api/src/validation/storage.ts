import type { FieldError } from '../resource';
import { invalid, invalidEach, required, tooLong } from './field-error';
import { dnsSubdomain, qualifiedName } from './names';

const maxParameters = 512;
const maxParameterBytes = 256 * 1024;
const maxDriverName = 63;

/** Names of drivers and provisioners, which may be written with capitals. */
export function validateProvisioner(field: string, name: string): FieldError[] {
  return name === '' ? [required(field)] : invalidEach(field, name, qualifiedName(name.toLowerCase()));
}

export function validateParameters(field: string, parameters: Readonly<Record<string, string>>): FieldError[] {
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) return [tooLong(field, maxParameters)];
  const errors = entries.flatMap(([key]) => (key === '' ? [invalid(field, key, 'field can not be empty.')] : []));
  return textBytes(parameters) > maxParameterBytes ? [...errors, tooLong(field, maxParameterBytes)] : errors;
}

/** Of all keys and values together. */
export function textBytes(entries: Readonly<Record<string, string>>): number {
  return Object.entries(entries).reduce((total, [key, value]) => total + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
}

export function validateDriverName(field: string, name = ''): FieldError[] {
  return [
    ...(name === '' ? [required(field)] : []), ...(name.length > maxDriverName ? [tooLong(field, maxDriverName)] : []),
    ...invalidEach(field, name, dnsSubdomain(name.toLowerCase())),
  ];
}
