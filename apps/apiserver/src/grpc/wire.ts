import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

import { badRequest } from '../core/errors';

/**
 * Just enough of protobuf's wire format to leave objects as bytes: envelopes are opened and built around them without
 * looking inside.
 */

/** Calls back for every length-delimited field of a message, in order; BadRequest where the bytes are no message. */
function eachBytesField(message: Uint8Array, visit: (field: number, bytes: Uint8Array) => void): void {
  try {
    const reader = new BinaryReader(message);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (type === WireType.LengthDelimited) visit(field, reader.bytes());
      else reader.skip(type, field);
    }
  } catch (cause) {
    throw badRequest('the request is not a valid protobuf message', cause);
  }
}

/** An embedded message as bytes. One that comes in parts is joined, as protobuf merges it; undefined where absent. */
export function messageField(message: Uint8Array, number: number): Uint8Array | undefined {
  let found: Uint8Array | undefined;
  eachBytesField(message, (field, bytes) => {
    if (field === number) found = found ? Buffer.concat([found, bytes]) : bytes;
  });
  return found;
}

export function repeatedField(message: Uint8Array, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  eachBytesField(message, (field, bytes) => {
    if (field === number) found.push(bytes);
  });
  return found;
}

/** A text field; '' where absent, the last where it comes more than once. */
export function textField(message: Uint8Array, number: number): string {
  let found: Uint8Array | undefined;
  eachBytesField(message, (field, bytes) => {
    if (field === number) found = bytes;
  });
  return found ? Buffer.from(found).toString('utf8') : '';
}

/** metadata.name and metadata.namespace of an object that stays bytes; '' where absent. */
export function peekMetadata(object: Uint8Array): { name: string; namespace: string } {
  const metadata = messageField(object, 1) ?? new Uint8Array();
  return { name: textField(metadata, 1), namespace: textField(metadata, 3) };
}

function varintLength(value: number): number {
  let length = 1;
  while (value >= 0x80) {
    value = Math.floor(value / 0x80);
    length++;
  }
  return length;
}

const itemTag = 0x12;

/** `head`, then every item as field 2: how both PodList and its siblings and ListObjectsResponse carry their items. One copy. */
export function appendItems(head: Uint8Array, items: readonly Uint8Array[]): Buffer {
  let size = head.length;
  for (const item of items) size += 1 + varintLength(item.length) + item.length;
  const out = Buffer.allocUnsafe(size);
  out.set(head);
  let at = head.length;
  for (const item of items) {
    out[at++] = itemTag;
    let length = item.length;
    while (length >= 0x80) {
      out[at++] = (length & 0x7f) | 0x80;
      length >>>= 7;
    }
    out[at++] = length;
    out.set(item, at);
    at += item.length;
  }
  return out;
}

/** A message of text, number and bytes fields; empty ones are left out. */
export function encodeFields(fields: readonly (readonly [number: number, value: string | number | Uint8Array | undefined])[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, value] of fields) {
    if (value === undefined || value === '' || value === 0) continue;
    if (typeof value === 'number') writer.tag(number, WireType.Varint).int64(value);
    else if (typeof value === 'string') writer.tag(number, WireType.LengthDelimited).string(value);
    else writer.tag(number, WireType.LengthDelimited).bytes(value);
  }
  return writer.finish();
}
