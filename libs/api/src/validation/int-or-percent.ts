import type { IntOrString } from '@navarch/proto/k8s/io/apimachinery/pkg/util/intstr/intstr';

import type { FieldError } from '../resource';
import { intOrStringValue } from '../scalars/int-or-string';
import { invalid, nonNegative } from './field-error';

const percentPattern = /^[0-9]+%$/;
const percentText = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** A number that is not negative, or a percentage. */
export function positiveIntOrPercent(field: string, value: IntOrString | undefined): FieldError[] {
  const plain = intOrStringValue(value);
  if (typeof plain === 'number') return nonNegative(field, plain);
  return percentPattern.test(plain) ? [] : [invalid(field, plain, percentText)];
}

export function notMoreThanWhole(field: string, value: IntOrString | undefined): FieldError[] {
  const plain = intOrStringValue(value);
  return typeof plain === 'string' && percentPattern.test(plain) && parseInt(plain, 10) > 100 ? [invalid(field, plain, 'must not be greater than 100%')] : [];
}

/** Zero, also as a percentage. */
export function isNone(value: IntOrString | undefined): boolean {
  const plain = intOrStringValue(value);
  return typeof plain === 'number' ? plain === 0 : parseInt(plain, 10) === 0;
}
