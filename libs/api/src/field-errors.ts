import { ApiError } from '@navarch/base';

import type { FieldError, Resource } from './resource';

/** Kubernetes' status cause of each kind of failure (metav1.CauseType). */
const causeReasons: Readonly<Record<FieldError['type'], string>> = {
  Required: 'FieldValueRequired', Invalid: 'FieldValueInvalid', NotSupported: 'FieldValueNotSupported', Forbidden: 'FieldValueForbidden',
  Duplicate: 'FieldValueDuplicate', TooLong: 'FieldValueTooLong', TooMany: 'FieldValueTooMany', NotFound: 'FieldValueNotFound', TypeInvalid: 'FieldValueTypeInvalid',
};

/** One Invalid error with every cause: `Pod "x" is invalid: [spec.a: …, spec.b: …]`. Equal failures are named once. */
export function fieldErrorsToApiError(resource: Pick<Resource, 'group' | 'kind'>, name: string, errors: readonly FieldError[]): ApiError {
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  const summary = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const qualified = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
  return new ApiError('Invalid', `${qualified} ${JSON.stringify(name)} is invalid: ${summary}`, {
    group: resource.group, kind: resource.kind, name,
    causes: errors.map(({ type, field, message }) => ({ reason: causeReasons[type], field, message })),
  });
}
