import { fieldErrorsToApiError, scales, type ApiObject, type JsonObject, type Resource, type ScaleView } from '@navarch/api';
import type { Scale } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';

import { StoredObject } from './cache/stored-object';
import { badRequest, unknownResource } from './errors';
import type { KindExtension, Subresource, SubresourceContext } from './kind-extension';
import type { ApiRequest } from './request';
import { decodeBody, decodeJson } from './write/body';
import { readIntent, recordOwnership } from './write/ownership';
import { applyPatchType, patchTypeOf, readApplyBody, readPatch } from './write/patch';
import { checkIdentity, checkNamedVersion } from './write/update';

/** The scale subresource of every kind whose Resource has a scale: its size as an autoscaling/v1 Scale, to read and to write. */
const scaleSubresource: Subresource = {
  verbs: ['get', 'update', 'patch'],
  async handle(request, context) {
    const { resource } = context;
    const view = viewOf(resource);
    if (request.verb === 'get') return { type: 'object', object: shown(await context.find(), view) };
    const wantedFor = patchTypeIfPatch(request) === applyPatchType ? applied(request, view, context) : changed(request, view, context);
    const stored = await context.mutate((current) => {
      const previous = current.object;
      const { scale, own } = wantedFor(previous);
      checkIdentity(resource, scale, request.target, request.options.namespaceOverrides);
      checkNamedVersion(resource, scale, previous.metadata ?? {});
      const next = resized(resource, view, previous, scale);
      own(next);
      return { type: 'update', next };
    });
    return { type: 'object', object: shown(stored, view) };
  },
};

/** What the server does for a kind beyond its Resource, with its scale where it has one. */
export function withScale(resource: Resource, extension: KindExtension | undefined): KindExtension | undefined {
  if (!resource.scale) return extension;
  const { group, plural } = resource;
  return { group, plural, ...extension, subresources: { ...extension?.subresources, scale: scaleSubresource } };
}

function viewOf({ scale }: Resource): ScaleView<ApiObject> {
  if (!scale) throw unknownResource();
  return scale;
}

/** The scale that a request asks for given the present object, and whose the object's size is once it has that. */
type Wanted = (previous: ApiObject) => { readonly scale: Scale; own(next: ApiObject): void };

const patchTypeIfPatch = (request: ApiRequest): string | undefined => (request.verb === 'patch' ? patchTypeOf(request) : undefined);

function changed(request: ApiRequest, view: ScaleView<ApiObject>, { resource, versions, nowMs }: SubresourceContext): Wanted {
  const scaleFor = reader(request);
  return (previous) => ({ scale: scaleFor(view.read(previous)), own: (next) => recordOwnership({ resource, versions }, request, next, previous, nowMs) });
}

/** Applying a scale is applying the object with nothing but its size: that is what its manager comes to own. Who says no size leaves it as it is. */
function applied(request: ApiRequest, view: ScaleView<ApiObject>, { resource, versions, nowMs }: SubresourceContext): Wanted {
  const body = readApplyBody(request);
  if (body === null || typeof body !== 'object' || Array.isArray(body)) throw badRequest('an applied configuration must be an object');
  const { metadata, spec = {} } = decodeJson(scales as Resource, body, request.options.fieldValidation, request.warn) as Scale;
  const intent = spec.replicas === undefined ? {} : view.write({}, spec.replicas) as JsonObject;
  const intentFor = readIntent({ resource, versions }, request, intent, nowMs);
  return (previous) => {
    const present = view.read(previous);
    const { own } = intentFor(previous);
    return { scale: { ...present, metadata: { ...present.metadata, ...metadata }, spec: { ...present.spec, ...spec } }, own };
  };
}

/** The scale that a request asks for, given the present one; each try gets a copy of its own. */
function reader(request: ApiRequest): (present: Scale) => Scale {
  const { body } = request;
  if (request.verb === 'patch') return readPatch(scales as Resource, request);
  const copy = (): ApiRequest => (body && 'object' in body ? { ...request, body: { object: structuredClone(body.object) } } : request);
  return () => decodeBody(scales as Resource, copy());
}

/** The object at its new size, judged by its own rules: only its size can be wrong. */
function resized(resource: Resource, view: ScaleView<ApiObject>, previous: ApiObject, incoming: Scale): ApiObject {
  const name = previous.metadata?.name ?? '';
  const wrongScale = scales.validateUpdate(incoming, incoming);
  if (wrongScale.length > 0) throw fieldErrorsToApiError(scales, name, wrongScale);
  const next = view.write(previous, incoming.spec?.replicas ?? 0);
  resource.prepareForUpdate(next, previous);
  const errors = resource.validateUpdate(next, previous);
  if (errors.length > 0) throw fieldErrorsToApiError(resource, name, errors);
  return next;
}

/** The view of a stored object: its version, trace and time are the object's. */
function shown(stored: StoredObject, view: ScaleView<ApiObject>): StoredObject {
  const { namespace, name, uid, sequence, timeMs, traceparent, origin } = stored;
  const bytes = scales.codec.encode(view.read(stored.object));
  return new StoredObject(scales as Resource, namespace, name, uid, sequence, timeMs, bytes, traceparent, origin);
}
