import type { ApiObject, JsonObject, Resource } from '@navarch/api';
import { ApiError, isApiError, type Clock, type Logger } from '@navarch/base';

import type { ApiCore } from '../core/core';
import type { ApiRequest, ApiResponse, RequestOptions, RequestTarget, SessionResponse, User, Verb } from '../core/request';
import { apiVersionOf, checkEnvelope, deleteOptions, patchBody, requestBody } from './body';
import { begun } from './begun';
import { cacheable } from './cacheable';
import { aggregatedDiscovery, coreVersions, groupInfo, groupList, resourceList, type SubresourceTable } from './discovery';
import { connectOptions, isConnect } from './connect-options';
import type { OpenApiDocument, OpenApiDocuments } from './documents';
import { logOptions } from './log-options';
import { contentTypeOf, negotiate, wantsAggregatedDiscovery, type Negotiated } from './negotiation';
import { foreignGroup, withForeignGroups, withForeignItems } from './foreign-discovery';
import { parsePath, type RestPath } from './path';
import { farPath, proxied } from './proxy';
import { parseQuery, type RestQuery } from './query';
import { renderJson, renderList, renderObject } from './render';
import { statusOf, successStatus } from './status';
import { WatchFramer } from './watch-frames';

/** A request as a transport took it in: HTTP/1.1, HTTP/2 or a WebSocket's first. */
export interface Incoming {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly user: User;
  readonly body: Buffer;
  /** In place of `body` where `takesContent`: the body as it arrives. */
  readonly content?: AsyncIterable<Buffer>;
  readonly signal: AbortSignal;
  /** Over WebSocket each event is a message of its own. */
  readonly framed: boolean;
}

export interface Outgoing {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer | AsyncIterable<Buffer>;
  /** Aborts when the client was too slow for its watch. */
  readonly cutOff?: AbortSignal;
}

export interface RestDoorOptions {
  readonly core: Pick<ApiCore, 'checkPath' | 'foreign' | 'handle' | 'metricsText' | 'resource' | 'resources' | 'notReady' | 'tokenDiscovery'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly documents: OpenApiDocuments;
  readonly version: JsonObject;
  readonly subresources: SubresourceTable;
}

const methods: Readonly<Record<string, { readonly one: Verb; readonly many?: Verb }>> = {
  GET: { one: 'get', many: 'list' }, HEAD: { one: 'get', many: 'list' }, POST: { one: 'create', many: 'create' },
  PUT: { one: 'update' }, PATCH: { one: 'patch' }, DELETE: { one: 'delete', many: 'deletecollection' },
};
/** Whoever opens a conversation acts inside the pod: the verb is create, also by GET. */
const connectMethods: typeof methods = { GET: { one: 'create' }, POST: { one: 'create' } };
/** A proxy's verb is the method's, also where it has none of Kubernetes' own. */
const proxyMethods: typeof methods = { ...methods, OPTIONS: { one: 'get' } };
const yearMs = 365 * 24 * 60 * 60 * 1_000;
const healthPaths = new Set(['healthz', 'livez', 'readyz']);

/**
 * Kubernetes' REST dialect over the core: takes requests apart into values, and makes answers of values. It decides
 * nothing: what a request means is the core's, whichever door it comes through.
 */
export class RestDoor {
  constructor(private readonly options: RestDoorOptions) {}

  async handle(incoming: Incoming): Promise<Outgoing> {
    const answer = await this.open(incoming);
    if (!('session' in answer)) return answer;
    incoming.signal.addEventListener('abort', () => answer.release(), { once: true });
    try {
      if (answer.session.kind !== 'proxy') throw new ApiError('BadRequest', 'Upgrade request required');
      const content = incoming.content ?? (incoming.body.length > 0 ? bufferOnce(incoming.body) : undefined);
      return await proxied(answer.session, { ...incoming, ...(content && { content }), rest: farPath(answer.session, incoming.url) });
    } catch (error) {
      answer.release();
      return this.failure(error, incoming);
    }
  }

  /** Like `handle`, for those who can carry on a conversation. */
  async open(incoming: Incoming): Promise<Outgoing | SessionResponse> {
    const warnings: string[] = [];
    try {
      const [path = '/', search = ''] = incoming.url.split(/\?(.*)/s, 2);
      const parsed = parsePath(path);
      const far = this.foreign(parsed, path, search, incoming);
      if (far) return far;
      const answer = parsed.type === 'resource' ? await this.resource(parsed, new URLSearchParams(search), incoming, (text) => warnings.push(text)) : this.document(parsed, path, incoming);
      if ('session' in answer) return answer;
      return warnings.length === 0 ? answer : { ...answer, headers: { ...answer.headers, warning: warningHeaders(warnings) } };
    } catch (error) {
      return this.failure(error, incoming);
    }
  }

