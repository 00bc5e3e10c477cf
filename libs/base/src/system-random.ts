import { randomBytes } from 'node:crypto';

import type { Random } from './random';

/** The machine's cryptographic source. */
export const systemRandom: Random = {
  next: () => randomBytes(6).readUIntBE(0, 6) / 281_474_976_710_656,
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
