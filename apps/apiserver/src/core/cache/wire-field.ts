import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** The first occurrence of length-delimited field `number` with its tag, or nothing: enough to cut a message down to that field. */
export function firstField(message: Uint8Array, number: number): Uint8Array {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, type] = reader.tag();
    if (field === number && type === WireType.LengthDelimited) {
      reader.bytes();
      return message.subarray(start, reader.pos);
    }
    reader.skip(type, field);
  }
  return message.subarray(0, 0);
}