  /** The way to the server that answers a group's version in our place; undefined for our own. */
  private foreign(path: RestPath, pathname: string, search: string, { method, user }: Incoming): SessionResponse | undefined {
    const { foreign } = this.options.core;
    if (path.type === 'other') return undefined;
    const { group, version } = path.type === 'resource' ? path.target : path;
    if (group === undefined || version === undefined || !foreign.find(group, version)) return undefined;
    if (path.type === 'discovery') this.options.core.checkPath(user, method.toLowerCase(), pathname);
    const verbs = methods[method];
    const watches = path.type === 'resource' && method === 'GET' && (path.watchPrefix || /(?:^|&)watch=(?:true|1)(?:&|$)/.test(search));
    const verb = watches ? 'watch' : path.type === 'resource' && path.target.name === undefined ? verbs?.many : verbs?.one;
    if (!verb) throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
    return foreign.open({ user, verb, group, version, ...(path.type === 'resource' && { target: path.target }) });
  }

  /** A failure as this door tells it. */
  failure(error: unknown, { method, url }: Incoming): Outgoing {
    if (!isApiError(error)) this.options.logger.error('a request failed unexpectedly', { method, path: url.split('?', 1)[0], error });
    const status = statusOf(error);
    const retryAfter = isApiError(error) ? error.details.retryAfterSeconds : undefined;
    return json(status.code, status, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
  }

  private document(path: Exclude<RestPath, { type: 'resource' }>, pathname: string, incoming: Incoming): Outgoing {
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
    if (path.type === 'other') return this.other(path.segments, pathname, incoming);
    this.options.core.checkPath(incoming.user, 'get', pathname);
    const resources = this.options.core.resources();
    const accept = incoming.headers['accept'];
    if (path.version === undefined && path.group === undefined) {
      const aggregated = wantsAggregatedDiscovery(accept);
      if (aggregated) {
        const own = aggregatedDiscovery(resources, path.legacy, aggregated, this.options.subresources);
        const document = path.legacy ? own : withForeignItems(own, this.options.core.foreign.documents());
        return cacheable(incoming, { text: jsonText(document), contentType: `application/json;g=apidiscovery.k8s.io;v=${aggregated};as=APIGroupDiscoveryList` });
      }
      return json(200, path.legacy ? coreVersions(incoming.headers['host'] ?? incoming.headers[':authority'] ?? '') : withForeignGroups(groupList(resources), this.options.core.foreign.documents()), { vary: 'Accept' });
    }
    const document = path.version === undefined ? groupInfo(resources, path.group ?? '') ?? foreignGroup(this.options.core.foreign.documents(), path.group ?? '') : resourceList(resources, path.group ?? '', path.version, this.options.subresources);
    if (!document) throw new ApiError('NotFound', 'the server could not find the requested resource');
    return json(200, document);
  }

  private other([first = '', ...rest]: readonly string[], pathname: string, incoming: Incoming): Outgoing {
    const { user } = incoming;
    if (healthPaths.has(first)) return this.health(first);
    this.options.core.checkPath(user, 'get', pathname);
    if (first === 'version' && rest.length === 0) return json(200, this.options.version);
    if (first === 'metrics' && rest.length === 0) {
      return { status: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }, body: Buffer.from(this.options.core.metricsText()) };
    }
    const { tokenDiscovery } = this.options.core;
    if (tokenDiscovery && pathname === '/.well-known/openid-configuration') return json(200, tokenDiscovery.configuration());
    if (tokenDiscovery && pathname === '/openid/v1/jwks') return json(200, tokenDiscovery.jwks(), { 'content-type': 'application/jwk-set+json' });
    if (first === 'openapi') {
      const found = this.openApi(rest, incoming);
      if (found) return found;
    }
    if (first === '') return json(200, { paths: ['/api', '/apis', '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version'] });
    throw new ApiError('NotFound', 'the server could not find the requested resource');
  }

