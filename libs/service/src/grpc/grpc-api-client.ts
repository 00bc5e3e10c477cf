import { codecFor, type ApiObject, type JsonValue, type Resource } from '@navarch/api';
import { hasReason } from '@navarch/base';
import type { ApiClient, CallOptions, ListOptions, ListResult, ResourceClient, WatchEvent, WatchOptions } from '@navarch/client';
import { Binding, type PodLogOptions } from '@navarch/proto/k8s/io/api/core/v1/core';
import { ObjectServiceService as objectService, type ObjectResponse, type ResourceRef, type WatchObjectResponse } from '@navarch/proto/navarch/meta/v1/object_service';
import { ForeignServiceService as foreignService } from '@navarch/proto/navarch/meta/v1/foreign_service';
import { ServiceAccountServiceService as accountService } from '@navarch/proto/navarch/core/v1/service_account_service';
import { PodServiceService as podService } from '@navarch/proto/navarch/core/v1/pod_service';

import type { CallSettings, GrpcChannel } from './grpc-channel';
import { errorOfStatus } from './status';

/** Objects per page. 500 pods of 4 KiB are 2 MiB: below what a receiver with gRPC's default limit takes. */
const pageSize = 500;
const binary = 'application/vnd.kubernetes.protobuf';

/** The API over gRPC: objects travel as protobuf through navarch.meta.v1.ObjectService. */
export function grpcApiClient(channel: GrpcChannel): ApiClient {
  return {
    resource: (resource) => resourceClient(channel, resource),
    bindPod: async (binding, options = {}) => {
      const { namespace = '', name = '' } = binding.metadata ?? {};
      const ref: ResourceRef = { version: 'v1', resource: 'pods', subresource: 'binding' };
      const object = Buffer.from(Binding.encode(binding).finish());
      await channel.unary(objectService.create, { resource: ref, namespace, name, object, contentType: binary }, settingsOf(options));
    },
    createToken: (namespace, account, spec, options = {}) =>
      channel.unary(accountService.createToken, { namespace, object: { metadata: { name: account, namespace }, spec } }, settingsOf(options)),
    getForeign: async (path, options = {}) => JSON.parse(Buffer.from((await channel.unary(foreignService.get, { path }, settingsOf(options))).json ?? []).toString()) as JsonValue,
  };
}

/**
 * The bytes of a container's log; with `follow` until the container ends, the signal aborts or the server stops. Leaving
 * the loop ends the call.
 */
export async function* openPodLog(
  channel: GrpcChannel, namespace: string, name: string, options: PodLogOptions = {}, signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { data } of channel.serverStream(podService.log, { namespace, name, options }, { signal })) if (data) yield data;
}

function resourceClient<T extends ApiObject>(channel: GrpcChannel, resource: Resource<T>): ResourceClient<T> {
  const ref: ResourceRef = { ...(resource.group && { group: resource.group }), version: resource.version, resource: resource.plural };
  const decode = (response: ObjectResponse): T => resource.codec.decode(response.object ?? new Uint8Array());
  const encode = (object: T): Buffer => Buffer.from(resource.codec.encode(object));
  const put = async (object: T, subresource: 'status' | 'finalize' | undefined, options: CallOptions = {}): Promise<T> => {
    const request = { resource: { ...ref, ...(subresource && { subresource }) }, namespace: object.metadata?.namespace, object: encode(object), contentType: binary };
    return decode(await channel.unary(objectService.update, request, settingsOf(options)));
  };
  return {
    get: async (namespace, name, options = {}) => {
      const request = { namespace, name, resourceVersion: options.resourceVersion };
      return decode(await channel.unary(objectService.get, { resource: ref, request, contentType: binary }, settingsOf(options)));
    },
    list: (options = {}) => listPages(channel, ref, resource, options),
    watch: (options) => watchEvents(channel, ref, resource, options),
    create: async (object, options = {}) => {
      const request = { resource: ref, namespace: object.metadata?.namespace, object: encode(object), contentType: binary };
      return decode(await channel.unary(objectService.create, request, settingsOf(options)));
    },
    update: (object, options) => put(object, options?.subresource, options),
    updateStatus: (object, options) => put(object, 'status', options),
    patch: async (namespace, name, patchType, patch, options = {}) => {
      const target = options.subresource ? { ...ref, subresource: options.subresource } : ref;
      const request = { namespace, name, patchType, patch: Buffer.from(JSON.stringify(patch)) };
      return decode(await channel.unary(objectService.patch, { resource: target, request, contentType: binary }, settingsOf(options)));
    },
    delete: async (namespace, name, options = {}) => {
      const request = { namespace, name, options: options.deleteOptions };
      return decode(await channel.unary(objectService.delete, { resource: ref, request, contentType: binary }, settingsOf(options)));
    },
  };
}

