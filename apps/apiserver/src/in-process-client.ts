import { trace } from '@opentelemetry/api';
import type { ApiObject, Resource } from '@navarch/api';
import type { TokenRequest } from '@navarch/proto/k8s/io/api/authentication/v1/authentication';
import type { ApiClient, CallOptions, ListResult, ResourceClient, WatchEvent } from '@navarch/client';

import type { ApiCore } from './core/core';
import type { StoredObject } from './core/cache/stored-object';
import { foreignDocument } from './rest/ask-foreign';
import type { ApiRequest, ApiResponse, RequestOptions, RequestTarget, User, Verb } from './core/request';

const defaultTimeoutMs = 30_000;

interface Call {
  readonly verb: Verb;
  readonly target?: Partial<RequestTarget>;
  readonly body?: ApiRequest['body'];
  readonly options?: RequestOptions;
}

/**
 * The API without a wire, for the simulation, benchmarks and the server itself: same core, same admission, same errors as
 * through gRPC. What is handed in is copied; what comes out is shared with the cache and must not be changed.
 */
export function createInProcessClient(core: ApiCore, user: User): ApiClient {
  const send = async (resource: Resource, { verb, target, body, options = {} }: Call, { signal, timeoutMs = defaultTimeoutMs }: CallOptions = {}): Promise<ApiResponse> => {
    const { group, version, plural } = resource;
    const never = new AbortController().signal;
    return core.handle({
      verb, body, options, user, signal: signal ?? never, timeoutMs,
      target: { group, version, resource: plural, ...target },
      traceparent: activeTraceparent(),
    });
  };
  return {
    resource: <T extends ApiObject>(resource: Resource<T>): ResourceClient<T> => resourceClient(resource as unknown as Resource, send) as unknown as ResourceClient<T>,
    async bindPod(binding, options) {
      const pods = core.kinds.get('', 'pods').resource;
      const { namespace, name } = binding.metadata ?? {};
      await send(pods, { verb: 'create', target: { namespace, name, subresource: 'binding' }, body: { object: structuredClone(binding) } }, options);
    },
    async createToken(namespace, name, spec, options) {
      const accounts = core.kinds.get('', 'serviceaccounts').resource;
      const body = { object: structuredClone({ spec }) as ApiObject };
      return objectOf(await send(accounts, { verb: 'create', target: { namespace, name, subresource: 'token' }, body }, options)).object as TokenRequest;
    },
    getForeign: (path, { signal = new AbortController().signal } = {}) => foreignDocument(core, user, path, signal),
  };
}

type Send = (resource: Resource, call: Call, options?: CallOptions) => Promise<ApiResponse>;

function resourceClient(resource: Resource, send: Send): ResourceClient<ApiObject> {
  const one = async (call: Call, options?: CallOptions): Promise<ApiObject> => objectOf(await send(resource, call, options)).object;
  const place = ({ metadata = {} }: ApiObject): Partial<RequestTarget> => ({
    ...(resource.namespaced && { namespace: metadata.namespace ?? 'default' }), name: metadata.name,
  });
  const named = (namespace: string, name: string): Partial<RequestTarget> => ({ ...(namespace !== '' && { namespace }), name });
  return {
    get: (namespace, name, options) => one({ verb: 'get', target: named(namespace, name), options: { resourceVersion: options?.resourceVersion } }, options),
    list: async ({ namespace, labelSelector, fieldSelector, resourceVersion, ...options } = {}) =>
      listOf(await send(resource, { verb: 'list', target: { namespace }, options: { labelSelector, fieldSelector, resourceVersion } }, options)),
    async *watch({ signal, namespace, labelSelector, fieldSelector, resourceVersion, sendInitialEvents }) {
      const options: RequestOptions = { labelSelector, fieldSelector, resourceVersion, sendInitialEvents, allowWatchBookmarks: true };
      const response = await send(resource, { verb: 'watch', target: { namespace }, options }, { signal });
      if (response.type !== 'watch') throw unexpected(response);
      for await (const item of response.items) {
        yield { ...item, object: item.object.object, resourceVersion: String(item.sequence) } satisfies WatchEvent<ApiObject>;
      }
    },
    create: (object, options) => {
      const { name: _name, ...target } = place(object);
      return one({ verb: 'create', target, body: { object: structuredClone(object) } }, options);
    },
    update: (object, options) => one({ verb: 'update', target: { ...place(object), subresource: options?.subresource }, body: { object: structuredClone(object) } }, options),
    updateStatus: (object, options) => one({ verb: 'update', target: { ...place(object), subresource: 'status' }, body: { object: structuredClone(object) } }, options),
    patch: (namespace, name, type, patch, options) => one({
      verb: 'patch', target: { ...named(namespace, name), subresource: options?.subresource },
      body: { contentType: type, bytes: Buffer.from(JSON.stringify(patch)) },
    }, options),
    delete: (namespace, name, { deleteOptions = {}, ...options } = {}) => {
      const { gracePeriodSeconds, preconditions, propagationPolicy, orphanDependents, dryRun } = deleteOptions;
      const asked = { gracePeriodSeconds, preconditions, propagationPolicy: propagationPolicy as RequestOptions['propagationPolicy'], orphanDependents, dryRun };
      return one({ verb: 'delete', target: named(namespace, name), options: asked }, options);
    },
  };
}

function objectOf(response: ApiResponse): StoredObject {
  if (response.type !== 'object') throw unexpected(response);
  return response.object;
}

function listOf(response: ApiResponse): ListResult<ApiObject> {
  if (response.type !== 'list') throw unexpected(response);
  return { items: response.items.map(({ object }) => object), resourceVersion: response.resourceVersion };
}

const unexpected = ({ type }: ApiResponse): Error => new Error(`the core answered with a ${type}`);

function activeTraceparent(): string | undefined {
  const context = trace.getActiveSpan()?.spanContext();
  return context && `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`;
}
