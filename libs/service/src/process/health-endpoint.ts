import { createServer } from 'node:http';

import { parseEndpoint } from '../grpc/listener';
import type { Health } from './health';
import { formatFor, type MetricsFormat } from './metrics-page';

/**
 * /livez, /readyz and /healthz in plain HTTP, for probes and load balancers that speak no gRPC, and /metrics (Prometheus' text
 * format 0.0.4, or OpenMetrics where that is asked for) once the process has any; nothing else is told. Answers the address it listens on and how to stop.
 */
export async function serveHealthEndpoint(address: string, health: Health, metrics: (format: MetricsFormat) => string | undefined = () => undefined): Promise<{ readonly address: string; close(): Promise<void> }> {
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
    const path = request.url?.split('?')[0];
    const format = formatFor(request.headers.accept);
    const text = path === '/metrics' ? metrics(format) : undefined;
    if (text !== undefined) return void response.writeHead(200, { 'content-type': format.contentType }).end(text);
    const found = path === '/livez' || path === '/healthz' || path === '/readyz';
    const good = path !== '/readyz' || health.ready;
    response.writeHead(found ? (good ? 200 : 503) : 404, { 'content-type': 'text/plain' }).end(found ? (good ? 'ok' : 'not ready') : 'not found');
  });
  const endpoint = parseEndpoint(address);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error })));
    server.listen(endpoint, resolve);
  });
  const bound = server.address();
  return {
    address: bound !== null && typeof bound === 'object' ? `${address.slice(0, address.lastIndexOf(':'))}:${bound.port}` : address,
    close: () => new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
  };
}
