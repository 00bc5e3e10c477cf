import { connect, createServer, type Server, type Socket } from 'node:net';

import type { Logger } from '@navarch/base';
import { parseEndpoint } from '@navarch/service';
import { joinSockets } from '@navarch/streaming';

export interface ApiRelay {
  /** host:port it listens on. */
  readonly address: string;
  /** Takes no more connections, and ends those there are. */
  close(): Promise<void>;
}

/**
 * Carries connections on, byte for byte, from an address inside the node's network namespace to a socket outside it: pods' way to an API
 * server that listens on no address of the cluster. TLS goes through from end to end. `spec` is `host:port=unix:/path`; throws an Error
 * that says what would be right.
 */
export async function startApiRelay(spec: string, logger: Logger): Promise<ApiRelay> {
  const at = spec.indexOf('=');
  const from = parseEndpoint(spec.slice(0, Math.max(0, at)));
  const to = parseEndpoint(spec.slice(at + 1));
  if ('path' in from || !('path' in to)) throw new Error(`--api-relay: "${spec}" is not host:port=unix:/path`);
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    // The target says when it has had enough; a client that only ends its half may still be answered.
    const target = connect({ path: to.path, allowHalfOpen: true });
    joinSockets(client, target, open, (error) => logger.debug('the API server could not be reached for a pod', { error: error.message }));
  });
  await listen(server, from);
  const bound = server.address();
  return {
    address: `${from.host}:${bound && typeof bound === 'object' ? bound.port : from.port}`,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    }),
  };
}

function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', () => undefined);
      resolve();
    });
  });
}