async function listPages<T extends ApiObject>(channel: GrpcChannel, ref: ResourceRef, resource: Resource<T>, options: ListOptions): Promise<ListResult<T>> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await listOnce(channel, ref, resource, options);
    } catch (error) {
      // The snapshot behind a continue token can expire between two pages; a list that begins anew is as good.
      if (attempt === 3 || !hasReason(error, 'Expired', 'Gone') || options.resourceVersion) throw error;
    }
  }
}

async function listOnce<T extends ApiObject>(channel: GrpcChannel, ref: ResourceRef, resource: Resource<T>, options: ListOptions): Promise<ListResult<T>> {
  const { namespace, labelSelector, fieldSelector, resourceVersion } = options;
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const request = { namespace, labelSelector, fieldSelector, limit: pageSize, ...(token ? { continue: token } : { resourceVersion }) };
    const page = await channel.unary(objectService.list, { resource: ref, request, contentType: binary }, settingsOf(options));
    for (const bytes of page.items ?? []) items.push(resource.codec.decode(bytes));
    token = page.continue;
    if (!token) return { items, resourceVersion: page.resourceVersion ?? '' };
  }
}

async function* watchEvents<T extends ApiObject>(channel: GrpcChannel, ref: ResourceRef, resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { namespace, labelSelector, fieldSelector, resourceVersion, sendInitialEvents, metadataOnly, signal } = options;
  const request = {
    namespace, labelSelector, fieldSelector, resourceVersion, sendInitialEvents, allowWatchBookmarks: true, metadataOnly,
    ...(sendInitialEvents && { resourceVersionMatch: 'NotOlderThan' }),
  };
  for await (const event of channel.serverStream(objectService.watch, { resource: ref, request, contentType: binary }, { signal })) yield toEvent(event, metadataOnly ? decodeMetadata as Decode<T> : (bytes) => resource.codec.decode(bytes));
}

type Decode<T> = (bytes: Uint8Array) => T;
const metadataCodec = codecFor<ApiObject>('k8s.io.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata');
const decodeMetadata: Decode<ApiObject> = (bytes) => metadataCodec.decode(bytes);

function toEvent<T extends ApiObject>(event: WatchObjectResponse, decode: Decode<T>): WatchEvent<T> {
  const { type = 'ERROR', object: bytes, resourceVersion = '', traceparent, origin, commitTimeMs = 0 } = event;
  if (!isEventType(type)) throw errorOfStatus(event.status ?? { message: `the watch ended with an event of type ${type}` });
  const object = decode(bytes ?? new Uint8Array());
  const ends = type === 'BOOKMARK' && object.metadata?.annotations?.[initialEventsEnd] === 'true';
  return {
    type, object, resourceVersion: resourceVersion || (object.metadata?.resourceVersion ?? ''), commitTimeMs,
    ...(traceparent && { traceparent }), ...(origin && { origin }), ...(ends && { initialEventsEnd: true }),
  };
}

const initialEventsEnd = 'k8s.io/initial-events-end';
const eventTypes: ReadonlySet<string> = new Set<WatchEvent<never>['type']>(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK']);

function isEventType(type: string): type is WatchEvent<never>['type'] {
  return eventTypes.has(type);
}

function settingsOf({ signal, timeoutMs }: CallOptions): CallSettings {
  return { ...(signal && { signal }), ...(timeoutMs !== undefined && { timeoutMs }) };
}
