import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

import { messageSchema } from './schema';

/**
 * The first int64 in these bytes that a number cannot hold, with its field path. Only for error messages: it walks the
 * wire again by the schema. Undefined when there is none or the bytes are malformed.
 */
export function findUnsafeInteger(message: string, bytes: Uint8Array): { path: string; value: bigint } | undefined {
  try {
    return search(message, new BinaryReader(bytes), bytes.length, '');
  } catch {
    return undefined;
  }
}

function search(message: string, reader: BinaryReader, end: number, path: string): { path: string; value: bigint } | undefined {
  const fields = new Map(messageSchema(message).fields.map((field) => [field.number, field]));
  const seen = new Map<string, number>();
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const field = fields.get(number);
    const index = field ? (seen.get(field.name) ?? 0) : 0;
    if (field) seen.set(field.name, index + 1);
    const here = field && `${path}${path === '' ? '' : '.'}${field.jsonName}${field.shape === 'list' ? `[${index}]` : ''}`;
    if (field?.element.scalar === 'int64' && wireType === WireType.Varint) {
      const value = BigInt(reader.int64());
      if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) return { path: here ?? path, value };
    } else if (field?.element.message !== undefined && field.shape !== 'map' && wireType === WireType.LengthDelimited) {
      const found = search(field.element.message, reader, reader.uint32() + reader.pos, here ?? path);
      if (found) return found;
    } else {
      reader.skip(wireType);
    }
  }
  return undefined;
}
