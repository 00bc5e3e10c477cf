import type { ResourceRequirements } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import type { ResourceList } from '../pod/requests';
import type { FieldError } from '../resource';
import { amountOf, compareQuantity } from '../scalars/quantity';
import { duplicate, forbidden, invalid, invalidEach, notFound, required } from './field-error';
import { dnsLabel, qualifiedName } from './names';

const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage']);
const podLevelResources = new Set(['cpu', 'memory']);
const hugePages = 'hugepages-';

const isHugePages = (name: string): boolean => name.startsWith(hugePages);
const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
const isExtended = (name: string): boolean => !isNative(name) && !name.startsWith('requests.');
/** Cannot be shared or promised twice: what is requested is the limit. */
const overcommits = (name: string): boolean => isNative(name) && !isHugePages(name);

/** A container's (or with podLevel, the pod's) limits, requests and claims. */
export function validateResources(resources: ResourceRequirements | undefined, field: string, claims: ReadonlySet<string>, podLevel = false): FieldError[] {
  if (!resources) return [];
  const { limits = {}, requests = {} } = resources;
  const errors = [
    ...validateList(limits, `${field}.limits`, podLevel), ...validateList(requests, `${field}.requests`, podLevel),
    ...Object.entries(requests).flatMap(([name, amount]) => validateAgainstLimit(name, amount, limits[name], `${field}.requests`)),
    ...validateClaims(resources, `${field}.claims`, claims),
  ];
  const huge = [...Object.keys(limits), ...Object.keys(requests)].some(isHugePages);
  if (huge && !podLevel && ![limits, requests].some((list) => list['cpu'] || list['memory'])) errors.push(forbidden(field, 'HugePages require cpu or memory'));
  return errors;
}

export function validateList(list: ResourceList, field: string, podLevel = false): FieldError[] {
  return Object.entries(list).flatMap(([name, amount]) => [...validateName(name, `${field}.${name}`, podLevel), ...validateAmount(name, amount, `${field}[${name}]`)]);
}

function validateName(name: string, field: string, podLevel: boolean): FieldError[] {
  const complaints = qualifiedName(name);
  if (complaints.length > 0) return invalidEach(field, name, complaints);
  if (isHugePages(name) || (podLevel ? podLevelResources : containerResources).has(name)) return [];
  if (podLevel) return [invalid(field, name, 'must be a standard resource type for pods, or hugepages-*')];
  if (!name.includes('/')) return [invalid(field, name, 'must be a standard resource type or fully qualified'), invalid(field, name, 'must be a standard resource for containers')];
  return [];
}

function validateAmount(name: string, amount: Quantity, field: string): FieldError[] {
  if (compareQuantity(amount, undefined) < 0) return [invalid(field, amount.string, 'must be greater than or equal to 0')];
  return (isExtended(name) || isHugePages(name)) && !isInteger(amount) ? [invalid(field, amount.string, 'must be an integer')] : [];
}

function isInteger(amount: Quantity): boolean {
  const { mantissa, exponent } = amountOf(amount);
  return exponent >= 0 || mantissa % 10n ** BigInt(-exponent) === 0n;
}

function validateAgainstLimit(name: string, amount: Quantity, limit: Quantity | undefined, field: string): FieldError[] {
  if (!limit) return overcommits(name) ? [] : [required(field.replace(/requests$/, 'limits'), 'Limit must be set for non overcommitable resources')];
  const order = compareQuantity(amount, limit);
  if (order !== 0 && !overcommits(name)) return [invalid(field, amount.string, `must be equal to ${name} limit of ${limit.string ?? '0'}`)];
  return order > 0 ? [invalid(field, amount.string, `must be less than or equal to ${name} limit of ${limit.string ?? '0'}`)] : [];
}

function validateClaims({ claims = [] }: ResourceRequirements, field: string, known: ReadonlySet<string>): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name = '', request }, index) => {
    const at = `${field}[${index}]`;
    if (name === '') return [required(`${at}.name`)];
    const identity = request === undefined ? name : `${name}/${request}`;
    const errors = seen.has(identity) || (request !== undefined && seen.has(name)) ? [duplicate(at, identity)] : [];
    seen.add(identity);
    if (request !== undefined) errors.push(...invalidEach(`${at}.request`, request, dnsLabel(request)));
    return known.has(name) ? errors : [...errors, notFound(`${at}.name`, name)];
  });
}
