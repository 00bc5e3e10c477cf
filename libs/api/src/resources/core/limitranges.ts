import type { LimitRange, LimitRangeItem } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { compareQuantity, quantity, quantityMilliValue } from '../../scalars/quantity';
import { duplicate, forbidden, invalid, invalidEach, required } from '../../validation/field-error';
import { qualifiedName } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { createdAtColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };
const one = quantity('1');
type Bound = 'min' | 'max' | 'default' | 'defaultRequest' | 'maxLimitRequestRatio';
const bounds: readonly Bound[] = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'];

/** What a container may use at most it gets unless it says less, and what it gets it also requests. */
function setDefaults({ spec }: LimitRange): void {
  for (const item of spec?.limits ?? []) {
    if (item.type !== 'Container') continue;
    const limits = { ...item.max, ...item.default };
    const requests = { ...item.min, ...limits, ...item.defaultRequest };
    if (Object.keys(limits).length > 0) item.default = limits;
    if (Object.keys(requests).length > 0) item.defaultRequest = requests;
  }
}

/** Pairs of which the first may not be greater than the second, and what Kubernetes calls them and blames. */
const orders: readonly (readonly [lower: Bound, upper: Bound, blamed: Bound, lowerText: string, upperText: string])[] = [
  ['min', 'max', 'min', 'min value', 'max value'],
  ['min', 'defaultRequest', 'defaultRequest', 'min value', 'default request value'],
  ['defaultRequest', 'max', 'defaultRequest', 'default request value', 'max value'],
  ['defaultRequest', 'default', 'defaultRequest', 'default request value', 'default limit value'],
  ['min', 'default', 'default', 'min value', 'default value'],
  ['default', 'max', 'default', 'default value', 'max value'],
];

function validateResource(item: LimitRangeItem, name: string, field: string): FieldError[] {
  const of = (bound: Bound): Quantity | undefined => (Object.hasOwn(item[bound] ?? {}, name) ? item[bound]?.[name] : undefined);
  const errors = orders.flatMap(([lower, upper, blamed, lowerText, upperText]) => {
    const [small, large] = [of(lower), of(upper)];
    if (!small || !large || compareQuantity(small, large) <= 0) return [];
    return [invalid(`${field}.${blamed}[${name}]`, of(blamed)?.string, `${lowerText} ${small.string ?? '0'} is greater than ${upperText} ${large.string ?? '0'}`)];
  });
  const [ratio, min, max] = [of('maxLimitRequestRatio'), of('min'), of('max')];
  if (!ratio) return errors;
  const at = `${field}.maxLimitRequestRatio[${name}]`;
  if (compareQuantity(ratio, one) < 0) errors.push(invalid(at, ratio.string, `ratio ${ratio.string ?? '0'} is less than 1`));
  if (!min || !max) return errors;
  const limit = quantityMilliValue(max) / quantityMilliValue(min);
  if (quantityMilliValue(ratio) / 1000 > limit) errors.push(invalid(at, ratio.string, `ratio ${ratio.string ?? '0'} is greater than max/min = ${limit.toFixed(6)}`));
  return errors;
}

function validateItem(item: LimitRangeItem, field: string): FieldError[] {
  const { type = '' } = item;
  const errors = invalidEach(`${field}.type`, type, qualifiedName(type));
  if (errors.length === 0 && !type.includes('/') && !['Pod', 'Container', 'PersistentVolumeClaim'].includes(type)) {
    errors.push(invalid(`${field}.type`, type, 'must be a standard limit type or fully qualified'));
  }
  if (type === 'Pod') {
    for (const bound of ['default', 'defaultRequest'] as const) if (Object.keys(item[bound] ?? {}).length > 0) errors.push(forbidden(`${field}.${bound}`, "may not be specified when `type` is 'Pod'"));
  }
  if (type === 'PersistentVolumeClaim' && !item.min?.['storage'] && !item.max?.['storage']) {
    errors.push(required(`${field}.limits`, 'either minimum or maximum storage value is required, but neither was provided'));
  }
  const names = new Set(bounds.flatMap((bound) => Object.keys(item[bound] ?? {})));
  return [...errors, ...bounds.flatMap((bound) => Object.keys(item[bound] ?? {}).flatMap((name) => invalidEach(`${field}.${bound}[${name}]`, name, qualifiedName(name)))),
    ...[...names].flatMap((name) => validateResource(item, name, field))];
}

function validate({ spec }: LimitRange): FieldError[] {
  const limits = spec?.limits ?? [];
  return limits.flatMap((item, index) => {
    const field = `spec.limits[${index}]`;
    const repeated = limits.findIndex(({ type }) => type === item.type) < index;
    return [...validateItem(item, field), ...(repeated ? [duplicate(`${field}.type`, item.type)] : [])];
  });
}

export const limitRanges = defineResource<LimitRange>({
  group: '', version: 'v1', kind: 'LimitRange', plural: 'limitranges', shortNames: ['limits'], namespaced: true,
  codec: codecFor<LimitRange>('k8s.io.api.core.v1.LimitRange'),
  setDefaults,
  validateCreate: (range) => [...validateMeta(range, meta), ...validate(range)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  columns: [nameColumn, createdAtColumn],
});
