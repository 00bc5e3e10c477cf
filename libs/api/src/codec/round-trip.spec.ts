import fc from 'fast-check';

import type { JsonValue } from '../resource';
import { arbitraryMessage } from '../testing/arbitrary';
import { codecFor } from './codec';
import type { Fields } from './plan';
import { messageNames } from './schema';

/** Every message that ts-proto generated; kinds nest nearly all others. */
const kinds = messageNames().filter((name) => !/\.(Info|TypeMeta|WatchEvent)$/.test(name));

describe('every message of every stable group', () => {
  it.each(kinds)('%s survives protobuf and JSON both ways', (name) => {
    const codec = codecFor<Fields>(name);
    fc.assert(fc.property(arbitraryMessage(name), (message) => {
      const decoded = codec.decode(codec.encode(message));
      expect(decoded).toEqual(message);
      const json = codec.toJson(message) as JsonValue;
      const text = JSON.stringify(json);
      const parsed = JSON.parse(text) as JsonValue;
      const read = codec.fromJson(parsed, { fieldValidation: 'Strict' });
      // What JSON prints for an absent pointer or list reads back as absent, so the message is the same.
      expect(read).toEqual(message);
      expect(codec.decode(codec.encode(read))).toEqual(message);
    }), { numRuns: 5 });
  });
});
