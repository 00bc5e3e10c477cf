import type { ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { duplicate, invalid, invalidEach, notSupported, oneOfIfSet, required } from './field-error';
import { ip } from './ip';

export type IpFamily = 'IPv4' | 'IPv6';

export const familyOf = (address: string): IpFamily => (address.includes(':') ? 'IPv6' : 'IPv4');

/** A service's own addresses, their families and how many there should be: all three must agree (KEP-563). */
export function validateClusterIPs(spec: ServiceSpec): FieldError[] {
  const { type, ipFamilies = [], ipFamilyPolicy, clusterIPs = [] } = spec;
  if (type === 'ExternalName') return [];
  const several = (what: string): FieldError => invalid('spec.ipFamilyPolicy', ipFamilyPolicy ?? null, `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`);
  const single = ipFamilyPolicy === undefined || ipFamilyPolicy === 'SingleStack';
  return [
    ...validatePrimary(spec),
    ...ipFamilies.flatMap((family, index) => validateFamily(ipFamilies, family, index)),
    ...oneOfIfSet('spec.ipFamilyPolicy', ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']),
    ...validateAddresses(clusterIPs, ipFamilies),
    ...(single && clusterIPs.length > 1 ? [several("'clusterIPs'")] : []),
    ...(single && ipFamilies.length > 1 ? [several('IP families')] : []),
  ];
}

function validatePrimary({ clusterIP, clusterIPs = [] }: ServiceSpec): FieldError[] {
  const field = 'spec.clusterIPs';
  if (!clusterIP) return clusterIPs.length > 0 ? [invalid(field, clusterIPs, 'must be empty when `clusterIP` is not specified')] : [];
  if (clusterIPs.length === 0) return [required(field)];
  return clusterIPs[0] === clusterIP ? [] : [invalid(field, clusterIPs, 'first value must match `clusterIP`')];
}

function validateFamily(families: readonly string[], family: string, index: number): FieldError[] {
  const field = `spec.ipFamilies[${index}]`;
  if (family !== 'IPv4' && family !== 'IPv6') return [notSupported(field, family, ['IPv4', 'IPv6'])];
  return families.indexOf(family) < index ? [duplicate(field, family)] : [];
}

function validateAddresses(addresses: readonly string[], families: readonly string[]): FieldError[] {
  const field = 'spec.clusterIPs';
  if (addresses.includes('None')) return addresses.length > 1 ? [invalid(field, addresses, "'None' must be the first and only value")] : [];
  if (addresses.length > 2) return [invalid(field, addresses, 'may only hold up to 2 values')];
  const malformed = addresses.flatMap((address, index) => invalidEach(`${field}[${index}]`, address, ip(address)));
  if (malformed.length > 0) return malformed;
  const [first, second] = addresses.map(familyOf);
  if (second !== undefined && first === second) return [invalid(field, addresses, 'may specify no more than one IP for each IP family')];
  return addresses.flatMap((address, index) => {
    const family = families[index];
    return family === undefined || family === familyOf(address) ? [] : [invalid(`${field}[${index}]`, address, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``)];
  });
}
