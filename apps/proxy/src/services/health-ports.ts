import { createServer, type Server } from 'node:http';

import { toError, type Logger } from '@navarch/base';

/** What a load balancer is told at a Service's health check node port: whether this node has endpoints of its own. */
export interface HealthPort {
  readonly port: number;
  readonly namespace: string;
  readonly name: string;
  readonly localEndpoints: number;
}

/** The health check node ports of this node. */
export interface HealthPorts {
  /** From now on these and no others answer. A port that cannot be had is reported by `failed`, and holds up no other. */
  set(ports: readonly HealthPort[]): void;
  close(): Promise<void>;
}

/** Plain HTTP as load balancers ask it: 200 where this node has endpoints, 503 where not (kube-proxy's answer, KEP-1432). */
export function createHealthPorts({ host, logger, failed }: { host?: string; logger: Logger; failed(port: HealthPort, error: Error): void }): HealthPorts {
  const listening = new Map<number, { current: HealthPort; server: Server }>();
  const stop = (port: number): Promise<void> => new Promise((resolve) => {
    const server = listening.get(port)?.server;
    listening.delete(port);
    server?.closeAllConnections();
    if (server) server.close(() => resolve());
    else resolve();
  });
  const listen = (first: HealthPort): void => {
    const entry = { current: first, server: createServer((_request, response) => {
      const { namespace, name, localEndpoints } = entry.current;
      const body = JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: true });
      response.writeHead(localEndpoints > 0 ? 200 : 503, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'x-load-balancing-endpoint-weight': String(localEndpoints) }).end(body);
    }) };
    entry.server.requestTimeout = 5_000;
    entry.server.maxConnections = 64;
    entry.server.on('error', (thrown) => {
      listening.delete(first.port);
      logger.warn('a health check port cannot be had', { port: first.port, error: toError(thrown) });
      failed(entry.current, toError(thrown));
    });
    listening.set(first.port, entry);
    entry.server.listen(first.port, host);
  };
  return {
    set: (ports) => {
      const wanted = new Set(ports.map(({ port }) => port));
      for (const port of [...listening.keys()]) if (!wanted.has(port)) void stop(port);
      for (const port of ports) {
        const entry = listening.get(port.port);
        if (entry) entry.current = port;
        else listen(port);
      }
    },
    close: async () => {
      await Promise.all([...listening.keys()].map(stop));
    },
  };
}
