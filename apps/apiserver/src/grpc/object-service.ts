import type { Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';
import { Status } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import {
  ObjectServiceService, ResourcesResponse, CreateObjectRequest, DeleteObjectRequest, DeleteObjectsRequest, GetObjectRequest, ListObjectsRequest, PatchObjectRequest,
  UpdateObjectRequest, WatchObjectsRequest, type ResourceInfo, type ResourceRef,
} from '@navarch/proto/navarch/meta/v1/object_service';
import type { CallContext, GrpcMethod } from '@navarch/service';

import { unknownResource } from '../core/errors';
import { checkBodySize, jsonType, parseJson, protobufType } from '../core/write/body';
import { ask, askForList, askForWatch, credentialsOf, unexpected, type Door } from './call';
import { contentTypeOf, encodeObject, encodeObjectList, type ObjectForm } from './encode';
import { askDelete, askDeleteCollection, askGet, askList, askPatch, askWatch, askWrite, decodeWith, placeOf, type Asked } from './requests';
import { encodeFields, peekMetadata } from './wire';

/** Any resource by group, version and plural, as bytes: for parts that work on all kinds alike. */
export function objectServiceMethods(door: Door): GrpcMethod[] {
  const find = resourceFinder(door.core);
  const object = (asked: (request: Buffer) => readonly [Asked, ObjectForm]) => async (request: Buffer, call: CallContext): Promise<Uint8Array> => {
    const [what, form] = asked(request);
    const response = await ask(door, what, call);
    if (response.type === 'object') return encodeObject(response.object, form);
    if (response.type === 'status') return encodeStatus(response.status, form);
    throw unexpected(response);
  };
  const list = (asked: (request: Buffer) => readonly [Asked, ObjectForm]) => async (request: Buffer, call: CallContext): Promise<Uint8Array> => {
    const [what, form] = asked(request);
    return encodeObjectList(await askForList(door, what, call), form);
  };
  const { get, list: listPath, watch, create, update, patch, delete: remove, deleteCollection, resources } = ObjectServiceService;
  return [
    { path: get.path, kind: 'unary', handle: object((bytes) => {
      const { resource, request = {}, contentType, metadataOnly } = decodeWith(GetObjectRequest, bytes);
      return [askGet(find(resource), request, resource?.subresource), formOf(contentType, metadataOnly)];
    }) },
    { path: listPath.path, kind: 'unary', handle: list((bytes) => {
      const { resource, request = {}, contentType, metadataOnly } = decodeWith(ListObjectsRequest, bytes);
      return [askList(find(resource), request), formOf(contentType, metadataOnly)];
    }) },
    { path: watch.path, kind: 'serverStream', handle: (bytes, call) => {
      const { resource, request = {}, contentType } = decodeWith(WatchObjectsRequest, bytes);
      return askForWatch(door, askWatch(find(resource), request), call, formOf(contentType, request.metadataOnly));
    } },
    { path: create.path, kind: 'unary', handle: object((bytes) => {
      const { resource: ref, name, ...write } = decodeWith(CreateObjectRequest, bytes);
      const [asked, form] = writeOf('create', find(ref), ref, write);
      return [name ? { ...asked, target: { ...asked.target, name } } : asked, form];
    }) },
    { path: update.path, kind: 'unary', handle: object((bytes) => {
      const { resource: ref, ...write } = decodeWith(UpdateObjectRequest, bytes);
      return writeOf('update', find(ref), ref, write);
    }) },
    { path: patch.path, kind: 'unary', handle: object((bytes) => {
      const { resource, request = {}, contentType } = decodeWith(PatchObjectRequest, bytes);
      return [askPatch(find(resource), request, resource?.subresource), formOf(contentType)];
    }) },
    { path: remove.path, kind: 'unary', handle: object((bytes) => {
      const { resource, request = {}, contentType } = decodeWith(DeleteObjectRequest, bytes);
      return [askDelete(find(resource), request), formOf(contentType)];
    }) },
    { path: deleteCollection.path, kind: 'unary', handle: list((bytes) => {
      const { resource, request = {}, contentType } = decodeWith(DeleteObjectsRequest, bytes);
      return [askDeleteCollection(find(resource), request), formOf(contentType)];
    }) },
    { path: resources.path, kind: 'unary', handle: async (_request, call) => describeResources(door, call) },
  ];
}

function resourceFinder(core: Door['core']): (ref: ResourceRef | undefined) => Resource {
  return ({ group = '', version = '', resource = '' } = {}) => {
    const found = core.resource({ group, version, resource });
    if (!found) throw unknownResource();
    return found;
  };
}

function formOf(contentType: string | undefined, metadataOnly = false): ObjectForm {
  if (!contentType || contentType === protobufType) return metadataOnly ? 'metadata' : 'protobuf';
  if (contentType === jsonType && !metadataOnly) return 'json';
  throw new ApiError('NotAcceptable', `only the following media types are accepted: ${protobufType}, ${jsonType} (whole objects)`);
}

interface ObjectWrite {
  readonly namespace?: string | undefined;
  readonly object?: Uint8Array | undefined;
  readonly contentType?: string | undefined;
  readonly options?: Parameters<typeof askWrite>[3]['options'];
}

function writeOf(verb: 'create' | 'update', resource: Resource, ref: ResourceRef | undefined, write: ObjectWrite): readonly [Asked, ObjectForm] {
  const { namespace = '', object = new Uint8Array(), contentType, options } = write;
  checkBodySize(object.length);
  const form = formOf(contentType);
  const named = form === 'json' ? peekJson(object) : peekMetadata(object);
  const place = placeOf(resource, ref?.subresource);
  return [askWrite(verb, place, resource, { namespace, object, contentType: contentTypeOf(form), named, options }), form];
}

function peekJson(object: Uint8Array): { name: string; namespace: string } {
  const json = parseJson(object);
  const metadata = json !== null && typeof json === 'object' && !Array.isArray(json) ? json['metadata'] : undefined;
  const text = (key: string): string => {
    const value = metadata !== null && typeof metadata === 'object' && !Array.isArray(metadata) ? metadata[key] : undefined;
    return typeof value === 'string' ? value : '';
  };
  return { name: text('name'), namespace: text('namespace') };
}

/** What subresources such as a binding answer with. */
function encodeStatus(status: Status, form: ObjectForm): Uint8Array {
  const bytes = form === 'json' ? Buffer.from(JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, ...status })) : Status.encode(status).finish();
  return encodeFields([[1, contentTypeOf(form)], [2, bytes]]);
}

async function describeResources(door: Door, call: CallContext): Promise<Uint8Array> {
  const user = await door.authenticate(credentialsOf(call));
  door.core.checkPath(user, 'get', '/apis');
  return ResourcesResponse.encode({ resources: door.core.resources().map(describe) }).finish();
}

function describe({ group, version, plural, kind, singular, shortNames, categories, namespaced, verbs, subresources }: Resource): ResourceInfo {
  return {
    group, version, resource: plural, kind, singular, namespaced,
    shortNames: [...shortNames], categories: [...categories], verbs: [...verbs], subresources: [...subresources],
  };
}

