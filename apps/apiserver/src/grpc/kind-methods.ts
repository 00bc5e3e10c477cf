import { Status } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import type { Resource, ResourceRegistry } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { DescService } from '@bufbuild/protobuf';
import { DeleteCollectionRequest, DeleteRequest, GetRequest, ListRequest, PatchRequest, WatchRequest } from '@navarch/proto/navarch/meta/v1/meta';
import { LogPodRequest } from '@navarch/proto/navarch/core/v1/pod_service';
import type { CallContext, GrpcMethod } from '@navarch/service';

import { ask, askForList, askForObject, askForStream, askForWatch, unexpected, type Door } from './call';
import { encodeList } from './encode';
import {
  askDelete, askDeleteCollection, askGet, askList, askPatch, askTypedWrite, askWatch, askWrite, decodeWith, placeOf, type Asked,
} from './requests';
import { bidi } from './sessions';
import { encodeFields, messageField, peekMetadata, textField } from './wire';

type Unary = (resource: Resource, door: Door) => (request: Buffer, call: CallContext) => Promise<Uint8Array>;
type Streaming = (resource: Resource, door: Door) => (request: Buffer, call: CallContext) => AsyncIterable<Uint8Array>;

/** A method that answers with one object, left as the bytes that the cache has. */
const object = (asked: (resource: Resource, request: Buffer) => Asked): Unary =>
  (resource, door) => async (request, call) => (await askForObject(door, asked(resource, request), call)).bytes;

const list = (asked: (resource: Resource, request: Buffer) => Asked): Unary =>
  (resource, door) => async (request, call) => encodeList(await askForList(door, asked(resource, request), call));

/** What a method of a kind's service means, by its name: the same for every kind. */
const unary: Readonly<Record<string, Unary>> = {
  Get: object((resource, request) => askGet(resource, decodeWith(GetRequest, request))),
  List: list((resource, request) => askList(resource, decodeWith(ListRequest, request))),
  Create: object((resource, request) => askTypedWrite('create', resource, request)),
  Update: object((resource, request) => askTypedWrite('update', resource, request)),
  Patch: object((resource, request) => askPatch(resource, decodeWith(PatchRequest, request))),
  Delete: object((resource, request) => askDelete(resource, decodeWith(DeleteRequest, request))),
  DeleteCollection: list((resource, request) => askDeleteCollection(resource, decodeWith(DeleteCollectionRequest, request))),
  UpdateStatus: object((resource, request) => askTypedWrite('update', resource, request, 'status')),
  PatchStatus: object((resource, request) => askPatch(resource, decodeWith(PatchRequest, request), 'status')),
  GetScale: object((resource, request) => askGet(resource, decodeWith(GetRequest, request), 'scale')),
  UpdateScale: object((resource, request) => askTypedWrite('update', resource, request, 'scale')),
  PatchScale: object((resource, request) => askPatch(resource, decodeWith(PatchRequest, request), 'scale')),
  Finalize: object((resource, request) => askTypedWrite('update', resource, request, 'finalize')),
  CreateToken: object((resource, request) => {
    const message = messageField(request, 2) ?? new Uint8Array();
    const named = peekMetadata(message);
    const asked = askWrite('create', placeOf(resource, 'token'), resource, { namespace: textField(request, 1), object: message, named });
    return { ...asked, target: { ...asked.target, name: named.name } };
  }),
  Bind: (resource, door) => async (request, call) => {
    const binding = messageField(request, 2) ?? new Uint8Array();
    const named = peekMetadata(binding);
    const asked = askWrite('create', placeOf(resource, 'binding'), resource, { namespace: textField(request, 1), object: binding, named });
    const response = await ask(door, { ...asked, target: { ...asked.target, name: named.name } }, call);
    if (response.type !== 'status') throw unexpected(response);
    return Status.encode(response.status).finish();
  },
};

const streaming: Readonly<Record<string, Streaming>> = {
  Watch: (resource, door) => (request, call) => {
    const decoded = decodeWith(WatchRequest, request);
    return askForWatch(door, askWatch(resource, decoded), call, decoded.metadataOnly ? 'metadata' : 'protobuf');
  },
  Log: (resource, door) => async function* (request, call) {
    const { namespace, name } = decodeWith(LogPodRequest, request);
    const body = { contentType: '', bytes: messageField(request, 3) ?? new Uint8Array() };
    const asked = { ...askGet(resource, { namespace, name }, 'log'), body };
    for await (const data of askForStream(door, asked, call)) yield encodeFields([[1, data]]);
  },
};

/** The methods of a kind's typed service. A kind that has left the registry answers NotFound, like a path nobody serves. */
export function kindMethods(service: DescService, registry: ResourceRegistry, door: Door): GrpcMethod[] {
  const message = service.methods.find(({ name }) => name === 'Get')?.output.typeName;
  const find = (): Resource => {
    const resource = registry.all().find(({ codec }) => codec.message === message);
    if (!resource) throw new ApiError('NotFound', 'the server could not find the requested resource');
    return resource;
  };
  return service.methods.map(({ name }) => {
    const path = `/${service.typeName}/${name}`;
    const one = unary[name];
    if (one) return { path, kind: 'unary', handle: async (request, call) => one(find(), door)(request, call) };
    const both = bidi[name];
    if (both) return { path, kind: 'bidi', handle: (requests, call) => both(find(), door)(requests, call) };
    const many = streaming[name];
    if (!many) throw new Error(`${path} is in the descriptor set, but nothing serves it`);
    return { path, kind: 'serverStream', handle: (request, call) => many(find(), door)(request, call) };
  });
}

/** The services of kinds: those whose Get answers with the message of a resource. */
export function isKindService({ typeName, methods }: DescService): boolean {
  return typeName.startsWith('navarch.') && (methods.find(({ name }) => name === 'Get')?.output.typeName.startsWith('k8s.io.') ?? false);
}
