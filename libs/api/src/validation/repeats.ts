import type { FieldError } from '../resource';
import { duplicate } from './field-error';

/** For each value whether it stood in the list before. Linear: the lists are as long as a client likes. */
export function repeats(values: readonly string[]): readonly boolean[] {
  const seen = new Set<string>();
  return values.map((value) => seen.has(value) || (seen.add(value), false));
}

/** A Duplicate for each value that stood in the list before. */
export function duplicates(field: string, values: readonly string[]): FieldError[] {
  const repeated = repeats(values);
  return values.flatMap((value, index) => (repeated[index] ? [duplicate(`${field}[${index}]`, value)] : []));
}
