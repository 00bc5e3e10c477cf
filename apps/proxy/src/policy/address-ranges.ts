import { isValidCIDR, parse, parseCIDR } from 'ipaddr.js';

import type { Family } from '../services/service-port';

/** Addresses from first to last, both included, as numbers. */
export type Range = readonly [bigint, bigint];

/** The addresses of these blocks without their exceptions, as few disjoint ranges in order. What is no block of this family is passed over. */
export function rangesOf(blocks: readonly { readonly cidr: string; readonly except: readonly string[] }[], family: Family): Range[] {
  return merge(blocks.flatMap(({ cidr, except }) => rangeOf(cidr, family).flatMap((range) => subtract([range], except.flatMap((text) => rangeOf(text, family))))), (value) => value + 1n);
}

export function rangeText([first, last]: Range, family: Family): string {
  return first === last ? addressText(first, family) : `${addressText(first, family)}-${addressText(last, family)}`;
}

/** Ranges that touch or overlap become one: nftables refuses elements that overlap. `next` is the value after another. */
export function merge<T extends bigint | number>(ranges: readonly (readonly [T, T])[], next: (value: T) => T): (readonly [T, T])[] {
  const merged: [T, T][] = [];
  for (const [first, last] of [...ranges].sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))) {
    const before = merged.at(-1);
    if (before && first <= next(before[1])) before[1] = last > before[1] ? last : before[1];
    else merged.push([first, last]);
  }
  return merged;
}

function subtract(ranges: readonly Range[], holes: readonly Range[]): Range[] {
  return holes.reduce<Range[]>((left, [from, to]) => left.flatMap(([first, last]) => {
    if (to < first || from > last) return [[first, last] as const];
    return [...(first < from ? [[first, from - 1n] as const] : []), ...(to < last ? [[to + 1n, last] as const] : [])];
  }), [...ranges]);
}

function rangeOf(cidr: string, family: Family): Range[] {
  if (!isValidCIDR(cidr) || cidr.includes(':') !== (family === '6')) return [];
  const [address, prefix] = parseCIDR(cidr);
  const size = 1n << BigInt((family === '4' ? 32 : 128) - prefix);
  const first = (toNumber(address.toByteArray()) / size) * size;
  return [[first, first + size - 1n]];
}

const toNumber = (bytes: readonly number[]): bigint => bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

function addressText(value: bigint, family: Family): string {
  if (family === '4') return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
  return parse(Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - at * 16)) & 0xffffn).toString(16)).join(':')).toString();
}
