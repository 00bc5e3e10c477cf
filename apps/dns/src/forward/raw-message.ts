/**
 * Other servers' answers are passed on as bytes, because they may hold records that nobody here knows. What must be known of
 * them is found in place (RFC 1035, section 4).
 */
const headerBytes = 12;
const optType = 41;
const soaType = 6;

interface RecordAt {
  readonly section: 'answer' | 'authority' | 'additional';
  readonly type: number;
  readonly ttlAt: number;
  readonly ttl: number;
  readonly dataAt: number;
  readonly dataLength: number;
}

/** Throws RangeError for what is no message. */
function* recordsOf(message: Buffer): Generator<RecordAt> {
  let at = headerBytes;
  for (let left = message.readUInt16BE(4); left > 0; left -= 1) at = afterName(message, at) + 4;
  for (const [section, countAt] of [['answer', 6], ['authority', 8], ['additional', 10]] as const) {
    for (let left = message.readUInt16BE(countAt); left > 0; left -= 1) {
      const typeAt = afterName(message, at);
      const [dataAt, dataLength] = [typeAt + 10, message.readUInt16BE(typeAt + 8)];
      if (dataAt + dataLength > message.length) throw new RangeError('a record is longer than its message');
      yield { section, type: message.readUInt16BE(typeAt), ttlAt: typeAt + 4, ttl: message.readUInt32BE(typeAt + 4), dataAt, dataLength };
      at = dataAt + dataLength;
    }
  }
}

function afterName(message: Buffer, start: number): number {
  for (let at = start; ;) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) return at + 2;
    if (length > 63) throw new RangeError('a label of an unknown kind');
    at += length + 1;
    if (length === 0) return at;
  }
}

/** Where the question ends. */
export function questionEnd(message: Buffer): number {
  return afterName(message, headerBytes) + 4;
}

/** How long a message may be kept: its shortest record's time; without an answer, what its SOA says (RFC 2308). Undefined: not at all. */
export function lifetimeSeconds(message: Buffer, { maxPositiveSeconds, maxNegativeSeconds }: { readonly maxPositiveSeconds: number; readonly maxNegativeSeconds: number }): number | undefined {
  const bits = message.readUInt16BE(2);
  const [truncated, rcode] = [(bits & 0x0200) !== 0, bits & 0xf];
  if (truncated || (rcode !== 0 && rcode !== 3)) return undefined;
  try {
    const records = [...recordsOf(message)].filter(({ type }) => type !== optType);
    const answers = records.filter(({ section }) => section === 'answer');
    if (answers.length > 0 && rcode === 0) return Math.min(maxPositiveSeconds, ...records.map(({ ttl }) => ttl));
    const soa = records.find(({ section, type }) => section === 'authority' && type === soaType);
    return soa && Math.min(maxNegativeSeconds, soa.ttl, message.readUInt32BE(soa.dataAt + soa.dataLength - 4));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A copy whose records' times are less by so many seconds. */
export function withTtlsReduced(message: Buffer, seconds: number): Buffer {
  const copy = Buffer.from(message);
  for (const { type, ttlAt, ttl } of recordsOf(message)) if (type !== optType) copy.writeUInt32BE(Math.max(0, ttl - seconds), ttlAt);
  return copy;
}

/** Does this answer belong to that query: same id, a response, the same question? */
export function answersTo(query: Buffer, answer: Buffer): boolean {
  if (answer.length < headerBytes || answer.readUInt16BE(0) !== query.readUInt16BE(0) || (answer.readUInt16BE(2) & 0x8000) === 0) return false;
  // Servers that refuse may leave the question out.
  if (answer.readUInt16BE(4) === 0) return (answer.readUInt16BE(2) & 0xf) !== 0;
  try {
    const ours = query.subarray(headerBytes, questionEnd(query));
    const theirs = answer.subarray(headerBytes, questionEnd(answer));
    return ours.toString('latin1').toLowerCase() === theirs.toString('latin1').toLowerCase();
  } catch {
    return false;
  }
}
