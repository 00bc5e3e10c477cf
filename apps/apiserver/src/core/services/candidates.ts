import type { Random } from '@navarch/base';

import type { AddressRange, PortRange } from './address-range';

/** No band is searched further than this beyond what is taken: a free place is certain to come before. */
const slack = 1_024n;

interface Band {
  readonly from: bigint;
  readonly size: bigint;
}

/** Offsets to try, each once: first the band that is not kept for people, from a random place on, then theirs. */
function* offsets(dynamicFrom: bigint, size: bigint, taken: number, random: Random): IterableIterator<bigint> {
  const bands: readonly Band[] = [{ from: dynamicFrom, size: size - dynamicFrom }, { from: 0n, size: dynamicFrom }];
  for (const { from, size: width } of bands) {
    if (width <= 0n) continue;
    const start = randomBelow(width, random);
    const most = BigInt(taken) + slack;
    for (let step = 0n; step < width && step < most; step++) yield from + ((start + step) % width);
  }
}

export const addressOffsets = ({ dynamicFrom, size }: AddressRange, taken: number, random: Random): IterableIterator<bigint> => offsets(dynamicFrom, size, taken, random);

export function* portCandidates({ first, last, dynamicFrom }: PortRange, taken: number, random: Random): IterableIterator<string> {
  for (const offset of offsets(BigInt(dynamicFrom - first), BigInt(last - first + 1), taken, random)) yield String(first + Number(offset));
}

function randomBelow(bound: bigint, random: Random): bigint {
  return random.bytes(16).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) % bound;
}
