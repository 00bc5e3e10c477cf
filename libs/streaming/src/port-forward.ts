import { Duplex, type Readable } from 'node:stream';

import { BoundedQueue } from '@navarch/base';
import type { WebSocket } from 'ws';

import { SpdyConnection, type SpdyStream } from './spdy-connection';
import { sendMessage } from './websocket-command';

export const spdyPortForwardProtocol = 'portforward.k8s.io';

/** One connection that a caller forwards: its bytes, and a way to say why it failed. */
export interface ForwardedConnection {
  readonly port: number;
  readonly data: Duplex;
  fail(message: string): void;
}

export interface PortForwardCaller {
  readonly connections: AsyncIterable<ForwardedConnection>;
  readonly gone: AbortSignal;
  close(): void;
}

/** A connection to a port of a pod. `failure` resolves with why it failed, or with '' when all went well. */
export interface Forwarded {
  readonly data: Duplex;
  readonly failure: Promise<string>;
}

/** Where connections are forwarded to: a pod, seen from whoever reaches it. */
export interface PortForwardTarget {
  open(port: number): Promise<Forwarded>;
  /** Resolves when the way to the pod has ended. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Joins a caller's connections with the pod until one of the two goes. */
export async function joinPortForward(caller: PortForwardCaller, target: PortForwardTarget): Promise<void> {
  caller.gone.addEventListener('abort', () => target.close(), { once: true });
  if (caller.gone.aborted) target.close();
  void target.closed.then(() => caller.close());
  const running = new Set<Promise<void>>();
  try {
    for await (const connection of caller.connections) {
      const one: Promise<void> = forward(connection, target).finally(() => running.delete(one));
      running.add(one);
    }
    // The list of connections may be complete while they go on.
    await Promise.race([Promise.all(running), target.closed]);
  } finally {
    target.close();
    caller.close();
  }
}

async function forward({ port, data, fail }: ForwardedConnection, target: PortForwardTarget): Promise<void> {
  data.on('error', () => undefined);
  try {
    const far = await target.open(port);
    far.data.on('error', () => undefined);
    join(data, far.data);
    const failure = await far.failure;
    if (failure) fail(failure);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

/** Copies both ways. A half-close is passed on; what breaks on one side ends the other. */
function join(near: Duplex, far: Duplex): void {
  near.pipe(far).pipe(near);
  const ending = (one: Duplex, other: Duplex): void => {
    one.once('close', () => { if (!one.readableEnded || !one.writableFinished) other.destroy(); });
  };
  ending(near, far);
  ending(far, near);
}

const maxWaiting = 1_000;

function readPort(text: string | undefined): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text ?? '') && port > 0 && port <= 65_535 ? port : undefined;
}

/** A caller over SPDY: for each connection a pair of streams, data and error, that share a request id. */
export function spdyPortForwardCaller(transport: Duplex): PortForwardCaller {
  const connections = new BoundedQueue<ForwardedConnection>(maxWaiting);
  const halves = new Map<string, { data?: SpdyStream; error?: SpdyStream }>();
  const connection = new SpdyConnection({
    transport, side: 'server',
    onStream(stream) {
      const { streamtype: type, port: portText, requestid: id = portText } = stream.headers;
      const port = readPort(portText);
      if (port === undefined || id === undefined || (type !== 'data' && type !== 'error')) return false;
      stream.on('error', () => undefined);
      const pair = { ...halves.get(id), [type]: stream };
      halves.set(id, pair);
      if (!pair.data || !pair.error) return halves.size <= maxWaiting;
      halves.delete(id);
      return connections.push(pairOf(port, pair.data, pair.error));
    },
  });
  const gone = new AbortController();
  void connection.closed.then(() => {
    connections.end();
    gone.abort(new Error('the caller has gone'));
  });
  return { connections, gone: gone.signal, close: () => void connection.close() };
}

function pairOf(port: number, data: SpdyStream, error: SpdyStream): ForwardedConnection {
  data.once('close', () => error.end());
  return { port, data, fail: (message) => { error.end(message); data.end(); } };
}

/** A caller over a WebSocket (v4.channel.k8s.io): channels 2i and 2i+1 carry data and errors of the i-th port asked for. */
export function webSocketPortForwardCaller(socket: WebSocket, ports: readonly number[]): PortForwardCaller {
  const connections = new BoundedQueue<ForwardedConnection>(ports.length);
  const gone = new AbortController();
  const streams = ports.map((_port, index) => channelStream(socket, index * 2));
  ports.forEach((port, index) => {
    const head = Buffer.alloc(2);
    head.writeUInt16LE(port);
    const send = (channel: number, data: Buffer): void => void sendMessage(socket, Buffer.concat([Buffer.from([channel]), data])).catch(() => undefined);
    send(index * 2, head);
    send(index * 2 + 1, head);
    const data = streams[index] as Duplex;
    connections.push({ port, data, fail: (message) => { send(index * 2 + 1, Buffer.from(message)); data.end(); } });
  });
  connections.end();
  socket.on('message', (message: Buffer) => {
    const channel = message[0] ?? 0;
    const stream = channel % 2 === 0 ? streams[channel / 2] : undefined;
    if (stream && !stream.push(message.subarray(1))) socket.pause();
  });
  const end = (): void => {
    for (const stream of streams) stream.push(null);
    gone.abort(new Error('the caller has gone'));
  };
  socket.on('close', end);
  socket.on('error', end);
  return { connections, gone: gone.signal, close: () => socket.close(1000) };
}

function channelStream(socket: WebSocket, channel: number): Duplex {
  return new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, callback) => { sendMessage(socket, Buffer.concat([Buffer.from([channel]), chunk])).then(() => callback(), callback); },
  });
}

/** Forwards connections through a streaming server (containerd's) to which `transport` has been upgraded. */
export class SpdyPortForward implements PortForwardTarget {
  private readonly connection: SpdyConnection;
  private nextId = 0;

  constructor(transport: Duplex) {
    this.connection = new SpdyConnection({ transport, side: 'client' });
  }

  get closed(): Promise<void> {
    return this.connection.closed;
  }

  /** A connection to a port of the pod. `failure` resolves with the server's words, or with '' when all went well. */
  async open(port: number): Promise<{ readonly data: SpdyStream; readonly failure: Promise<string> }> {
    const requestid = String(this.nextId++);
    const error = await this.connection.open({ streamtype: 'error', port: String(port), requestid });
    error.on('error', () => undefined);
    error.end();
    const data = await this.connection.open({ streamtype: 'data', port: String(port), requestid });
    data.on('error', () => undefined);
    return { data, failure: text(error) };
  }

  close(): void {
    void this.connection.close();
  }
}

async function text(stream: Readable): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
  } catch {
    // A reset stream says nothing more.
  }
  return Buffer.concat(parts).toString();
}
