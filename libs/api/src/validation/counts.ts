import type { FieldError } from '../resource';
import { invalid, nonNegative } from './field-error';

type Counts<K extends string> = { readonly [name in K]?: number | undefined };

/** None of these is negative. */
export function validateCounts<K extends string>(status: Counts<K> | undefined, field: string, names: readonly K[]): FieldError[] {
  return names.flatMap((name) => nonNegative(`${field}.${name}`, status?.[name]));
}

/** No part is greater than the whole; `wholeText` is what the complaint calls the whole. */
export function validateParts<K extends string, W extends string>(
  status: (Counts<K> & Counts<W>) | undefined, field: string, parts: readonly K[], whole: W, wholeText: string,
): FieldError[] {
  const limit = status?.[whole] ?? 0;
  return parts.flatMap((name) => {
    const part = status?.[name] ?? 0;
    return part > limit ? [invalid(`${field}.${name}`, part, `cannot be greater than ${wholeText}`)] : [];
  });
}

export function notDecremented(field: string, next: number | undefined, previous: number | undefined): FieldError[] {
  return previous !== undefined && (next ?? -1) < previous ? [invalid(field, next ?? 0, 'cannot be decremented')] : [];
}
