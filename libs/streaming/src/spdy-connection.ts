import { Duplex } from 'node:stream';

import { drained } from './drained';
import { HeaderCompressor, HeaderDecompressor } from './header-compression';
import { decodeHeaders, encodeFrame, encodeHeaders, FrameReader, type SpdyFrame, type SpdyHeaders } from './spdy-frames';

/** Protocol error, refused stream and cancel of the draft's RST_STREAM codes. */
const rst = { protocolError: 1, refusedStream: 3, cancel: 5 } as const;
/** One data frame's most bytes: small enough that streams take turns. */
const maxDataBytes = 32 * 1024;

export interface SpdyConnectionOptions {
  /** Bytes both ways: a socket, or the binary messages of a WebSocket. */
  readonly transport: Duplex;
  /** Who opened the transport: clients number their streams odd, servers even. */
  readonly side: 'client' | 'server';
  /** A stream that the peer opened. Return false to refuse it. */
  readonly onStream?: (stream: SpdyStream) => boolean;
  /** Most streams the peer may have open; 1,000 unless told. */
  readonly maxStreams?: number;
}

/**
 * One stream: readable until the peer half-closes, writable until we do. Like its peers in the field (containerd, kubectl)
 * it does not use SPDY's windows: a reader that does not read stops the whole connection, through the transport.
 */
export class SpdyStream extends Duplex {
  private onRoom: (() => void) | undefined;

  constructor(readonly id: number, readonly headers: SpdyHeaders, private readonly connection: SpdyConnection) {
    super({ allowHalfOpen: true, emitClose: true });
  }

  /** Resolves when there is room for more. */
  receive(data: Buffer, fin: boolean): Promise<void> {
    const room = data.length === 0 || this.push(data);
    if (fin) this.push(null);
    if (room || fin || this.destroyed) return Promise.resolve();
    return new Promise((resolve) => { this.onRoom = resolve; });
  }

  override _read(): void {
    this.release();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.connection.sendData(this.id, chunk).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.connection.sendFin(this.id).then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.release();
    this.connection.forget(this.id, !this.readableEnded || !this.writableFinished);
    callback(error);
  }

  private release(): void {
    this.onRoom?.();
    this.onRoom = undefined;
  }
}

/** A SPDY/3.1 connection over any byte stream. `closed` settles when the transport has ended; it never rejects. */
export class SpdyConnection {
  readonly closed: Promise<void>;
  private readonly streams = new Map<number, SpdyStream>();
  private readonly compressor = new HeaderCompressor();
  private readonly decompressor = new HeaderDecompressor();
  private readonly replies = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  private nextId: number;
  private nextPing: number;
  private sending: Promise<void> = Promise.resolve();

  constructor(private readonly options: SpdyConnectionOptions) {
    this.nextId = options.side === 'client' ? 1 : 2;
    this.nextPing = this.nextId;
    this.closed = this.run();
  }

  /** Opens a stream and waits for the peer's reply. */
  async open(headers: SpdyHeaders): Promise<SpdyStream> {
    const id = this.nextId;
    this.nextId += 2;
    const stream = new SpdyStream(id, headers, this);
    this.streams.set(id, stream);
    const replied = new Promise<void>((resolve, reject) => this.replies.set(id, { resolve, reject }));
    replied.catch(() => undefined);
    await this.send(async () => ({ type: 'synStream', streamId: id, fin: false, unidirectional: false, block: await this.compressor.run(encodeHeaders(headers)) }));
    await replied;
    return stream;
  }

  ping(): Promise<void> {
    const id = this.nextPing;
    this.nextPing += 2;
    return this.send(() => Promise.resolve({ type: 'ping', id }));
  }

  /** Says goodbye and ends the transport. */
  async close(): Promise<void> {
    await this.send(() => Promise.resolve({ type: 'goAway', lastStreamId: 0, status: 0 } as const)).catch(() => undefined);
    this.options.transport.end();
    await this.closed;
  }

  async sendData(streamId: number, data: Buffer): Promise<void> {
    for (let at = 0; at < data.length; at += maxDataBytes) {
      const part = data.subarray(at, at + maxDataBytes);
      await this.send(() => Promise.resolve({ type: 'data', streamId, fin: false, data: part }));
    }
  }

