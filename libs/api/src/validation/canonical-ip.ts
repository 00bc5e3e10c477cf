import { IPv4, IPv6, parse, parseCIDR } from 'ipaddr.js';

import { cidr, ip } from './ip';

/** Complaints about an address that must be written in its one canonical form (RFC 5952 for IPv6). */
export function canonicalIp(value: string): string[] {
  const complaints = ip(value);
  if (complaints.length > 0) return complaints;
  const parsed = parse(value);
  if ('isIPv4MappedAddress' in parsed && parsed.isIPv4MappedAddress()) return ['must not be an IPv4-mapped IPv6 address'];
  const canonical = parsed.toString();
  return canonical === value ? [] : [`must be in canonical form ("${canonical}")`];
}

/** Complaints about a range whose address must be the range's first, in canonical form. */
export function canonicalCidr(value: string): string[] {
  const complaints = cidr(value);
  if (complaints.length > 0) return complaints;
  const [address, bits] = parseCIDR(value);
  if ('isIPv4MappedAddress' in address && address.isIPv4MappedAddress()) return ['must not have an IPv4-mapped IPv6 address'];
  const canonical = `${(address.kind() === 'ipv4' ? IPv4 : IPv6).networkAddressFromCIDR(value).toString()}/${bits}`;
  return canonical === value ? [] : [`must be in canonical form ("${canonical}")`];
}
