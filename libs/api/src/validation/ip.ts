import { IPv4, IPv6, isValid, isValidCIDR, parse } from 'ipaddr.js';

const ipText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** Complaints about an address: IPv4 in four decimal parts without leading zeros, or IPv6 without a zone. */
export function ip(value: string): string[] {
  const valid = value.includes(':') ? IPv6.isValid(value) && !value.includes('%') : IPv4.isValidFourPartDecimal(value) && !/(^|\.)0\d/.test(value);
  return valid ? [] : [ipText];
}

export function cidr(value: string): string[] {
  const [address = ''] = value.split('/');
  return ip(address).length === 0 && isValidCIDR(value) ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'];
}

/** Addresses by which nothing else can be reached: unspecified, loopback, link-local. */
export function isSpecialAddress(value: string): boolean {
  return isValid(value) && ['unspecified', 'loopback', 'linkLocal'].includes(parse(value).range());
}
