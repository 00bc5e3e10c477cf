import { applyMergePatch, type ApiObject, type JsonObject, type JsonValue, type Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';

import { badRequest } from '../errors';
import type { ApiRequest, RequestBody } from '../request';
import { decodeJson, parseJson } from './body';

/** What a patch makes of the object's present JSON. Called again for each newer state that a write meets. */
type ApplyPatch = (current: JsonObject) => JsonValue;

/** Reads a patch document once; BadRequest where it is not one of its type. */
type PatchReader = (patch: JsonValue, resource: Resource) => ApplyPatch;

/** The patch types served, by media type. JSON patch, strategic merge and apply take their places here. */
const patchTypes: Readonly<Record<string, PatchReader>> = {
  'application/merge-patch+json': (patch) => {
    if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) throw badRequest('a merge patch must be a JSON object');
    return (current) => applyMergePatch(current, patch);
  },
};

/** The patched form of whatever state it is given, decoded anew each time. */
export function readPatch(resource: Resource, request: ApiRequest): (current: ApiObject) => ApiObject {
  const body = bytesOf(request.body);
  const type = body.contentType.split(';')[0]?.trim() ?? '';
  const reader = Object.hasOwn(patchTypes, type) ? patchTypes[type] : undefined;
  if (!reader) {
    throw new ApiError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${Object.keys(patchTypes).join(', ')}`);
  }
  const apply = reader(parseJson(body.bytes), resource);
  const { fieldValidation } = request.options;
  return (current) => decodeJson(resource, apply(resource.codec.toJson(current)), fieldValidation, request.warn);
}

function bytesOf(body: RequestBody | undefined): Exclude<RequestBody, { object: unknown }> {
  if (!body || 'object' in body) throw badRequest('a patch needs a body of bytes');
  return body;
}
