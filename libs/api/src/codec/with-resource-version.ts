/** Tags of metadata (field 1 of every kind) and ObjectMeta.resourceVersion (field 6), both length-delimited. */
const metadataTag = (1 << 3) | 2;
const versionNumber = 6;
const versionTag = (versionNumber << 3) | 2;

/** A stretch of bytes: one field with its tag, and where its content begins. */
interface Field {
  readonly tag: number;
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

/**
 * The same object with this resourceVersion in its metadata (none when empty), made by moving bytes: nothing is decoded.
 * The bytes must come from a codec's encode: metadata at most once. Throws RangeError for bytes that are no message.
 */
export function withResourceVersion(bytes: Uint8Array, version: string): Uint8Array {
  const metadata = firstField(bytes, 0, bytes.length, (tag) => tag === metadataTag) ?? { tag: metadataTag, start: 0, content: 0, end: 0 };
  // The old version, or the first field that comes after it; else the end.
  const place = firstField(bytes, metadata.content, metadata.end, (tag) => tag >>> 3 >= versionNumber);
  const cutFrom = place?.start ?? metadata.end;
  const cutTo = place?.tag === versionTag ? place.end : cutFrom;
  const length = Buffer.byteLength(version);
  const added = length === 0 ? 0 : 1 + varintSize(length) + length;
  const size = cutFrom - metadata.content + added + metadata.end - cutTo;

  const out = Buffer.allocUnsafe(metadata.start + 1 + varintSize(size) + size + bytes.length - metadata.end);
  out.set(bytes.subarray(0, metadata.start), 0);
  out[metadata.start] = metadataTag;
  let at = writeVarint(out, size, metadata.start + 1);
  out.set(bytes.subarray(metadata.content, cutFrom), at);
  at += cutFrom - metadata.content;
  if (added > 0) {
    out[at] = versionTag;
    at = writeVarint(out, length, at + 1);
    at += out.write(version, at);
  }
  out.set(bytes.subarray(cutTo, metadata.end), at);
  out.set(bytes.subarray(metadata.end), at + metadata.end - cutTo);
  return out;
}

function firstField(bytes: Uint8Array, from: number, to: number, wanted: (tag: number) => boolean): Field | undefined {
  for (let at = from; at < to;) {
    const field = fieldAt(bytes, at, to);
    if (wanted(field.tag)) return field;
    at = field.end;
  }
  return undefined;
}

function fieldAt(bytes: Uint8Array, start: number, limit: number): Field {
  const [tag, afterTag] = readVarint(bytes, start, limit);
  let content = afterTag;
  let end: number;
  switch (tag & 7) {
    case 0:
      end = readVarint(bytes, afterTag, limit)[1];
      break;
    case 1:
      end = afterTag + 8;
      break;
    case 2: {
      const [length, afterLength] = readVarint(bytes, afterTag, limit);
      content = afterLength;
      end = afterLength + length;
      break;
    }
    case 5:
      end = afterTag + 4;
      break;
    default:
      throw new RangeError(`illegal wire type ${tag & 7} at byte ${start}`);
  }
  if (end > limit) throw new RangeError(`field at byte ${start} runs past the end of its message`);
  return { tag, start, content, end };
}

/** Value (right up to 2^53) and the position after it. */
function readVarint(bytes: Uint8Array, start: number, limit: number): [value: number, next: number] {
  let value = 0;
  let scale = 1;
  for (let at = start; at < limit && at < start + 10; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at + 1];
    scale *= 128;
  }
  throw new RangeError(`unfinished varint at byte ${start}`);
}

function varintSize(value: number): number {
  let size = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 128)) size++;
  return size;
}

function writeVarint(out: Uint8Array, value: number, start: number): number {
  let at = start;
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 128)) out[at++] = (left % 128) | 0x80;
  out[at++] = left;
  return at;
}
