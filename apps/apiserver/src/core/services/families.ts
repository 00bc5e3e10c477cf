import { deepEqual, familyOf, invalidField, isHeadless, type FieldError, type IpFamily } from '@navarch/api';
import type { ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import { isValid } from 'ipaddr.js';

const otherFamily = (family: string): IpFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4');

/**
 * Fills in which address families a Service has, from what its creator said and what the cluster has (the default first):
 * KEP-563. Changes `next`; answers complaints about families that the cluster lacks.
 */
export function settleFamilies(next: ServiceSpec, previous: ServiceSpec | undefined, cluster: readonly IpFamily[]): FieldError[] {
  if (next.type === 'ExternalName') return [];
  if (previous) trimToOne(next, previous);
  if (previous && staysAsItWas(next, previous)) return [];
  if (!next.ipFamilyPolicy && ((next.clusterIPs ?? []).length === 2 || (next.ipFamilies ?? []).length === 2)) next.ipFamilyPolicy = 'RequireDualStack';
  const errors = familiesFromAddresses(next, cluster);
  if (errors.length > 0) return errors;
  // Without a selector its endpoints are somebody else's, who may have both families even where Services have one.
  if (isHeadless(next) && Object.keys(next.selector ?? {}).length === 0) return fillFamilies(next, 'RequireDualStack', cluster, true);
  return [...unconfigured(next, cluster), ...fillFamilies(next, 'SingleStack', cluster, cluster.length > 1)];
}

/** One stack wanted of a Service that had two: the second goes, where the update does not itself say what it wants. */
function trimToOne(next: ServiceSpec, previous: ServiceSpec): void {
  if (next.ipFamilyPolicy !== 'SingleStack' || !previous.ipFamilyPolicy || previous.ipFamilyPolicy === 'SingleStack') return;
  if (deepEqual(next.clusterIPs, previous.clusterIPs)) next.clusterIPs = next.clusterIPs?.slice(0, 1);
  if (deepEqual(next.ipFamilies, previous.ipFamilies)) next.ipFamilies = next.ipFamilies?.slice(0, 1);
}

/** A preference is looked at once: a cluster that gets a second family later gives none to those who only preferred it. */
function staysAsItWas(next: ServiceSpec, previous: ServiceSpec): boolean {
  const members = (spec: ServiceSpec): unknown => ({ type: spec.type, policy: spec.ipFamilyPolicy, families: spec.ipFamilies, addresses: spec.clusterIPs });
  return previous.type !== 'ExternalName' && previous.ipFamilyPolicy === 'PreferDualStack' && deepEqual(members(next), members(previous));
}

function familiesFromAddresses(next: ServiceSpec, cluster: readonly IpFamily[]): FieldError[] {
  const { clusterIPs = [] } = next;
  const families = [...(next.ipFamilies ?? [])];
  const errors: FieldError[] = [];
  for (const [index, address] of clusterIPs.entries()) {
    if (index < families.length || !isValid(address)) continue;
    const family = familyOf(address);
    if (!cluster.includes(family)) errors.push(invalidField(`spec.clusterIPs[${index}]`, clusterIPs, `${family} is not configured on this cluster`));
    families.push(family);
  }
  if (families.length > 0) next.ipFamilies = families;
  return errors;
}

function unconfigured({ ipFamilyPolicy, ipFamilies = [] }: ServiceSpec, cluster: readonly IpFamily[]): FieldError[] {
  const known: readonly string[] = cluster;
  return [
    ...(ipFamilyPolicy === 'RequireDualStack' && cluster.length < 2 ? [invalidField('spec.ipFamilyPolicy', ipFamilyPolicy, 'this cluster is not configured for dual-stack services')] : []),
    ...ipFamilies.flatMap((family, index) => (known.includes(family) ? [] : [invalidField(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster')])),
  ];
}

function fillFamilies(next: ServiceSpec, policy: string, cluster: readonly IpFamily[], both: boolean): FieldError[] {
  next.ipFamilyPolicy ??= policy;
  const families = next.ipFamilies?.length ? next.ipFamilies : [cluster[0] ?? 'IPv4'];
  const [first = ''] = families;
  next.ipFamilies = next.ipFamilyPolicy !== 'SingleStack' && families.length === 1 && both ? [first, otherFamily(first)] : families;
  return [];
}