  private health(which: string): Outgoing {
    const problems = which === 'livez' ? [] : this.options.core.notReady();
    const body = problems.length === 0 ? 'ok' : `${problems.map((problem) => `[-] ${problem}`).join('\n')}\n${which} check failed\n`;
    return { status: problems.length === 0 ? 200 : 500, headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private' }, body: Buffer.from(body) };
  }

  private openApi([version, ...rest]: readonly string[], incoming: Incoming): Outgoing | undefined {
    const { documents } = this.options;
    const contentType = 'application/json';
    if (version === 'v3' && rest.length === 0) return cacheable(incoming, { text: jsonText(documents.index()), contentType });
    if (version === 'v3') {
      const document = documents.groupVersion(rest.join('/'));
      return document && this.openApiVersion(document, rest.join('/'), incoming);
    }
    if (version !== 'v2' || rest.length > 0) return undefined;
    // kubectl asks for version 2 in protobuf to validate lists; an empty document makes it leave that to the server.
    if (incoming.headers['accept']?.includes('proto-openapi.spec.v2')) {
      return cacheable(incoming, { text: Buffer.alloc(0), contentType: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf' });
    }
    return cacheable(incoming, { ...documents.v2(), contentType });
  }

  /** Under the hash that the index gives, a document never changes; under another it has moved to its present one. */
  private openApiVersion(document: OpenApiDocument, path: string, incoming: Incoming): Outgoing {
    const asked = new URLSearchParams(incoming.url.split('?')[1] ?? '').get('hash');
    if (asked !== null && asked !== document.hash) return { status: 301, headers: { location: `/openapi/v3/${path}?hash=${document.hash}`, vary: 'Accept' }, body: Buffer.alloc(0) };
    const expires = new Date(this.options.clock.now() + yearMs).toUTCString();
    return cacheable(incoming, { ...document, contentType: 'application/json', headers: asked === null ? {} : { 'cache-control': 'public, immutable', expires } });
  }

  private async resource(path: Extract<RestPath, { type: 'resource' }>, search: URLSearchParams, incoming: Incoming, warn: (message: string) => void): Promise<Outgoing | SessionResponse> {
    const proxies = path.target.subresource === 'proxy';
    const method = (proxies ? proxyMethods : isConnect(path.target.subresource) ? connectMethods : methods)[incoming.method];
    const resource = this.options.core.resource(path.target);
    if (!resource) throw new ApiError('NotFound', 'the server could not find the requested resource');
    if (!method) throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
    // The query and the body of such a request are for whoever stands behind the proxy.
    if (proxies) return this.session({ verb: method.one, target: path.target, user: incoming.user, signal: incoming.signal, options: {}, ...(incoming.headers['traceparent'] && { traceparent: incoming.headers['traceparent'] }) });
    const query = parseQuery(search);
    const request = this.request(path, query, search, incoming, resource, method, warn);
    const negotiated = negotiate(incoming.headers['accept'], request.verb === 'list' || request.verb === 'watch' || request.verb === 'deletecollection');
    const response = await this.options.core.handle(request);
    if (response.type === 'session') return response;
    const ready = response.type === 'stream' ? { ...response, chunks: await begun(response.chunks) } : response;
    return this.answer(request, ready, resource, query, negotiated, incoming);
  }

  private async session(request: ApiRequest): Promise<SessionResponse> {
    const response = await this.options.core.handle(request);
    if (response.type !== 'session') throw new Error(`${request.target.resource}/${request.target.subresource ?? ''} answered with a ${response.type}`);
    return response;
  }

  private request(
    path: Extract<RestPath, { type: 'resource' }>, query: RestQuery, search: URLSearchParams, incoming: Incoming, resource: Resource,
    method: { readonly one: Verb; readonly many?: Verb }, warn: (message: string) => void,
  ): ApiRequest {
    const watches = incoming.method === 'GET' && (query.watch || path.watchPrefix) && path.target.subresource === undefined;
    const target = watches && path.target.name !== undefined ? withoutName(path.target) : path.target;
    const verb = watches ? 'watch' : target.name === undefined ? method.many : method.one;
    if (!verb) throw new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
    const named: RequestOptions = target === path.target ? query.options : { ...query.options, fieldSelector: [query.options.fieldSelector, `metadata.name=${path.target.name}`].filter(Boolean).join(',') };
    const contentType = incoming.headers['content-type'];
    const deletes = verb === 'delete' || verb === 'deletecollection';
    const body = this.body(verb, path.target, search, contentType, incoming.body, resource);
    return {
      verb, target, user: incoming.user, signal: incoming.signal, warn,
      options: deletes ? deleteOptions(contentType, incoming.body, named) : withFieldManager(named, verb, incoming.headers['user-agent']),
      ...(body && { body }), ...(incoming.headers['traceparent'] && { traceparent: incoming.headers['traceparent'] }),
    };
  }

  private body(verb: Verb, target: RequestTarget, search: URLSearchParams, contentType: string | undefined, bytes: Buffer, resource: Resource): ApiRequest['body'] {
    if (verb === 'patch') return patchBody(contentType, bytes);
    if (verb === 'get' && target.subresource === 'log') return { object: logOptions(search) as ApiObject };
    if (verb === 'create' && isConnect(target.subresource)) return { object: connectOptions(target.subresource ?? '', search) };
    if (verb !== 'create' && verb !== 'update') return undefined;
    if (isOfKind(resource, target.subresource, this.options.subresources)) checkEnvelope(contentType, bytes, { apiVersion: apiVersionOf(resource), kind: resource.kind });
    return requestBody(contentType, bytes);
  }

  private answer(request: ApiRequest, response: Exclude<ApiResponse, SessionResponse>, resource: Resource, query: RestQuery, negotiated: Negotiated, incoming: Incoming): Outgoing {
    const render = { negotiated, pretty: query.pretty ?? false, includeObject: query.includeObject, nowMs: this.options.clock.now() };
    const headers = { 'content-type': contentTypeOf(negotiated) };
    switch (response.type) {
      case 'object': {
        const gone = request.verb === 'delete' && response.object.metadata.deletionTimestamp === undefined && !(resource.group === '' && resource.plural === 'pods');
        if (gone) {
          const { name, uid } = response.object;
          return json(200, successStatus({ name, ...(resource.group && { group: resource.group }), kind: resource.plural, uid }));
        }
        return { status: response.created || request.verb === 'create' ? 201 : 200, headers, body: renderObject(response.object, render) };
      }
      case 'list': return { status: 200, headers, body: renderList(resource, response, render) };
      case 'status': return { status: request.verb === 'create' ? 201 : 200, headers: { 'content-type': 'application/json' }, body: renderJson(statusJson(response.status), { negotiated: { encoding: 'json' }, pretty: false }) };
      case 'stream': return { status: 200, headers: { 'content-type': 'text/plain' }, body: buffers(response.chunks) };
      case 'watch': {
        const streamType = negotiated.encoding === 'protobuf' ? `${contentTypeOf(negotiated)};stream=watch` : contentTypeOf(negotiated);
        const framer = new WatchFramer({ negotiated, includeObject: query.includeObject, now: () => this.options.clock.now(), framed: incoming.framed });
        return { status: 200, headers: { 'content-type': streamType, 'cache-control': 'no-cache, private' }, body: watchBody(response.items, framer), cutOff: response.cutOff };
      }
    }
  }
}

const jsonText = (document: JsonObject): Buffer => Buffer.from(`${JSON.stringify(document)}\n`);

function json(status: number, document: JsonObject, headers: Readonly<Record<string, string>> = {}): Outgoing {
  return { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private', ...headers }, body: jsonText(document) };
}

function statusJson(status: { status?: string | undefined; message?: string | undefined; reason?: string | undefined; code?: number | undefined }): JsonObject {
  const { status: outcome = 'Success', message, reason, code } = status;
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: outcome, ...(message && { message }), ...(reason && { reason }), ...(code !== undefined && { code }) };
}

/** Kubernetes' own limits, here in bytes: what all warnings together may take, and what each has left where they take more. */
const maxWarningBytes = 4_096;
const cutWarningLength = 256;

function warningHeaders(warnings: readonly string[]): string[] {
  const distinct = [...new Set(warnings)];
  const cut = distinct.reduce((length, text) => length + text.length, 0) > maxWarningBytes ? distinct.map((text) => text.slice(0, cutWarningLength)) : distinct;
  let length = 0;
  return cut.map(warningHeader).filter((header) => (length += header.length) <= maxWarningBytes);
}

/** Miscellaneous persistent warning (RFC 7234, section 5.5), in UTF-8: Node writes a header's characters as one byte each. */
function warningHeader(text: string): string {
  const quoted = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').replace(/[\\"]/g, '\\$&');
  return `299 - "${Buffer.from(quoted, 'utf8').toString('latin1')}"`;
}

/** Whether what is sent there is an object of the kind itself, and not one of the subresource's own. */
function isOfKind(resource: Resource, subresource: string | undefined, infoOf: SubresourceTable): boolean {
  if (subresource === undefined) return true;
  const { kind, version, verbs } = infoOf(resource, subresource);
  return kind === resource.kind && version === undefined && verbs.includes('update');
}

function withoutName({ name: _name, ...target }: RequestTarget): RequestTarget {
  return target;
}

/** Who does not name itself is known by the first word of its user agent, as in Kubernetes. */
function withFieldManager(options: RequestOptions, verb: Verb, userAgent: string | undefined): RequestOptions {
  if (options.fieldManager !== undefined || !['create', 'update', 'patch'].includes(verb)) return options;
  const manager = userAgent?.split('/', 1)[0]?.slice(0, 128);
  return manager ? { ...options, fieldManager: manager } : options;
}

async function* buffers(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

async function* bufferOnce(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

/** The events; a failure in mid-stream becomes an ERROR event, after which the stream ends. */
async function* watchBody(items: Extract<ApiResponse, { type: 'watch' }>['items'], framer: WatchFramer): AsyncGenerator<Buffer> {
  try {
    for await (const item of items) yield framer.event(item);
  } catch (error) {
    if (!isApiError(error)) throw error;
    yield framer.error(statusOf(error));
  }
}
