import type { FieldError } from '../resource';

/** The failures that Kubernetes' field package knows, in its words. */

export function required(field: string, detail = ''): FieldError {
  return { type: 'Required', field, message: `Required value${detail && `: ${detail}`}` };
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { type: 'Invalid', field, message: `Invalid value: ${printValue(value)}: ${detail}` };
}

/** One failure for each complaint of a format checker. */
export function invalidEach(field: string, value: unknown, complaints: readonly string[]): FieldError[] {
  return complaints.map((complaint) => invalid(field, value, complaint));
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((one) => JSON.stringify(one)).join(', ');
  return { type: 'NotSupported', field, message: `Unsupported value: ${printValue(value)}${list && `: supported values: ${list}`}` };
}

export function forbidden(field: string, detail: string): FieldError {
  return { type: 'Forbidden', field, message: `Forbidden: ${detail}` };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { type: 'Duplicate', field, message: `Duplicate value: ${printValue(value)}` };
}

export function tooLong(field: string, limit: number): FieldError {
  return { type: 'TooLong', field, message: `Too long: may not be more than ${limit} bytes` };
}

export function tooMany(field: string, actual: number, limit: number): FieldError {
  return { type: 'TooMany', field, message: `Too many: ${actual}: must have at most ${limit} items` };
}

export function notFound(field: string, value: unknown): FieldError {
  return { type: 'NotFound', field, message: `Not found: ${printValue(value)}` };
}

function printValue(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** Required when absent, NotSupported when not one of the list; none otherwise. */
export function oneOf(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (value === undefined || value === '') return [required(field)];
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

export function oneOfIfSet(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  return value === undefined ? [] : supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

export function nonNegative(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && value < 0 ? [invalid(field, value, 'must be greater than or equal to 0')] : [];
}

/** Within [least, greatest]. */
export function inRange(field: string, value: number | undefined, least: number, greatest: number): FieldError[] {
  return value !== undefined && (value < least || value > greatest)
    ? [invalid(field, value, `must be between ${least} and ${greatest}, inclusive`)] : [];
}
