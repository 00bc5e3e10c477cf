import { parse, parseCIDR, type IPv4, type IPv6 } from 'ipaddr.js';

/** A CIDR as numbers: both families alike. */
export interface IpRange {
  readonly family: 'ipv4' | 'ipv6';
  readonly base: bigint;
  readonly prefix: number;
}

export const bitsOf = (family: IpRange['family']): number => (family === 'ipv4' ? 32 : 128);

/** Host bits are cut off; undefined where the text is no CIDR. */
export function parseRange(text: string): IpRange | undefined {
  let parsed: [IPv4 | IPv6, number];
  try {
    parsed = parseCIDR(text);
  } catch {
    return undefined;
  }
  const [address, prefix] = parsed;
  const family = address.kind();
  const hostBits = BigInt(bitsOf(family) - prefix);
  const value = address.toByteArray().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family, prefix, base: (value >> hostBits) << hostBits };
}

/** In the text form that Kubernetes writes. */
export function formatRange({ family, base, prefix }: IpRange): string {
  const groups = (count: number, bits: bigint): bigint[] => Array.from({ length: count }, (_, index) => (base >> (BigInt(count - 1 - index) * bits)) & ((1n << bits) - 1n));
  if (family === 'ipv4') return `${groups(4, 8n).join('.')}/${prefix}`;
  return `${parse(groups(8, 16n).map((group) => group.toString(16)).join(':')).toString()}/${prefix}`;
}
