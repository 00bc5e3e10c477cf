import { CreateOptions, Status } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import type { Resource } from '@navarch/api';
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

/** The methods of a subresource that is a view of the object itself. */
const view = (name: string, subresource: string): Record<string, Unary> => ({
  [`Update${name}`]: object((resource, request) => askTypedWrite('update', resource, request, subresource)),
  [`Patch${name}`]: object((resource, request) => askPatch(resource, decodeWith(PatchRequest, request), subresource)),
});

function askNamed(resource: Resource, request: Buffer, subresource: string): Asked {
  const object = messageField(request, 2) ?? new Uint8Array();
  const named = peekMetadata(object);
  const options = decodeWith(CreateOptions, messageField(request, 3) ?? new Uint8Array());
  const asked = askWrite('create', placeOf(resource, subresource), resource, { namespace: textField(request, 1), object, named, options });
  return { ...asked, target: { ...asked.target, name: named.name } };
}

/** What is sent to a subresource for the object that its own metadata names; the answer is a Status. */
const sentTo = (subresource: string): Unary => (resource, door) => async (request, call) => {
  const response = await ask(door, askNamed(resource, request, subresource), call);
  if (response.type !== 'status') throw unexpected(response);
  return Status.encode(response.status).finish();
};

/** What a method of a kind's service means, by its name: the same for every kind. */
const unary: Readonly<Record<string, Unary>> = {
  Get: object((resource, request) => askGet(resource, decodeWith(GetRequest, request))),
  List: list((resource, request) => askList(resource, decodeWith(ListRequest, request))),
  Create: object((resource, request) => askTypedWrite('create', resource, request)),
  Update: object((resource, request) => askTypedWrite('update', resource, request)),
  Patch: object((resource, request) => askPatch(resource, decodeWith(PatchRequest, request))),
  Delete: object((resource, request) => askDelete(resource, decodeWith(DeleteRequest, request))),
  DeleteCollection: list((resource, request) => askDeleteCollection(resource, decodeWith(DeleteCollectionRequest, request))),
  ...view('Status', 'status'), ...view('Approval', 'approval'), ...view('EphemeralContainers', 'ephemeralcontainers'), ...view('Resize', 'resize'),
  GetScale: object((resource, request) => askGet(resource, decodeWith(GetRequest, request), 'scale')),
  UpdateScale: object((resource, request) => askTypedWrite('update', resource, request, 'scale')),
  PatchScale: object((resource, request) => askPatch(resource, decodeWith(PatchRequest, request), 'scale')),
  Finalize: object((resource, request) => askTypedWrite('update', resource, request, 'finalize')),
  CreateToken: object((resource, request) => askNamed(resource, request, 'token')),
  Bind: sentTo('binding'),
  Evict: sentTo('eviction'),
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
export function kindMethods(service: DescService, door: Door): GrpcMethod[] {
  const message = kindOf(service);
  const find = (): Resource => {
    const resource = door.core.resources().find(({ codec }) => codec.message === message);
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

/** What a kind's service is about: the message that its Get answers with, or (of questions, which are only put) its Create. */
function kindOf({ methods }: DescService): string | undefined {
  return (methods.find(({ name }) => name === 'Get') ?? methods.find(({ name }) => name === 'Create'))?.output.typeName;
}

/** The services of kinds: those about the message of a resource. */
export function isKindService(service: DescService): boolean {
  return service.typeName.startsWith('navarch.') && (kindOf(service)?.startsWith('k8s.io.') ?? false);
}
