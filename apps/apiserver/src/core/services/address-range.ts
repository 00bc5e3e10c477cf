import { canonicalCidr, type IpFamily } from '@navarch/api';
import { fromByteArray, parse, parseCIDR, type IPv4, type IPv6 } from 'ipaddr.js';

/** The addresses of one CIDR that a Service may have. */
export interface AddressRange {
  readonly cidr: string;
  readonly family: IpFamily;
  readonly first: bigint;
  /** How many: without the network's own address, and without IPv4's broadcast address. */
  readonly size: bigint;
  /** Addresses from here on are given to whoever names none; those below are left to people as long as there are others (KEP-3070). */
  readonly dynamicFrom: bigint;
}

const familyBytes: Readonly<Record<IpFamily, number>> = { IPv4: 4, IPv6: 16 };

/** Throws an Error that says what is wrong, where the text is no CIDR or has no room for an address. */
export function addressRange(cidr: string): AddressRange {
  const [address, bits] = parseCIDR(cidr);
  const family: IpFamily = address.kind() === 'ipv4' ? 'IPv4' : 'IPv6';
  const total = 1n << BigInt(familyBytes[family] * 8 - bits);
  const base = (numberOf(address) / total) * total;
  const size = total - (family === 'IPv4' ? 2n : 1n);
  if (size < 1n) throw new Error(`${cidr} has no room for a Service's address`);
  return { cidr, family, first: base + 1n, size, dynamicFrom: staticBand(total, 16n, 16n, 256n, size) };
}

/** How many are left to people: a part of all, at least and at most so many; none where nothing else would be left. */
function staticBand(total: bigint, part: bigint, least: bigint, most: bigint, size: bigint): bigint {
  const share = total / part;
  const band = share < least ? least : share > most ? most : share;
  return band < size ? band : 0n;
}

export function addressAt({ family, first }: AddressRange, offset: bigint): string {
  const bytes = Array.from({ length: familyBytes[family] }, (_, index) => Number(((first + offset) >> BigInt(8 * (familyBytes[family] - 1 - index))) & 0xffn));
  return fromByteArray(bytes).toString();
}

export function contains({ family, first, size }: AddressRange, address: string): boolean {
  const parsed = parse(address);
  const offset = numberOf(parsed) - first;
  return (parsed.kind() === 'ipv4') === (family === 'IPv4') && offset >= 0n && offset < size;
}

/** The one text of an address by which two cannot mean the same: an IPAddress' name. */
export const canonicalAddress = (address: string): string => parse(address).toString();

const numberOf = (address: IPv4 | IPv6): bigint => address.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

/** The flag's ranges, checked: one of each family at most. Throws an Error that says what would be right. */
export function serviceRangesOf(cidrs: readonly string[]): readonly string[] {
  const refuse = (why: string): Error => new Error(`--service-cluster-ip-range: ${why}`);
  if (cidrs.length === 0 || cidrs.length > 2) throw refuse(`one CIDR, or one of each family; got ${cidrs.length}`);
  const families = cidrs.map((cidr) => {
    const problems = canonicalCidr(cidr);
    if (problems.length > 0) throw refuse(`"${cidr}" ${problems.join(', ')}`);
    return addressRange(cidr).family;
  });
  if (families[0] === families[1]) throw refuse(`two ranges of one family: ${cidrs.join(', ')}`);
  return cidrs;
}

export const defaultNodePortRange = '30000-32767';

export interface PortRange {
  readonly first: number;
  readonly last: number;
  /** Ports from here on are given to whoever names none (KEP-3668). */
  readonly dynamicFrom: number;
}

/** `30000-32767`, as --service-node-port-range takes it (both ends count); throws an Error that says what would be right. */
export function portRange(text: string): PortRange {
  const [, from = '', to = ''] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === '' || first < 1 || last > 65_535 || first > last) throw new Error(`"${text}" is not a port range: first-last, from 1 to 65535`);
  const size = BigInt(last - first + 1);
  return { first, last, dynamicFrom: first + (size < 16n ? 0 : Number(staticBand(size, 32n, 16n, 128n, size))) };
}
