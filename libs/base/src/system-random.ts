import { randomFillSync } from 'node:crypto';

import type { Random } from './random';

/** Drawn in one call and handed out piece by piece: a call to the kernel's source costs more than the bytes. */
const pool = new Uint8Array(8_192);
let used = pool.length;

function take(length: number): Uint8Array {
  if (length > pool.length) return randomFillSync(new Uint8Array(length));
  if (used + length > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}

/** The machine's cryptographic source. */
export const systemRandom: Random = {
  next: () => take(6).reduce((value, byte) => value * 256 + byte, 0) / 281_474_976_710_656,
  bytes: take,
};
