import type { Resource } from '@navarch/api';
import type { CallContext } from '@navarch/service';
import { ApiError, type Clock } from '@navarch/base';
import { CreateOptions, UpdateOptions, type DeleteOptions, type PatchOptions } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import type {
  DeleteCollectionRequest, DeleteRequest, GetRequest, ListRequest, PatchRequest, WatchRequest,
} from '@navarch/proto/navarch/meta/v1/meta';

import { badRequest } from '../core/errors';
import type { ApiRequest, Preconditions, RequestOptions, RequestTarget, User, Verb } from '../core/request';
import { checkBodySize, protobufType } from '../core/write/body';
import { patchBody } from '../rest/body';
import { messageField, peekMetadata, textField } from './wire';

/** gRPC's default for a whole message is 4 MiB; a page stays below with room for its envelope. */
const maxPageBytes = 3 * 1024 * 1024;
const defaultPageItems = 500;

/** The part of a core request that a message says; who asks and how long it may take comes from the call. */
export type Asked = Pick<ApiRequest, 'verb' | 'target' | 'body' | 'options'>;

type Place = Pick<RequestTarget, 'group' | 'version' | 'resource' | 'subresource'>;

export const placeOf = ({ group, version, plural }: Resource, subresource?: string): Place =>
  ({ group, version, resource: plural, ...(subresource && { subresource }) });

export function decodeWith<T>(message: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
  try {
    return message.decode(bytes);
  } catch (cause) {
    throw badRequest('the request is not a valid protobuf message', cause);
  }
}

/** Of a single object: an empty namespace means "default" for kinds that have one. */
const ofOne = (resource: Resource, namespace: string | undefined): string | undefined => (resource.namespaced ? namespace || 'default' : namespace || undefined);

export function askGet(resource: Resource, { namespace, name, resourceVersion }: GetRequest, subresource?: string): Asked {
  return { verb: 'get', target: { ...placeOf(resource, subresource), namespace: ofOne(resource, namespace), name }, options: { resourceVersion } };
}

export function askList(resource: Resource, request: ListRequest): Asked {
  const { namespace, labelSelector, fieldSelector, resourceVersion, resourceVersionMatch } = request;
  const options: RequestOptions = {
    labelSelector, fieldSelector, resourceVersion, resourceVersionMatch,
    limit: request.limit || defaultPageItems, maxBytes: maxPageBytes, continue: request.continue,
  };
  return { verb: 'list', target: { ...placeOf(resource), namespace: namespace || undefined }, options };
}

export function askWatch(resource: Resource, request: WatchRequest): Asked {
  const { namespace, labelSelector, fieldSelector, resourceVersion, resourceVersionMatch, allowWatchBookmarks, timeoutSeconds } = request;
  // proto3 does not tell false from absent: both mean Kubernetes' default for the version given.
  const sendInitialEvents = request.sendInitialEvents || undefined;
  const options = { labelSelector, fieldSelector, resourceVersion, resourceVersionMatch, allowWatchBookmarks, timeoutSeconds, sendInitialEvents };
  return { verb: 'watch', target: { ...placeOf(resource), namespace: namespace || undefined }, options };
}

export function askDelete(resource: Resource, { namespace, name, options }: DeleteRequest): Asked {
  return { verb: 'delete', target: { ...placeOf(resource), namespace: ofOne(resource, namespace), name }, options: deleteOptions(options) };
}

export function askDeleteCollection(resource: Resource, { namespace, labelSelector, fieldSelector, options }: DeleteCollectionRequest): Asked {
  const target = { ...placeOf(resource), namespace: ofOne(resource, namespace) };
  return { verb: 'deletecollection', target, options: { ...deleteOptions(options), labelSelector, fieldSelector } };
}

export function askPatch(resource: Resource, request: PatchRequest, subresource?: string): Asked {
  const { namespace, name, patchType = '', patch = new Uint8Array(), options } = request;
  return {
    verb: 'patch', target: { ...placeOf(resource, subresource), namespace: ofOne(resource, namespace), name },
    body: patchBody(patchType, Buffer.from(patch.buffer, patch.byteOffset, patch.byteLength)), options: writeOptions(options),
  };
}

/** An object to be written, still as bytes, and where it goes: the request's namespace, else the object's own, else "default". */
export function askWrite(verb: Verb, place: Place, resource: Resource, write: {
  readonly namespace: string; readonly object: Uint8Array; readonly contentType?: string; readonly named: { name: string; namespace: string };
  readonly options?: CreateOptions | UpdateOptions | undefined;
}): Asked {
  const { namespace, named, object, contentType = protobufType, options } = write;
  return {
    verb, body: { contentType, bytes: object },
    target: { ...place, namespace: ofOne(resource, namespace || named.namespace), ...(verb !== 'create' && { name: named.name }) },
    options: { ...writeOptions(options), namespaceOverrides: true },
  };
}

/** CreatePodRequest, UpdatePodRequest and their siblings: namespace 1, object 2, options 3. */
export function askTypedWrite(verb: 'create' | 'update', resource: Resource, message: Uint8Array, subresource?: string): Asked {
  const object = messageField(message, 2) ?? new Uint8Array();
  checkBodySize(object.length);
  const options = decodeWith<CreateOptions | UpdateOptions>(verb === 'create' ? CreateOptions : UpdateOptions, messageField(message, 3) ?? new Uint8Array());
  return askWrite(verb, placeOf(resource, subresource), resource, { namespace: textField(message, 1), object, named: peekMetadata(object), options });
}

export function writeOptions(options: CreateOptions | UpdateOptions | PatchOptions = {}): RequestOptions {
  const { dryRun, fieldManager, fieldValidation } = options;
  const force = 'force' in options ? options.force : undefined;
  // What the caller is not told of must not be dropped: without a word from the caller, unknown fields are errors here.
  return { dryRun, fieldManager, force, fieldValidation: (fieldValidation || 'Strict') as RequestOptions['fieldValidation'] };
}

function deleteOptions(options: DeleteOptions = {}): RequestOptions {
  const { gracePeriodSeconds, preconditions, propagationPolicy, orphanDependents, dryRun } = options;
  return {
    gracePeriodSeconds, orphanDependents, dryRun, preconditions: preconditions as Preconditions | undefined,
    propagationPolicy: propagationPolicy as RequestOptions['propagationPolicy'],
  };
}

/** The whole request: what was asked, and what the call says of who asks and until when. */
export function completeRequest(asked: Asked, user: User, call: CallContext, clock: Clock): ApiRequest {
  const { signal, traceparent, deadlineMs } = call;
  const timeoutMs = deadlineMs === undefined ? undefined : deadlineMs - clock.now();
  if (timeoutMs !== undefined && timeoutMs <= 0) throw new ApiError('Timeout', 'the deadline has passed');
  return { ...asked, user, traceparent, signal, timeoutMs };
}

