import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';

import { Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import { ApiError, sleep, systemClock, toError, type Clock, type Logger } from '@navarch/base';

import { followTls, loadTls, type TlsFiles, type TlsMaterial } from '../tls/tls-material';
import { handlerOf, type RunningCall } from './grpc-call';
import type { GrpcMethod } from './grpc-service';
import { listen, type Listener } from './listener';
import { pipelineStreams } from './pipelined-call';

export interface GrpcLimits {
  /** Largest request in bytes; 4 MiB unless told (gRPC's own default). */
  readonly receiveBytes?: number;
  /** Largest response in bytes; 16 MiB unless told. */
  readonly sendBytes?: number;
  /** Calls at once per connection, beyond which the client lets them wait; 10,000 unless told: a watch is a call. */
  readonly concurrentStreams?: number;
}

export interface GrpcServerOptions {
  /** Addresses: `host:port`, `[v6]:port`, `unix:/path`. Port 0 takes a free one. */
  readonly listen: readonly string[];
  /** Files are followed: new certificates count for new connections. `insecure` is for tests and benches. */
  readonly tls: TlsMaterial | TlsFiles | 'insecure';
  /** Of one or more services: `grpcService(…)`, or methods on bytes. */
  readonly services: readonly (readonly GrpcMethod[])[];
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly limits?: GrpcLimits;
  /** A client that is silent for so long is pinged, and cut off when it stays so; 20,000 unless told. */
  readonly keepaliveMs?: number;
}

export interface GrpcServer {
  /** Where it listens, with real ports. */
  readonly addresses: readonly string[];
  /** Calls under way. */
  readonly running: number;
  /** Aborts when the server begins to stop: long streams should end. */
  readonly draining: AbortSignal;
  /**
   * Takes no new connections or calls, lets calls end for `graceMs` (5,000 unless told), then aborts those that remain as
   * Unavailable. Resolves when nothing is left.
   */
  close(graceMs?: number): Promise<void>;
}

/** Serves methods over HTTP/2, every call with deadline, cancellation, peer identity and trace context. */
export async function createGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { logger, clock = systemClock } = options;
  const tls = materialOf(options.tls, clock, logger);
  const server = new Server(serverOptions(options));
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const calls = new Set<RunningCall>();
  const draining = new AbortController();
  const report = (error: unknown): string => {
    const id = randomBytes(6).toString('hex');
    logger.error('request failed unexpectedly', { id, error: toError(error) });
    return id;
  };
  for (const method of options.services.flat()) {
    const { path, kind } = method;
    if (!server.register(path, handlerOf(method, { calls, clock, report }), asBuffer, (bytes: Buffer) => bytes, kind)) throw new Error(`two handlers for ${path}`);
  }

  const sockets = new Set<Socket>();
  const onConnection = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    injector.injectConnection(socket);
  };
  const listeners = await listenAll(options.listen, tls, logger, onConnection);
  const unfollow = isFiles(options.tls) ? followTls(options.tls, { clock, logger, onChange: (material) => listeners.forEach((each) => each.setTls(material)) }) : undefined;

  const stop = async (graceMs: number): Promise<void> => {
    unfollow?.();
    draining.abort(new ApiError('Unavailable', 'the server is stopping'));
    await Promise.all(listeners.map((listener) => listener.close()));
    await drain(server, calls, clock, graceMs);
    sockets.forEach((socket) => socket.destroy());
  };
  let stopped: Promise<void> | undefined;
  return {
    addresses: listeners.map(({ address }) => address),
    get running() {
      return calls.size;
    },
    draining: draining.signal,
    close: (graceMs = 5_000) => (stopped ??= stop(graceMs)),
  };
}

async function drain(server: Server, calls: ReadonlySet<RunningCall>, clock: Clock, graceMs: number): Promise<void> {
  const stop = new AbortController();
  const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve())).then(() => stop.abort());
  const timer = (ms: number): Promise<void> => sleep(clock, ms, stop.signal).catch(() => undefined);
  await Promise.race([ended, timer(graceMs)]);
  if (stop.signal.aborted) return;
  for (const call of calls) call.abort(new ApiError('Unavailable', 'the server is stopping'));
  // Time for the aborted calls to send their status; after it the connections are cut.
  await Promise.race([ended, timer(250)]);
  stop.abort();
}

async function listenAll(addresses: readonly string[], tls: TlsMaterial | 'insecure', logger: Logger, onConnection: (socket: Socket) => void): Promise<Listener[]> {
  const listeners: Listener[] = [];
  try {
    for (const address of addresses) listeners.push(await listen(address, tls, logger, onConnection));
    return listeners;
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
}

function isFiles(tls: GrpcServerOptions['tls']): tls is TlsFiles {
  return tls !== 'insecure' && 'caFile' in tls;
}

function materialOf(tls: GrpcServerOptions['tls'], clock: Clock, logger: Logger): TlsMaterial | 'insecure' {
  return isFiles(tls) ? loadTls(tls, clock, logger) : tls;
}

function serverOptions({ limits, keepaliveMs = 20_000 }: GrpcServerOptions): ServerOptions {
  return {
    interceptors: [pipelineStreams],
    'grpc.max_receive_message_length': limits?.receiveBytes ?? 4 * 1024 * 1024,
    'grpc.max_send_message_length': limits?.sendBytes ?? 16 * 1024 * 1024,
    'grpc.max_concurrent_streams': limits?.concurrentStreams ?? 10_000,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': 10_000,
    // Book-keeping for a debugging service that we do not offer.
    'grpc.enable_channelz': 0,
  };
}

/** grpc-js copies with Buffer's methods. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
