import { Duplex } from 'node:stream';

import type { PortForwardFrame } from '@navarch/proto/navarch/meta/v1/session';

import { Pipe } from './pipe';
import type { Forwarded, ForwardedConnection, PortForwardCaller, PortForwardTarget } from './port-forward';

/** Connections of one session at once. */
const maxConnections = 1_000;
const maxPieceBytes = 64 * 1024;
type Send = (frame: PortForwardFrame) => Promise<void>;

/** One connection of several that share a stream of frames. */
class FramedConnection extends Duplex {
  private onRoom: (() => void) | undefined;

  constructor(private readonly connection: number, private readonly send: Send, private readonly forget: () => void) {
    super({ allowHalfOpen: true });
    this.on('error', () => undefined);
  }

  /** Resolves when there is room for more. */
  receive(data: Uint8Array): Promise<void> {
    if (this.destroyed || this.push(data)) return Promise.resolve();
    return new Promise((resolve) => { this.onRoom = resolve; });
  }

  override _read(): void {
    this.release();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    const { connection } = this;
    const pieces = async (): Promise<void> => {
      for (let at = 0; at < chunk.length; at += maxPieceBytes) await this.send({ connection, data: chunk.subarray(at, at + maxPieceBytes) });
    };
    pieces().then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.send({ connection: this.connection, closed: true }).then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.release();
    this.forget();
    if (!this.readableEnded || !this.writableFinished) void this.send({ connection: this.connection, reset: true });
    callback(error);
  }

  private release(): void {
    this.onRoom?.();
    this.onRoom = undefined;
  }
}

/** Gives each frame to its connection; frames of connections that are no more are passed over. */
async function deliver(frames: AsyncIterable<PortForwardFrame>, take: (frame: PortForwardFrame) => Promise<void>, end: () => void): Promise<void> {
  try {
    for await (const frame of frames) await take(frame);
  } catch {
    // How the session broke off is told to whoever made the call.
  }
  end();
}

export interface MessagePortForwardCaller {
  readonly caller: PortForwardCaller;
  readonly frames: AsyncIterable<PortForwardFrame>;
}

/** A caller that speaks in frames (gRPC): the server's side. `gone` aborts when the call is over. */
export function messagePortForwardCaller(incoming: AsyncIterable<PortForwardFrame>, gone: AbortSignal): MessagePortForwardCaller {
  const [connections, frames] = [new Pipe<ForwardedConnection>(), new Pipe<PortForwardFrame>()];
  const open = new Map<number, FramedConnection>();
  const send: Send = (frame) => frames.push(frame);
  const close = (): void => {
    for (const stream of [...open.values()]) stream.destroy();
    connections.end();
    frames.end();
  };
  gone.addEventListener('abort', close, { once: true });
  if (gone.aborted) close();
  const begin = async (connection: number, port: number): Promise<void> => {
    if (open.has(connection) || open.size >= maxConnections) return send({ connection, failure: `connection ${connection} cannot be opened: ${open.size} are open` });
    const data = new FramedConnection(connection, send, () => open.delete(connection));
    open.set(connection, data);
    const fail = (message: string): void => void send({ connection, failure: message }).then(() => data.destroy());
    await connections.push({ port, data, fail });
  };
  const take = async ({ connection = 0, port, data, closed, reset }: PortForwardFrame): Promise<void> => {
    if (port) await begin(connection, port);
    const stream = open.get(connection);
    if (data) await stream?.receive(data);
    if (closed) stream?.push(null);
    if (reset) stream?.destroy();
  };
  void deliver(incoming, take, close);
  return { frames, caller: { connections, gone, close } };
}

export interface MessagePortForward {
  /** What is sent to the other end. */
  readonly frames: AsyncIterable<PortForwardFrame>;
  /** Once the other end has said that it is ready. */
  begin(incoming: AsyncIterable<PortForwardFrame>): PortForwardTarget;
}

/** Forwards connections by way of a call (gRPC): the client's side. `end` is called when nothing more is to be sent or heard. */
export function messagePortForward(end: () => void): MessagePortForward {
  const frames = new Pipe<PortForwardFrame>();
  const open = new Map<number, OpenConnection>();
  const send: Send = (frame) => frames.push(frame);
  const close = (): void => {
    for (const { data } of [...open.values()]) data.destroy();
    frames.end();
    end();
  };
  let nextId = 1;
  const connect = async (port: number): Promise<Forwarded> => {
    const connection = nextId++;
    let settle: (failure: string) => void = () => undefined;
    const failure = new Promise<string>((resolve) => { settle = resolve; });
    const data = new FramedConnection(connection, send, () => {
      open.delete(connection);
      settle('');
    });
    open.set(connection, { data, settle });
    await send({ connection, port });
    return { data, failure };
  };
  return { frames, begin: (incoming) => ({ closed: deliver(incoming, (frame) => answered(open, frame), close), close, open: connect }) };
}

interface OpenConnection {
  readonly data: FramedConnection;
  readonly settle: (failure: string) => void;
}

async function answered(open: ReadonlyMap<number, OpenConnection>, { connection = 0, data, closed, failure, reset }: PortForwardFrame): Promise<void> {
  const found = open.get(connection);
  if (!found) return;
  if (data) await found.data.receive(data);
  if (closed) found.data.push(null);
  if (failure !== undefined) found.settle(failure);
  if (failure !== undefined || reset) found.data.destroy();
}
