import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { ApiError, type Logger } from '@navarch/base';
import { parseEndpoint, removeStaleSocket } from '@navarch/service';

import type { Credentials } from '../core/auth/authenticator';
import type { User } from '../core/request';
import type { RestDoor } from './door';
import { credentialsOf, fail, flatHeaders, send, type Request, type Response } from './exchange';
import { isProxied } from './path';
import { createUpgrades } from './upgrade';

export interface RestServerOptions {
  /** host:port to listen on (port 0 takes a free one), or unix:/path. */
  readonly listen: string;
  /** PEM. `ca` signs the client certificates that count. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly ca: string };
  readonly door: RestDoor;
  readonly authenticate: (credentials: Credentials) => Promise<User>;
  readonly logger: Logger;
  /** Largest request body in bytes; 3 MiB unless told. */
  readonly maxBodyBytes?: number;
  /** How long a client may take to send a request's body, in ms; 60,000 unless told. */
  readonly bodyTimeoutMs?: number;
}

export interface RestServer {
  /** host:port or unix:/path it listens on. */
  readonly address: string;
  /** Stops taking connections; ends those there are once their answers are complete, or after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

const defaultMaxBodyBytes = 3 * 1024 * 1024;
const defaultBodyTimeoutMs = 60_000;
/** A connection silent for so long is probed by the kernel, which ends it when nobody answers: clients vanish without a word. */
const keepAliveProbeMs = 30_000;

/** HTTP/1.1 and HTTP/2 by ALPN on one TLS port. */
export async function startRestServer(options: RestServerOptions): Promise<RestServer> {
  const { listen, tls, logger } = options;
  const server = createSecureServer({
    cert: tls.certificate, key: tls.key, ca: tls.ca, allowHTTP1: true, requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2',
    settings: { maxConcurrentStreams: 250, maxHeaderListSize: 64 * 1024 },
  });
  const sessions = new Set<{ close(): void; destroy(): void }>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    // A peer that breaks the protocol ends its own session; the others go on.
    session.on('error', (error) => logger.debug('an HTTP/2 session failed', { error }));
  });
  server.on('secureConnection', (socket) => {
    socket.setKeepAlive(true, keepAliveProbeMs);
    if (socket.alpnProtocol === 'h2') return;
    const connection = { close: () => socket.end(), destroy: () => socket.destroy() };
    sessions.add(connection);
    socket.on('close', () => sessions.delete(connection));
  });
  server.on('tlsClientError', (error) => logger.debug('a TLS handshake failed', { error }));
  server.on('request', (request: Request, response: Response) => void serve(options, request, response));
  const upgrade = createUpgrades(options);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => void upgrade(request, socket, head));
  return { address: await open(server, listen), close: (graceMs) => closeServer(server, sessions, graceMs) };
}

/** Where it then listens. */
async function open(server: Http2SecureServer, listen: string): Promise<string> {
  const endpoint = parseEndpoint(listen);
  if ('path' in endpoint) {
    await removeStaleSocket(endpoint.path);
    server.listen(endpoint.path);
    await once(server, 'listening');
    chmodSync(endpoint.path, 0o600);
    return listen;
  }
  server.listen(endpoint.port, endpoint.host);
  await once(server, 'listening');
  return `${endpoint.host}:${(server.address() as AddressInfo).port}`;
}

async function closeServer(server: Http2SecureServer, sessions: ReadonlySet<{ close(): void; destroy(): void }>, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const session of sessions) session.close();
  const timer = setTimeout(() => { for (const session of sessions) session.destroy(); }, graceMs);
  await closed;
  clearTimeout(timer);
}

async function serve(options: RestServerOptions, request: Request, response: Response): Promise<void> {
  const life = new AbortController();
  response.on('close', () => life.abort(new ApiError('Canceled', 'the client has gone')));
  response.on('error', (error) => options.logger.debug('an answer could not be sent', { error }));
  try {
    const headers = flatHeaders(request.headers);
    const user = await options.authenticate(credentialsOf(request, headers['authorization']));
    const incoming = { method: request.method ?? 'GET', url: request.url ?? '/', headers, user, signal: life.signal, framed: true };
    const outgoing = await options.door.handle(isProxied(incoming.url)
      ? { ...incoming, body: Buffer.alloc(0), content: request as AsyncIterable<Buffer> }
      : { ...incoming, body: await readBodyInTime(request, options) });
    await send(outgoing, request, response, life.signal);
  } catch (error) {
    fail(error, response, options.logger, life.signal);
  }
}

/** A body that comes drop by drop is given up, and its connection with it. */
async function readBodyInTime(request: Request, { maxBodyBytes = defaultMaxBodyBytes, bodyTimeoutMs = defaultBodyTimeoutMs }: RestServerOptions): Promise<Buffer> {
  let late: (() => void) | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => { late = () => reject(new ApiError('Timeout', `the request's body did not arrive within ${bodyTimeoutMs} ms`)); });
  const timer = setTimeout(() => late?.(), bodyTimeoutMs);
  const body = readBody(request, maxBodyBytes);
  // It fails once more when the connection ends; by then nobody waits.
  body.catch(() => undefined);
  try {
    return await Promise.race([body, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

async function readBody(request: Request, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): ApiError => new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${maxBytes}`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
