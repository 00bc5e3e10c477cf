import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

import { ApiError, type Logger } from '@navarch/base';
import { drained } from '@navarch/streaming';

import type { Credentials } from '../core/auth/authenticator';
import { impersonationOf } from '../core/auth/impersonation';
import type { Outgoing } from './door';
import { statusOf } from './status';

/** One request and its answer on the wire, HTTP/1.1 and HTTP/2 alike. */
export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

const compress = promisify(gzip);
/** Below this an answer costs more to compress than to send (Kubernetes' own threshold). */
const gzipFromBytes = 128 * 1024;

/** What failed before or while answering: a Status where the answer has not begun, a cut connection where it has. */
export function fail(error: unknown, response: Response, logger: Logger, signal: AbortSignal): void {
  if (signal.aborted) return;
  if (response.headersSent) {
    logger.warn('an answer broke off', { error });
    response.destroy(error instanceof Error ? error : undefined);
    return;
  }
  const status = statusOf(error);
  response.statusCode = status.code;
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify(status)}\n`);
}

export function flatHeaders(headers: Request['headers']): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
}

/** The client certificate, where one was shown; one that our authority did not sign is refused, not ignored. */
export function credentialsOf(request: Request, authorization: string | undefined): Credentials {
  const impersonation = impersonationOf(rawHeaders(request));
  return { ...shownBy(request, authorization), ...(impersonation && { impersonation }) };
}

/** One by one: a list in one header could not be told from a value with a comma. */
function* rawHeaders({ rawHeaders: flat }: Request): Generator<[string, string]> {
  for (let index = 0; index + 1 < flat.length; index += 2) yield [flat[index] ?? '', flat[index + 1] ?? ''];
}

function shownBy(request: Request, authorization: string | undefined): Credentials {
  const socket = 'stream' in request && request.stream.session ? request.stream.session.socket : request.socket;
  const bearerToken = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (authorization !== undefined && bearerToken === undefined) throw new ApiError('Unauthorized', 'Unauthorized');
  const tls = socket as TLSSocket;
  const certificate = tls.getPeerCertificate();
  if (!certificate || Object.keys(certificate).length === 0) return bearerToken === undefined ? {} : { bearerToken };
  if (!tls.authorized) throw new ApiError('Unauthorized', 'Unauthorized');
  const organizations = [certificate.subject.O as string | string[] | undefined].flat().filter((one): one is string => one !== undefined);
  return { certificate: { commonName: String(certificate.subject.CN ?? ''), organizations }, ...(bearerToken !== undefined && { bearerToken }) };
}

/** Sends the whole answer, as fast as the client reads. */
export async function send(outgoing: Outgoing, request: Request, response: Response, signal: AbortSignal): Promise<void> {
  response.statusCode = outgoing.status;
  for (const [name, value] of Object.entries(outgoing.headers)) response.setHeader(name, value as string | string[]);
  if (request.method === 'HEAD' || outgoing.status === 304) {
    response.end();
    return;
  }
  if (Buffer.isBuffer(outgoing.body)) {
    const compressed = outgoing.body.length >= gzipFromBytes && /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
    const body = compressed ? await compress(outgoing.body, { level: 1 }) : outgoing.body;
    if (compressed) response.setHeader('content-encoding', 'gzip');
    response.setHeader('content-length', String(body.length));
    response.end(body);
    return;
  }
  // The client must see at once that its watch stands, whether or not anything happens.
  (response as ServerResponse).flushHeaders();
  // Whoever is cut off does not read: the wait for it to drain would last as long as its connection.
  outgoing.cutOff?.addEventListener('abort', () => response.destroy(), { once: true });
  for await (const chunk of outgoing.body) {
    if (signal.aborted || response.destroyed) return;
    if (!(response as ServerResponse).write(chunk)) await drained(response as Writable);
  }
  response.end();
}
