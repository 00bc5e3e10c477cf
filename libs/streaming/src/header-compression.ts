import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';

import { spdyDictionary } from './spdy-dictionary';

/** What one header block may grow to when it is taken apart. */
const maxBlockBytes = 256 * 1024;

/**
 * Header blocks of one direction share one zlib stream, flushed after each block. Blocks must go through one after the
 * other: each call waits for the one before.
 */
class ZlibStream {
  private tail: Promise<unknown> = Promise.resolve();

  constructor(private readonly stream: Deflate | Inflate) {
    // Errors reach the caller of `run`; without a listener they would end the process.
    stream.on('error', () => undefined);
  }

  run(block: Buffer): Promise<Buffer> {
    const result = this.tail.then(() => this.transform(block));
    this.tail = result.catch(() => undefined);
    return result;
  }

  close(): void {
    this.stream.close();
  }

  private transform(block: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const parts: Buffer[] = [];
      let length = 0;
      const done = (error?: Error | null): void => {
        this.stream.off('data', collect);
        this.stream.off('error', done);
        if (error) reject(error);
        else resolve(Buffer.concat(parts, length));
      };
      const collect = (part: Buffer): void => {
        length += part.length;
        if (length > maxBlockBytes) done(new Error(`SPDY: a header block of more than ${maxBlockBytes} bytes`));
        else parts.push(part);
      };
      this.stream.on('data', collect);
      this.stream.on('error', done);
      this.stream.write(block);
      this.stream.flush(constants.Z_SYNC_FLUSH, () => done());
    });
  }
}

export class HeaderCompressor extends ZlibStream {
  constructor() {
    super(createDeflate({ dictionary: spdyDictionary }));
  }
}

export class HeaderDecompressor extends ZlibStream {
  constructor() {
    super(createInflate({ dictionary: spdyDictionary }));
  }
}