  sendFin(streamId: number): Promise<void> {
    return this.send(() => Promise.resolve({ type: 'data', streamId, fin: true, data: Buffer.alloc(0) }));
  }

  /** A stream is done with; where one direction was still open, the peer is told. */
  forget(streamId: number, unfinished: boolean): void {
    if (!this.streams.delete(streamId) || !unfinished) return;
    void this.send(() => Promise.resolve({ type: 'rstStream', streamId, status: rst.cancel } as const)).catch(() => undefined);
  }

  /** Frames go out one after the other; header blocks in the order of their compression. */
  private send(make: () => Promise<SpdyFrame>): Promise<void> {
    const { transport } = this.options;
    const sent = this.sending.then(async () => {
      if (transport.destroyed || transport.writableEnded) throw new Error('SPDY: the connection is closed');
      const room = transport.write(encodeFrame(await make()));
      if (!room) await drained(transport);
    });
    this.sending = sent.catch(() => undefined);
    return sent;
  }

  private async run(): Promise<void> {
    const reader = new FrameReader();
    let failure: Error | undefined;
    try {
      for await (const chunk of this.options.transport as AsyncIterable<Buffer>) {
        for (const frame of reader.push(chunk)) await this.take(frame);
      }
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    const reason = failure ?? new Error('SPDY: the connection ended');
    for (const { reject } of this.replies.values()) reject(reason);
    for (const stream of [...this.streams.values()]) {
      if (failure) stream.destroy(failure);
      else if (!stream.readableEnded) await stream.receive(Buffer.alloc(0), true);
    }
    this.options.transport.destroy();
    this.compressor.close();
    this.decompressor.close();
  }

  private async take(frame: SpdyFrame): Promise<void> {
    switch (frame.type) {
      case 'synStream': return this.accept(frame);
      case 'data': return this.deliver(frame.streamId, frame.data, frame.fin);
      case 'synReply': {
        await this.decompressor.run(frame.block);
        this.replies.get(frame.streamId)?.resolve();
        this.replies.delete(frame.streamId);
        return frame.fin ? this.deliver(frame.streamId, Buffer.alloc(0), true) : undefined;
      }
      case 'headers': {
        await this.decompressor.run(frame.block);
        return frame.fin ? this.deliver(frame.streamId, Buffer.alloc(0), true) : undefined;
      }
      case 'rstStream': return this.reset(frame.streamId, frame.status);
      case 'ping': {
        const isOurs = frame.id % 2 === this.nextPing % 2;
        return isOurs ? undefined : this.send(() => Promise.resolve(frame));
      }
      case 'goAway': case 'settings': case 'windowUpdate': return undefined;
    }
  }

  private async accept(frame: Extract<SpdyFrame, { type: 'synStream' }>): Promise<void> {
    const headers = decodeHeaders(await this.decompressor.run(frame.block));
    const { streamId } = frame;
    const refuse = (status: number): Promise<void> => this.send(() => Promise.resolve({ type: 'rstStream', streamId, status }));
    if (streamId % 2 === this.nextId % 2 || this.streams.has(streamId)) return refuse(rst.protocolError);
    if (this.streams.size >= (this.options.maxStreams ?? 1_000)) return refuse(rst.refusedStream);
    const stream = new SpdyStream(streamId, headers, this);
    this.streams.set(streamId, stream);
    if (!this.options.onStream?.(stream)) {
      this.streams.delete(streamId);
      return refuse(rst.refusedStream);
    }
    await this.send(async () => ({ type: 'synReply', streamId, fin: false, block: await this.compressor.run(encodeHeaders({})) }));
    if (frame.fin) await stream.receive(Buffer.alloc(0), true);
  }

  private async deliver(streamId: number, data: Buffer, fin: boolean): Promise<void> {
    const stream = this.streams.get(streamId);
    if (stream && !stream.destroyed) await stream.receive(data, fin);
  }

  private reset(streamId: number, status: number): void {
    const error = new Error(`SPDY: the peer reset stream ${streamId} (code ${status})`);
    const stream = this.streams.get(streamId);
    this.streams.delete(streamId);
    const reply = this.replies.get(streamId);
    this.replies.delete(streamId);
    // Nobody has a stream yet whose opening was refused.
    if (reply) return reply.reject(error);
    // A cancel after all was said is the peer's way to let go.
    if (status === rst.cancel) stream?.push(null);
    else stream?.destroy(error);
  }
}
