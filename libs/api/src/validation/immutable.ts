import { deepEqual } from '../deep-equal';
import type { FieldError } from '../resource';
import { forbidden, invalid } from './field-error';

/** What is decided once. */
export function unchanged(field: string, next: unknown, previous: unknown): FieldError[] {
  return deepEqual(next, previous) ? [] : [invalid(field, next, 'field is immutable')];
}

/** The same, in the words of the older kinds. */
export function noUpdates(field: string, next: unknown, previous: unknown): FieldError[] {
  return deepEqual(next, previous) ? [] : [forbidden(field, `updates to ${field} are forbidden.`)];
}
