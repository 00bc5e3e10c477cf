import { ServerResponse, type IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { ApiError, toError } from '@navarch/base';
import { sendMessage } from '@navarch/streaming';
import { WebSocketServer, type WebSocket } from 'ws';

import type { Conversation, ProxySession } from '../core/request';
import type { Outgoing } from './door';
import { credentialsOf, fail, flatHeaders, send } from './exchange';
import { farPath, proxiedConnection, type ProxiedRequest } from './proxy';
import type { RestServerOptions } from './server';
import { spdySession, webSocketSession, type WebSocketSession } from './session-protocols';

/** Longest message of a WebSocket, in bytes. */
const maxMessageBytes = 4 * 1024 * 1024;

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>;

/**
 * Requests to change the protocol of an HTTP/1.1 connection: to WebSocket, for watches and conversations with pods, and to SPDY/3.1, for
 * the conversations of older clients. Whatever fails before the change is an ordinary answer.
 */
export function createUpgrades(options: RestServerOptions): Upgrade {
  const webSockets = createWebSockets();
  return async (request, socket, head) => {
    const life = new AbortController();
    const gone = (): void => life.abort(new ApiError('Canceled', 'the client has gone'));
    socket.on('error', (error) => options.logger.debug('an upgraded connection failed', { error: toError(error) }));
    socket.once('close', gone);
    const response = responseOn(request, socket);
    try {
      await serve(options, webSockets, { request, socket, head, response, signal: life.signal });
    } catch (error) {
      if (response.socket === null) socket.destroy(toError(error));
      else fail(error, response, options.logger, life.signal);
    }
  };
}

interface Asked {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** For an answer without a change of protocol. */
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

async function serve(options: RestServerOptions, webSockets: WebSockets, asked: Asked): Promise<void> {
  const { request, response, signal } = asked;
  const headers = flatHeaders(request.headers);
  const user = await options.authenticate(credentialsOf(request, headers['authorization']));
  const incoming = { method: request.method ?? 'GET', url: request.url ?? '/', headers, user, body: Buffer.alloc(0), signal, framed: false };
  const wanted = headers['upgrade']?.toLowerCase();
  const answer = await options.door.open(incoming);
  if ('session' in answer) {
    const { session } = answer;
    try {
      if (session.kind === 'proxy') await byProxy(asked, session, { ...incoming, rest: farPath(session, incoming.url) });
      else if (wanted === 'websocket') await byWebSocket(webSockets, asked, session);
      else if (wanted === 'spdy/3.1') await bySpdy(asked, session);
      else throw new ApiError('BadRequest', `unable to upgrade: ${JSON.stringify(headers['upgrade'])} is not served, only websocket and SPDY/3.1`);
    } catch (error) {
      if (response.socket === null) throw error;
      await send(options.door.failure(error, incoming), request, response, signal);
    } finally {
      answer.release();
    }
  } else if (Buffer.isBuffer(answer.body) || wanted !== 'websocket') await send(answer, request, response, signal);
  else await pushMessages(await webSockets.accept(asked, undefined), answer, answer.body);
}

/** What ws would refuse later, when the command runs already (RFC 6455, section 4.1). */
function checkHandshake({ method, headers }: IncomingMessage): void {
  const valid = method === 'GET' && /^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '') && headers['sec-websocket-version'] === '13';
  if (!valid) throw new ApiError('BadRequest', 'a WebSocket begins with a GET that has Sec-WebSocket-Version 13 and a Sec-WebSocket-Key of 16 bytes in base64');
}

/** Node writes answers by objects of its own; this one ends the connection, because nobody reads a second request from it. */
function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  if (socket instanceof Socket) response.assignSocket(socket);
  response.once('finish', () => socket.end());
  return response;
}

async function byWebSocket(webSockets: WebSockets, asked: Asked, session: Conversation): Promise<void> {
  checkHandshake(asked.request);
  const offered = String(asked.request.headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim()).filter((protocol) => protocol !== '');
  const chosen: WebSocketSession = webSocketSession(session, offered);
  const run = await chosen.begin(asked.signal);
  await run(await webSockets.accept(asked, chosen.protocol));
}

async function bySpdy({ request, socket, head, response, signal }: Asked, session: Conversation): Promise<void> {
  const offered = [request.headers['x-stream-protocol-version'] ?? []].flat().flatMap((header) => header.split(',')).map((protocol) => protocol.trim());
  const { protocol, begin } = spdySession(session, offered);
  const run = await begin(signal);
  if (socket instanceof Socket) response.detachSocket(socket);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  await run(socket);
}

/** Whatever is spoken after the change, the pod speaks it: its answer to the handshake is the client's. */
async function byProxy({ socket, head, response }: Asked, session: ProxySession, incoming: ProxiedRequest): Promise<void> {
  const far = await proxiedConnection(session, incoming);
  if (socket instanceof Socket) response.detachSocket(socket);
  if (head.length > 0) far.write(head);
  // Both ways of one socket: more listeners than Node expects of a leakless program.
  socket.setMaxListeners(20);
  await pipeline(socket, far, socket);
}

interface WebSockets {
  accept(asked: Asked, protocol: string | undefined): Promise<WebSocket>;
}

function createWebSockets(): WebSockets {
  const server = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false, maxPayload: maxMessageBytes });
  const protocols = new WeakMap<IncomingMessage, string>();
  server.on('headers', (headers, request) => {
    const protocol = protocols.get(request);
    if (protocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });
  return {
    accept: ({ request, socket, head, response, signal }, protocol) => new Promise((resolve, reject) => {
      const gone = (): void => reject(signal.reason as Error);
      signal.throwIfAborted();
      // A handshake that is wrong is answered by ws, which ends the connection and says nothing.
      signal.addEventListener('abort', gone, { once: true });
      // Kubernetes' protocol names have a slash, which ws refuses: it is not shown them, and the answer's header is put in by hand.
      delete request.headers['sec-websocket-protocol'];
      if (protocol !== undefined) protocols.set(request, protocol);
      if (socket instanceof Socket) response.detachSocket(socket);
      server.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('error', () => undefined);
        resolve(webSocket);
      });
    }),
  };
}

/** A stream of chunks as messages: a watch's events as text where they are text. */
async function pushMessages(socket: WebSocket, { headers }: Outgoing, chunks: AsyncIterable<Buffer>): Promise<void> {
  const isText = String(headers['content-type']).startsWith('application/json');
  // Reading lets a client's close and pings be heard; what else it says means nothing here.
  socket.on('message', () => undefined);
  try {
    for await (const chunk of chunks) await sendMessage(socket, isText ? chunk.toString() : chunk);
    socket.close(1000);
  } catch (error) {
    socket.close(1011, toError(error).message.slice(0, 120));
  }
}
