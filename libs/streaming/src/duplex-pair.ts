import { Duplex } from 'node:stream';

/** Two ends of a connection inside this process: what is written to one is read from the other, with back-pressure and half-close. */
export function duplexPair(): readonly [Duplex, Duplex] {
  const [near, far] = [new End(), new End()];
  near.other = far;
  far.other = near;
  return [near, far];
}

class End extends Duplex {
  other!: End;
  private onRead: (() => void) | undefined;

  override _read(): void {
    this.onRead?.();
    this.onRead = undefined;
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    if (this.other.destroyed) return callback(new Error('the other end has gone'));
    if (this.other.push(chunk)) callback();
    else this.other.onRead = callback;
  }

  override _final(callback: (error?: Error | null) => void): void {
    if (!this.other.destroyed) this.other.push(null);
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this._read();
    if (!this.other.destroyed && !(this.readableEnded && this.writableFinished)) this.other.destroy();
    callback(error);
  }
}
