/** What a broken or hostile peer of a conversation may send: frames of any content, order and length. */
import { once } from 'node:events';
import { createDeflate, constants } from 'node:zlib';

import fc from 'fast-check';

import { duplexPair } from './duplex-pair';
import { HeaderDecompressor } from './header-compression';
import { SpdyConnection } from './spdy-connection';
import { spdyDictionary } from './spdy-dictionary';
import { encodeFrame, FrameReader, type SpdyFrame } from './spdy-frames';

const id = fc.oneof(fc.nat(6), fc.constantFrom(0x7fffffff, 0));
const block = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const frame: fc.Arbitrary<SpdyFrame> = fc.oneof(
  fc.record({ type: fc.constant('data' as const), streamId: id, fin: fc.boolean(), data: block }),
  fc.record({ type: fc.constant('synStream' as const), streamId: id, fin: fc.boolean(), unidirectional: fc.boolean(), block }),
  fc.record({ type: fc.constantFrom('synReply' as const, 'headers' as const), streamId: id, fin: fc.boolean(), block }),
  fc.record({ type: fc.constant('rstStream' as const), streamId: id, status: fc.nat(12) }),
  fc.record({ type: fc.constant('ping' as const), id }),
  fc.record({ type: fc.constant('goAway' as const), lastStreamId: id, status: fc.nat(3) }),
  fc.record({ type: fc.constant('windowUpdate' as const), streamId: id, delta: fc.nat(0x7fffffff) }),
);
const parameters = { seed: 20261122, numRuns: 300 };

/** Sends the pieces, then ends; resolves when the connection has ended too. */
async function survives(pieces: readonly Uint8Array[]): Promise<void> {
  const [near, far] = duplexPair();
  near.on('error', () => undefined).resume();
  far.on('error', () => undefined);
  const server = new SpdyConnection({ transport: far, side: 'server', onStream: (stream) => { stream.on('error', () => undefined).resume(); return true; } });
  for (const piece of pieces) if (!near.destroyed) near.write(piece);
  near.end();
  await server.closed;
  near.destroy();
}

describe('a SPDY connection', () => {
  it('ends, and nothing else does, on random bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), survives), parameters);
  }, 60_000);

  it('ends, and nothing else does, on well-formed frames in any order, cut anywhere', async () => {
    await fc.assert(fc.asyncProperty(fc.array(frame, { maxLength: 8 }), fc.nat(200), async (frames, cut) => {
      const bytes = Buffer.concat(frames.map(encodeFrame));
      await survives([bytes.subarray(0, cut), bytes.subarray(cut, -1)]);
    }), parameters);
  }, 60_000);

  it('refuses a frame that says it is giant before it has come', () => {
    expect(() => new FrameReader().push(Buffer.from([0, 0, 0, 1, 0, 0xff, 0xff, 0xff]))).toThrow('a frame of 16777215 bytes');
  });

  it('does not inflate a header block that is a bomb', async () => {
    const deflate = createDeflate({ dictionary: spdyDictionary });
    const parts: Buffer[] = [];
    deflate.on('data', (part: Buffer) => parts.push(part));
    deflate.write(Buffer.alloc(64 * 1024 * 1024));
    deflate.flush(constants.Z_SYNC_FLUSH);
    deflate.end();
    await once(deflate, 'end');
    const bomb = Buffer.concat(parts);
    expect(bomb.length).toBeLessThan(100_000);
    const decompressor = new HeaderDecompressor();
    await expect(decompressor.run(bomb)).rejects.toThrow('a header block of more than 262144 bytes');
    decompressor.close();
  });
});

describe('a frame that comes in small pieces', () => {
  it('is the same frame, and is joined once rather than once per piece', () => {
    const whole = encodeFrame({ type: 'data', streamId: 1, fin: true, data: Buffer.alloc(200_000, 7) });
    const concat = jest.spyOn(Buffer, 'concat');
    const reader = new FrameReader();
    const frames = Array.from({ length: whole.length / 8 }, (_, n) => reader.push(whole.subarray(n * 8, n * 8 + 8))).flat();
    const joins = concat.mock.calls.length;
    concat.mockRestore();
    expect(frames).toEqual([expect.objectContaining({ type: 'data', streamId: 1, fin: true, data: Buffer.alloc(200_000, 7) })]);
    expect(joins).toBeLessThan(5);
  });

  it('cuts any frames alike, however they are cut', () => {
    fc.assert(fc.property(fc.array(frame, { maxLength: 6 }), fc.integer({ min: 1, max: 30 }), (frames, size) => {
      const bytes = Buffer.concat(frames.map(encodeFrame));
      const reader = new FrameReader();
      const pieces: SpdyFrame[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(...reader.push(bytes.subarray(at, at + size)));
      expect(pieces).toEqual(bytes.length > 0 ? new FrameReader().push(bytes) : []);
    }), parameters);
  });
});
