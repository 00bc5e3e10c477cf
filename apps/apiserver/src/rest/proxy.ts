import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { connect as tlsConnect } from 'node:tls';
import { createGunzip, createInflate } from 'node:zlib';

import { ApiError, toError } from '@navarch/base';
import type { Forwarded } from '@navarch/streaming';

import { isUserHeader } from '../core/foreign/user-headers';
import type { ProxySession } from '../core/request';
import type { Incoming, Outgoing } from './door';
import { rewriteLinks } from './html-links';
import { proxiedPath } from './path';

/** What concerns one connection and not the next (RFC 9110, section 7.6.1). */
const hopByHop = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);
/** Links are rewritten in documents up to this size; larger ones pass as they are. */
const maxRewrittenBytes = 16 * 1024 * 1024;

export interface ProxiedRequest extends Pick<Incoming, 'method' | 'url' | 'headers' | 'signal'> {
  /** The request's body as it arrives; absent: none. */
  readonly content?: AsyncIterable<Buffer>;
  /** Path behind the subresource: '' or '/…'. */
  readonly rest: string;
}

/** What of a URL's path the far side is asked for. */
export function farPath({ whole }: ProxySession, url: string): string {
  return whole ? (url.split('?', 1)[0] ?? '/') : proxiedPath(url);
}

/** The request, carried on to what stands behind a proxy subresource, and its answer. Throws Unavailable where nothing answers. */
export async function proxied(session: ProxySession, incoming: ProxiedRequest): Promise<Outgoing> {
  const { method, url, rest, signal } = incoming;
  const [path = '', search] = url.split(/\?(.*)/s, 2);
  if (rest === '' && (method === 'GET' || method === 'HEAD')) {
    // Relative links of the root document lead below the proxy only when its own path ends in a slash.
    return { status: 301, headers: { location: `${path}/${search === undefined ? '' : `?${search}`}` }, body: Buffer.alloc(0) };
  }
  const target = await session.start(signal);
  const end = (): void => target.close();
  signal.addEventListener('abort', end, { once: true });
  try {
    const far = await target.open(session.port);
    const response = await exchange(session, far, incoming, `${rest || '/'}${search === undefined ? '' : `?${search}`}`);
    return await answer(response, path.slice(0, path.length - rest.length), incoming, end);
  } catch (error) {
    end();
    throw error;
  }
}

/** The connection itself, for a request that changes the protocol: from here on both sides speak for themselves. */
export async function proxiedConnection(session: ProxySession, incoming: ProxiedRequest): Promise<Duplex> {
  const target = await session.start(incoming.signal);
  incoming.signal.addEventListener('abort', () => target.close(), { once: true });
  const connection = secured(session, (await target.open(session.port)).data);
  const [, search] = incoming.url.split(/\?(.*)/s, 2);
  const { whole } = session;
  const kept = Object.entries(incoming.headers).filter(([name]) => name !== 'authorization' && !name.startsWith(':') && !(whole && isCallersClaim(name)));
  const claims = Object.entries(whole?.headers ?? {}).flatMap(([name, value]) => [value ?? []].flat().map((each) => [name, String(each)] as const));
  const lines = [`${incoming.method} ${incoming.rest || '/'}${search === undefined ? '' : `?${search}`} HTTP/1.1`, ...[...kept, ...claims].map(([name, value = '']) => `${name}: ${value}`)];
  connection.on('error', () => target.close());
  connection.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
  return connection;
}

/** Nobody could tell which certificate a pod should have: like Kubernetes, we encrypt and do not ask. An API's own server is asked. */
function secured({ scheme, whole }: ProxySession, data: Duplex): Duplex {
  return scheme === 'https' ? tlsConnect({ ...(whole?.tls ?? { rejectUnauthorized: false }), socket: data }) : data;
}

