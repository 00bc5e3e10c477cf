import { createServer } from 'node:http';

import { toError, type Logger } from '@navarch/base';
import { duplexPair, type PortForwardTarget } from '@navarch/streaming';

/** One of the kubelet's own documents. */
export interface KubeletDocument {
  readonly contentType: string;
  readonly body: string;
}

/** By path. */
export type KubeletDocuments = Readonly<Record<string, () => KubeletDocument | Promise<KubeletDocument>>>;

export function jsonDocument(value: unknown): KubeletDocument {
  return { contentType: 'application/json', body: JSON.stringify(value) };
}

/** In Prometheus' text format. */
export function metricsDocument(body: string): KubeletDocument {
  return { contentType: 'text/plain; version=0.0.4; charset=utf-8', body };
}

/**
 * The kubelet's HTTP server for one conversation, as `kubectl get --raw /api/v1/nodes/NODE/proxy/…` asks it. It listens nowhere:
 * connections are those that the apiserver opens through `Dial`.
 */
export function kubeletHttp(documents: KubeletDocuments, logger: Logger): PortForwardTarget {
  const server = createServer(async (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const document = Object.hasOwn(documents, path) ? documents[path] : undefined;
    if (!document) return void response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, { allow: 'GET, HEAD' }).end();
    try {
      const { contentType, body } = await document();
      response.writeHead(200, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }).end(body);
    } catch (error) {
      logger.warn('a document could not be made', { path, error: toError(error).message });
      response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' }).end(`${toError(error).message}\n`);
    }
  });
  let settle: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => { settle = resolve; });
  return {
    closed, close: () => settle(),
    open() {
      const [near, far] = duplexPair();
      void closed.then(() => far.destroy());
      server.emit('connection', far);
      return Promise.resolve({ data: near, failure: new Promise((resolve) => near.once('close', () => resolve(''))) });
    },
  };
}
