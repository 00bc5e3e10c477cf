import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

import fc from 'fast-check';

import { SpdyConnection, type SpdyStream } from './spdy-connection';
import { spdyDictionary } from './spdy-dictionary';
import { decodeHeaders, encodeFrame, encodeHeaders, FrameReader, type SpdyFrame } from './spdy-frames';

function adler32(bytes: Buffer): number {
  let [a, b] = [1, 0];
  for (const byte of bytes) { a = (a + byte) % 65_521; b = (b + a) % 65_521; }
  return (b * 65_536 + a) >>> 0;
}

async function socketPair(): Promise<[client: Socket, server: Socket, close: () => void]> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [Socket];
  return [client, server, () => { client.destroy(); server.destroy(); listener.close(); }];
}

async function text(stream: SpdyStream): Promise<string> {
  const parts: Buffer[] = [];
  // Reading to the end must not close our own direction.
  for await (const part of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function withConnections(work: (client: SpdyConnection, accepted: SpdyStream[]) => Promise<void>, onStream?: (stream: SpdyStream) => boolean): Promise<void> {
  const [near, far, close] = await socketPair();
  const accepted: SpdyStream[] = [];
  const server = new SpdyConnection({ transport: far, side: 'server', onStream: onStream ?? ((stream) => { accepted.push(stream); return true; }) });
  const client = new SpdyConnection({ transport: near, side: 'client' });
  try {
    await work(client, accepted);
  } finally {
    await client.close();
    await server.closed;
    close();
  }
}

describe('SPDY frames', () => {
  it('share the dictionary whose checksum the field knows', () => {
    expect(adler32(spdyDictionary).toString(16)).toBe('e3c6a7c2');
  });

  const frames: SpdyFrame[] = [
    { type: 'data', streamId: 5, fin: true, data: Buffer.from('hello') },
    { type: 'synStream', streamId: 1, fin: false, unidirectional: false, block: Buffer.from('x') },
    { type: 'synReply', streamId: 1, fin: false, block: Buffer.from('y') },
    { type: 'rstStream', streamId: 3, status: 5 },
    { type: 'ping', id: 7 },
    { type: 'goAway', lastStreamId: 3, status: 0 },
    { type: 'windowUpdate', streamId: 3, delta: 1_000 },
  ];

  it('read back as they were written, however the bytes are cut', () => {
    const bytes = Buffer.concat(frames.map(encodeFrame));
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 }), (cuts) => {
      const reader = new FrameReader();
      const read: SpdyFrame[] = [];
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        read.push(...reader.push(bytes.subarray(at, at + cut)));
        at = Math.min(bytes.length, at + cut);
      }
      expect(read).toEqual(frames);
    }));
  });

  it('pass over unknown control frames and refuse another version, frames too long and too short', () => {
    const reader = new FrameReader();
    expect(reader.push(Buffer.from([0x80, 3, 0, 99, 0, 0, 0, 1, 0]))).toEqual([]);
    expect(() => new FrameReader().push(Buffer.from([0x80, 9, 0, 1, 0, 0, 0, 0]))).toThrow('version 9');
    expect(() => new FrameReader().push(Buffer.from([0, 0, 0, 1, 0, 0xff, 0xff, 0xff]))).toThrow('at most');
    expect(() => new FrameReader().push(Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 0]))).toThrow('too short');
  });

  it('end in frames or an error for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try { new FrameReader().push(Buffer.from(bytes)); } catch (error) { expect((error as Error).message).toMatch(/^SPDY:/); }
    }));
  });

  it('carry headers, and refuse a block that promises more than it holds', () => {
    expect(decodeHeaders(encodeHeaders({ StreamType: 'stdin', port: '80' }))).toEqual({ streamtype: 'stdin', port: '80' });
    expect(() => decodeHeaders(Buffer.from([0, 0, 0, 9]))).toThrow('too short');
  });
});

describe('a SPDY connection', () => {
  it('opens streams with headers and carries bytes both ways, each side closing for itself', async () => {
    await withConnections(async (client, accepted) => {
      const near = await client.open({ streamtype: 'stdin' });
      const [far] = accepted as [SpdyStream];
      expect(far.headers).toEqual({ streamtype: 'stdin' });
      near.end('from the client');
      expect(await text(far)).toBe('from the client');
      far.end('after half-close');
      expect(await text(near)).toBe('after half-close');
    });
  });

  it('keeps header compression in step over many streams', async () => {
    await withConnections(async (client, accepted) => {
      for (let index = 0; index < 50; index++) await client.open({ streamtype: index % 2 ? 'data' : 'error', requestid: String(index), port: '8080' });
      expect(accepted.map(({ headers }) => headers['requestid'])).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
    });
  });

  it('carries megabytes on several streams at once, a slow reader holding the writer back', async () => {
    await withConnections(async (client, accepted) => {
      const payload = Buffer.alloc(3 * 1024 * 1024, 'abcdefgh');
      const near = await Promise.all([client.open({ n: '0' }), client.open({ n: '1' })]);
      for (const stream of near) stream.end(payload);
      const lengths = await Promise.all(accepted.map(async (stream) => (await text(stream)).length));
      expect(lengths).toEqual([payload.length, payload.length]);
    });
  });

  it('tells the opener when a stream is refused', async () => {
    await withConnections(async (client) => {
      await expect(client.open({ streamtype: 'odd' })).rejects.toThrow('reset stream 1');
    }, () => false);
  });

  it('tells the peer when a stream is dropped in the middle', async () => {
    await withConnections(async (client, accepted) => {
      const near = await client.open({});
      const [far] = accepted as [SpdyStream];
      near.write('begun');
      near.destroy();
      expect(await text(far)).toBe('begun');
    });
  });

  it('answers pings', async () => {
    const [near, far, close] = await socketPair();
    const server = new SpdyConnection({ transport: far, side: 'server' });
    near.write(encodeFrame({ type: 'ping', id: 1 }));
    const [answer] = (await once(near, 'data')) as [Buffer];
    expect(new FrameReader().push(answer)).toEqual([{ type: 'ping', id: 1 }]);
    near.end();
    await server.closed;
    close();
  });

  it('ends every stream and open request when the transport breaks', async () => {
    const [near, far, close] = await socketPair();
    const client = new SpdyConnection({ transport: near, side: 'client' });
    const opening = client.open({});
    far.destroy();
    await expect(opening).rejects.toThrow('SPDY');
    await client.closed;
    await expect(client.open({})).rejects.toThrow('closed');
    close();
  });
});