async function exchange(session: ProxySession, { data, failure }: Forwarded, { method, headers, content, signal }: ProxiedRequest, path: string): Promise<IncomingMessage> {
  const request: ClientRequest = httpRequest({ method, path, headers: { ...requestHeaders(headers, session), ...(bodyOf(method, headers) === 'unknown length' && { 'transfer-encoding': 'chunked' }) }, createConnection: () => secured(session, data), signal });
  try {
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.on('error', reject);
    });
    if (content && bodyOf(method, headers) !== 'none') pipeline(content, request).catch((error: unknown) => { request.destroy(toError(error)); });
    else request.end();
    return await response;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // The connection's own words come beside the broken stream, and say more.
    data.destroy();
    throw new ApiError('Unavailable', `error trying to reach service: ${(await failure) || toError(error).message}`, {}, { cause: error });
  }
}

/** Who asks has been settled here: a far server is told by us alone. */
const isCallersClaim = (name: string): boolean => isUserHeader(name) || name.startsWith('impersonate-');

/** HTTP/1.1 says by headers whether a body comes; HTTP/2 need not, and methods tell. */
function bodyOf(method: string, headers: Incoming['headers']): 'none' | 'known length' | 'unknown length' {
  if (headers['content-length'] !== undefined) return 'known length';
  const mayCome = headers['transfer-encoding'] !== undefined || (headers[':method'] !== undefined && ['POST', 'PUT', 'PATCH'].includes(method));
  return mayCome ? 'unknown length' : 'none';
}

function requestHeaders(headers: Incoming['headers'], { whole }: ProxySession): OutgoingHttpHeaders {
  const dropped = new Set((headers['connection'] ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const kept = Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !dropped.has(name) && !name.startsWith(':') && name !== 'authorization' && !(whole && isCallersClaim(name)));
  return {
    ...Object.fromEntries(kept.map(([name, value = '']) => [name, value])),
    ...whole?.headers,
    host: headers['host'] ?? headers[':authority'] ?? 'localhost',
    ...(headers['x-forwarded-proto'] === undefined && { 'x-forwarded-proto': 'https' }),
  };
}

async function answer(response: IncomingMessage, prefix: string, { method, headers: asked }: ProxiedRequest, end: () => void): Promise<Outgoing> {
  const host = asked['host'] ?? asked[':authority'];
  const rewrite = (url: string): string => behind(url, prefix, host);
  const headers = responseHeaders(response.headers);
  if (headers['location'] !== undefined) headers['location'] = rewrite(String(headers['location']));
  const status = response.statusCode ?? 502;
  if (method !== 'HEAD' && /^text\/html\b/i.test(response.headers['content-type'] ?? '') && Number(response.headers['content-length'] ?? 0) <= maxRewrittenBytes) {
    const html = rewriteLinks(await text(decoded(response)), rewrite);
    end();
    const { 'content-encoding': _encoding, 'content-length': _length, ...rest } = headers;
    return { status, headers: rest, body: Buffer.from(html) };
  }
  return { status, headers, body: passed(response, end) };
}

async function* passed(response: IncomingMessage, end: () => void): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* response as AsyncIterable<Buffer>;
  } finally {
    end();
  }
}

function decoded(response: IncomingMessage): AsyncIterable<Buffer> {
  switch (response.headers['content-encoding']) {
    case 'gzip': return response.pipe(createGunzip());
    case 'deflate': return response.pipe(createInflate());
    default: return response;
  }
}

function responseHeaders(headers: IncomingHttpHeaders): Record<string, string | readonly string[]> {
  const dropped = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined && !hopByHop.has(entry[0]) && !dropped.has(entry[0])));
}

/** A URL of the proxied server as its client must ask for it; what leads elsewhere stays. */
function behind(url: string, prefix: string, host: string | undefined): string {
  if (url.startsWith('/') && !url.startsWith('//')) return url === prefix || url.startsWith(`${prefix}/`) ? url : `${prefix}${url}`;
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  return absolute && absolute[1] === host ? `${prefix}${absolute[2] || '/'}` : url;
}
