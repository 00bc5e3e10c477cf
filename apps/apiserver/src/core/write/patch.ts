import { applyJsonPatch, applyMergePatch, kindMergeSchema, strategicMerge, type ApiObject, type JsonObject, type JsonValue, type Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';

import { badRequest } from '../errors';
import type { ApiRequest, RequestBody } from '../request';
import { decodeJson, duplicatesIn, parseJson, strictError } from './body';

/** What a patch makes of the object's present JSON. Called again for each newer state that a write meets. */
type ApplyPatch = (current: JsonObject) => JsonValue;

/** Reads a patch document once; BadRequest where it is not one of its type. */
type PatchReader = (patch: JsonValue, resource: Resource) => ApplyPatch;

/** Server-side apply is no patch of a state but an intent of its own: write/ownership.ts. */
export const applyPatchType = 'application/apply-patch+yaml';

/** The patch types served, by media type. */
const patchTypes: Readonly<Record<string, PatchReader>> = {
  'application/merge-patch+json': (patch) => {
    if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) throw badRequest('a merge patch must be a JSON object');
    return (current) => applyMergePatch(current, patch);
  },
  'application/json-patch+json': (patch) => (current) => applyJsonPatch(current, patch),
  'application/strategic-merge-patch+json': (patch, resource) => {
    if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) throw badRequest('a strategic merge patch must be a JSON object');
    return (current) => strategicMerge(current, patch, resource.codec.message, kindMergeSchema());
  },
};

/** The media type of a patch, without its parameters. */
export function patchTypeOf({ body }: ApiRequest): string {
  return bytesOf(body).contentType.split(';')[0]?.trim() ?? '';
}

/** The document of an apply request. */
export function readApplyBody({ body }: ApiRequest): JsonValue {
  return parseJson(bytesOf(body).bytes);
}

/** The patched form of whatever state it is given, decoded anew each time. */
export function readPatch(resource: Resource, request: ApiRequest): (current: ApiObject) => ApiObject {
  const body = bytesOf(request.body);
  const type = patchTypeOf(request);
  const reader = Object.hasOwn(patchTypes, type) ? patchTypes[type] : undefined;
  if (!reader) {
    throw new ApiError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${[...Object.keys(patchTypes), applyPatchType].join(', ')}`);
  }
  const apply = reader(parseJson(body.bytes), resource);
  const { fieldValidation } = request.options;
  const duplicates = duplicatesIn(body.bytes, fieldValidation);
  if (fieldValidation === 'Strict' && duplicates.length > 0) throw strictError(duplicates);
  for (const duplicate of duplicates) request.warn?.(duplicate);
  return (current) => decodeJson(resource, apply(resource.codec.toJson(current)), fieldValidation, request.warn);
}

function bytesOf(body: RequestBody | undefined): Exclude<RequestBody, { object: unknown }> {
  if (!body || 'object' in body) throw badRequest('a patch needs a body of bytes');
  return body;
}
