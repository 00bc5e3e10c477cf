import { fieldErrorsToApiError, scales, type ApiObject, type Resource, type ScaleView } from '@navarch/api';
import type { Scale } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';

import { StoredObject } from './cache/stored-object';
import { badRequest, unknownResource } from './errors';
import type { KindExtension, Subresource } from './kind-extension';
import type { ApiRequest } from './request';
import { decodeBody } from './write/body';
import { applyPatchType, patchTypeOf, readPatch } from './write/patch';
import { checkIdentity, checkNamedVersion } from './write/update';

/** The scale subresource of every kind whose Resource has a scale: its size as an autoscaling/v1 Scale, to read and to write. */
const scaleSubresource: Subresource = {
  verbs: ['get', 'update', 'patch'],
  async handle(request, context) {
    const { resource } = context;
    const view = viewOf(resource);
    if (request.verb === 'get') return { type: 'object', object: shown(await context.find(), view) };
    const incomingFor = reader(request);
    const stored = await context.mutate((current) => {
      const previous = current.object;
      const incoming = incomingFor(view.read(previous));
      checkIdentity(resource, incoming, request.target, request.options.namespaceOverrides);
      checkNamedVersion(resource, incoming, previous.metadata ?? {});
      return { type: 'update', next: resized(resource, view, previous, incoming) };
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

/** The scale that a request asks for, given the present one; each try gets a copy of its own. */
function reader(request: ApiRequest): (present: Scale) => Scale {
  const { body } = request;
  if (request.verb === 'patch') {
    if (patchTypeOf(request) === applyPatchType) throw badRequest('a scale is set by update or patch: apply the object itself instead');
    return readPatch(scales as Resource, request);
  }
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
