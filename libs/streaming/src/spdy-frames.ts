/**
 * SPDY/3.1 frames as values (SPDY Protocol Draft 3.1, section 2). Header blocks stay compressed here: their compression
 * has state, which a connection keeps.
 */
export type SpdyFrame =
  | { readonly type: 'data'; readonly streamId: number; readonly fin: boolean; readonly data: Buffer }
  | { readonly type: 'synStream'; readonly streamId: number; readonly fin: boolean; readonly unidirectional: boolean; readonly block: Buffer }
  | { readonly type: 'synReply'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'headers'; readonly streamId: number; readonly fin: boolean; readonly block: Buffer }
  | { readonly type: 'rstStream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'settings' }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goAway'; readonly lastStreamId: number; readonly status: number }
  | { readonly type: 'windowUpdate'; readonly streamId: number; readonly delta: number };

const version = 3;
const codes = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
const flagFin = 1;
const flagUnidirectional = 2;
const headLength = 8;
/** Longer frames than any peer of ours sends; a bound on what one frame may make us hold. */
const maxFrameLength = 4 * 1024 * 1024;

function control(code: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(headLength);
  head.writeUInt16BE(0x8000 | version, 0);
  head.writeUInt16BE(code, 2);
  head.writeUInt32BE((flags << 24) | body.length, 4);
  return Buffer.concat([head, body]);
}

function words(...values: readonly number[]): Buffer {
  const body = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => body.writeUInt32BE(value >>> 0, index * 4));
  return body;
}

export function encodeFrame(frame: SpdyFrame): Buffer {
  switch (frame.type) {
    case 'data': {
      const head = words(frame.streamId & 0x7fffffff, (((frame.fin ? flagFin : 0) << 24) | frame.data.length) >>> 0);
      return Buffer.concat([head, frame.data]);
    }
    case 'synStream': {
      const flags = (frame.fin ? flagFin : 0) | (frame.unidirectional ? flagUnidirectional : 0);
      return control(codes.synStream, flags, Buffer.concat([words(frame.streamId, 0), Buffer.alloc(2), frame.block]));
    }
    case 'synReply': return control(codes.synReply, frame.fin ? flagFin : 0, Buffer.concat([words(frame.streamId), frame.block]));
    case 'headers': return control(codes.headers, frame.fin ? flagFin : 0, Buffer.concat([words(frame.streamId), frame.block]));
    case 'rstStream': return control(codes.rstStream, 0, words(frame.streamId, frame.status));
    case 'settings': return control(codes.settings, 0, words(0));
    case 'ping': return control(codes.ping, 0, words(frame.id));
    case 'goAway': return control(codes.goAway, 0, words(frame.lastStreamId, frame.status));
    case 'windowUpdate': return control(codes.windowUpdate, 0, words(frame.streamId, frame.delta));
  }
}

/** Cuts a byte stream into frames. Throws on what is no SPDY/3; unknown control frames are passed over, as the draft asks. */
export class FrameReader {
  private pending: Buffer = Buffer.alloc(0);
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  /** Bytes without which nothing can be cut: a large frame in small pieces is joined once, not once per piece. */
  private wanted = headLength;

  push(chunk: Buffer): SpdyFrame[] {
    this.waiting.push(chunk);
    this.waitingBytes += chunk.length;
    if (this.pending.length + this.waitingBytes < this.wanted) return [];
    this.pending = Buffer.concat([this.pending, ...this.waiting]);
    this.waiting = [];
    this.waitingBytes = 0;
    return this.cut();
  }

  private cut(): SpdyFrame[] {
    const frames: SpdyFrame[] = [];
    this.wanted = headLength;
    while (this.pending.length >= headLength) {
      const length = this.pending.readUInt32BE(4) & 0xffffff;
      if (length > maxFrameLength) throw new Error(`SPDY: a frame of ${length} bytes; at most ${maxFrameLength} are taken`);
      this.wanted = headLength + length;
      if (this.pending.length < this.wanted) break;
      const frame = decode(this.pending.subarray(0, headLength + length));
      if (frame) frames.push(frame);
      this.pending = this.pending.subarray(this.wanted);
      this.wanted = headLength;
    }
    return frames;
  }
}

function decode(bytes: Buffer): SpdyFrame | undefined {
  const first = bytes.readUInt32BE(0);
  const flags = bytes[4] ?? 0;
  const fin = (flags & flagFin) !== 0;
  const body = bytes.subarray(headLength);
  if (first < 0x80000000) return { type: 'data', streamId: first, fin, data: body };
  if (((first >>> 16) & 0x7fff) !== version) throw new Error(`SPDY: version ${(first >>> 16) & 0x7fff} is not spoken here`);
  const word = (index: number): number => {
    if (body.length < index * 4 + 4) throw new Error('SPDY: a control frame is too short');
    return body.readUInt32BE(index * 4);
  };
  const streamId = (): number => word(0) & 0x7fffffff;
  switch (first & 0xffff) {
    case codes.synStream: {
      if (body.length < 10) throw new Error('SPDY: a control frame is too short');
      return { type: 'synStream', streamId: streamId(), fin, unidirectional: (flags & flagUnidirectional) !== 0, block: body.subarray(10) };
    }
    case codes.synReply: return { type: 'synReply', streamId: streamId(), fin, block: body.subarray(4) };
    case codes.headers: return { type: 'headers', streamId: streamId(), fin, block: body.subarray(4) };
    case codes.rstStream: return { type: 'rstStream', streamId: streamId(), status: word(1) };
    case codes.settings: return { type: 'settings' };
    case codes.ping: return { type: 'ping', id: word(0) };
    case codes.goAway: return { type: 'goAway', lastStreamId: streamId(), status: word(1) };
    case codes.windowUpdate: return { type: 'windowUpdate', streamId: streamId(), delta: word(1) & 0x7fffffff };
    default: return undefined;
  }
}

export type SpdyHeaders = Readonly<Record<string, string>>;

/** The name/value block before compression. */
export function encodeHeaders(headers: SpdyHeaders): Buffer {
  const entries = Object.entries(headers);
  const parts: Buffer[] = [words(entries.length)];
  for (const [name, value] of entries) {
    const [key, text] = [Buffer.from(name.toLowerCase()), Buffer.from(value)];
    parts.push(words(key.length), key, words(text.length), text);
  }
  return Buffer.concat(parts);
}

export function decodeHeaders(block: Buffer): SpdyHeaders {
  let at = 0;
  const number = (): number => {
    if (block.length < at + 4) throw new Error('SPDY: a header block is too short');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (block.length < at + length) throw new Error('SPDY: a header block is too short');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const headers = new Map<string, string>();
  for (let left = number(); left > 0; left--) {
    const name = text();
    headers.set(name, text());
  }
  return Object.fromEntries(headers);
}
