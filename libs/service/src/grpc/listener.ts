import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TLSSocket } from 'node:tls';

import type { Logger } from '@navarch/base';

import type { TlsMaterial } from '../tls/tls-material';
import { rememberPeer } from './peer-identity';

/** Where a server listens or a client connects: a unix socket, or a host with a port. */
export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number };

/** Reads `unix:/path`, `unix:///path`, `host:port`, `[v6]:port`. Throws an Error that says what would be right. */
export function parseEndpoint(text: string): Endpoint {
  const path = /^unix:(?:\/\/)?(\/.+)$/.exec(text)?.[1];
  if (path) {
    // sun_path holds 108 bytes with its final zero.
    if (Buffer.byteLength(path) > 107) throw new Error(`${text}: the path of a unix socket has at most 107 bytes`);
    return { path };
  }
  const [, v6, name, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = v6 ?? name;
  if (!host || Number(port) > 65_535) throw new Error(`"${text}" is not an address: give host:port or unix:/path`);
  return { host, port: Number(port) };
}

export interface Listener {
  /** The address as a client would give it, with the real port where 0 was asked for. */
  readonly address: string;
  setTls(material: TlsMaterial): void;
  /** Takes no more connections; those that stand stay. */
  close(): Promise<void>;
}

/**
 * Accepts connections and hands them over once TLS stands. We accept ourselves, rather than let grpc-js bind, because it can
 * only demand a client certificate or never ask for one: here a client may show none (and bring a token), but a bad
 * one is refused. Unix sockets are 0600 and left-over ones of dead processes are replaced.
 */
export async function listen(text: string, tls: TlsMaterial | 'insecure', logger: Logger, onConnection: (socket: Socket) => void): Promise<Listener> {
  const endpoint = parseEndpoint(text);
  if ('path' in endpoint) await removeStaleSocket(endpoint.path);
  const server = tls === 'insecure' ? createServer(onConnection) : tlsServer(tls, logger, onConnection);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`cannot listen on ${text}: ${error.message}`, { cause: error })));
    server.listen(endpoint, resolve);
  });
  server.on('error', (error) => logger.error('listener failed', { address: text, error }));
  if ('path' in endpoint) chmodSync(endpoint.path, 0o600);
  return {
    address: 'path' in endpoint ? text : `${text.slice(0, text.lastIndexOf(':'))}:${(server.address() as AddressInfo).port}`,
    setTls: (material) => {
      if (tls !== 'insecure') (server as TlsServer).setSecureContext(secureContext(material));
    },
    close: () => new Promise((resolve) => {
      // `close` calls back when the last connection ends; listening stops at once.
      server.close();
      setImmediate(resolve);
    }),
  };
}

function tlsServer(tls: TlsMaterial, logger: Logger, onConnection: (socket: Socket) => void): Server {
  const server = createTlsServer({ ...secureContext(tls), requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'], handshakeTimeout: 10_000 });
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', (error) => logger.debug('connection failed', { error }));
    const shown = socket.getPeerCertificate();
    if (shown.raw && !socket.authorized) {
      logger.warn('client certificate refused', { subject: shown.subject?.CN, why: String(socket.authorizationError), from: socket.remoteAddress ?? 'unix' });
      socket.destroy();
      return;
    }
    rememberPeer(socket, shown);
    onConnection(socket);
  });
  server.on('tlsClientError', (error, socket) => logger.debug('TLS handshake failed', { error, from: socket.remoteAddress ?? 'unix' }));
  return server;
}

function secureContext({ ca, certificate, key }: TlsMaterial): { ca: string; cert: string; key: string; minVersion: 'TLSv1.2' } {
  if (!certificate || !key) throw new Error('a TLS server needs a certificate and its key');
  return { ca, cert: certificate, key, minVersion: 'TLSv1.2' };
}

/** A socket file that nobody answers on is a dead process's; one that answers is somebody else's, and stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) throw new Error(`cannot listen on unix:${path}: a file that is no socket is in the way`);
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', () => resolve(false));
  });
  if (answered) throw new Error(`cannot listen on unix:${path}: another process listens there`);
  unlinkSync(path);
}
