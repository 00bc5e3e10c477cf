import { findDuplicateFields, type ApiObject, type FieldValidation, type JsonValue, type Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';

import { badRequest } from '../errors';
import type { ApiRequest, RequestBody } from '../request';
import { maxObjectBytes } from './writer';

export const protobufType = 'application/vnd.kubernetes.protobuf';
export const jsonType = 'application/json';

/** Deeper than any object of ours; a limit, so that hostile nesting ends in an answer and not in a full stack. */
const maxDepth = 500;

export function checkBodySize(length: number): void {
  if (length > maxObjectBytes) throw new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${maxObjectBytes}`);
}

/** JSON text as a value; BadRequest where it is none, or nested beyond reason. Never quotes the body: it may hold a secret. */
export function parseJson(bytes: Uint8Array): JsonValue {
  checkBodySize(bytes.length);
  checkDepth(bytes);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as JsonValue;
  } catch {
    throw badRequest('the request body is not valid JSON');
  }
}

/** The object that a request carries, decoded, and the caller's own copy no longer. */
export function decodeBody(resource: Resource, request: ApiRequest): ApiObject {
  const { body, options } = request;
  if (!body) throw badRequest('the request needs an object in its body');
  if ('object' in body) return resource.codec.normalize(body.object);
  checkBodySize(body.bytes.length);
  switch (mediaType(body)) {
    case protobufType: return resource.codec.decode(body.bytes);
    case jsonType: return decodeJson(resource, parseJson(body.bytes), options.fieldValidation, request.warn, duplicatesIn(body.bytes, options.fieldValidation));
    default:
      throw new ApiError('UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${jsonType}, ${protobufType}`);
  }
}

/** `duplicates` are problems found in the text, before it became a value: told and judged like unknown fields. */
export function decodeJson(
  resource: Resource, json: JsonValue, fieldValidation: FieldValidation = 'Warn', warn?: (message: string) => void, duplicates: readonly string[] = [],
): ApiObject {
  checkTypeMeta(resource, json);
  if (duplicates.length === 0 || fieldValidation === 'Ignore') return resource.codec.fromJson(json, { fieldValidation, warn });
  const problems = [...duplicates];
  const object = resource.codec.fromJson(json, { fieldValidation: 'Warn', warn: (message) => problems.push(message) });
  if (fieldValidation === 'Strict') throw strictError(problems);
  for (const problem of problems) warn?.(problem);
  return object;
}

/** What a JSON text says twice, in Kubernetes' words; nothing where nobody wants to know. */
export function duplicatesIn(bytes: Uint8Array, fieldValidation: FieldValidation = 'Warn'): string[] {
  if (fieldValidation === 'Ignore') return [];
  return findDuplicateFields(new TextDecoder().decode(bytes)).map((path) => `duplicate field ${JSON.stringify(path)}`);
}

export const strictError = (problems: readonly string[]): ApiError => badRequest(`strict decoding error: ${problems.join(', ')}`);

function mediaType(body: Exclude<RequestBody, { object: unknown }>): string {
  return body.contentType.split(';')[0]?.trim() || protobufType;
}

/** apiVersion and kind may be left out; where they are given they must be those of the path. */
function checkTypeMeta({ group, version, kind }: Resource, json: JsonValue): void {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw badRequest('the request body must be a JSON object');
  const apiVersion = group ? `${group}/${version}` : version;
  if (json['kind'] && json['kind'] !== kind) {
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): its kind is ${JSON.stringify(json['kind'])}`);
  }
  if (json['apiVersion'] && json['apiVersion'] !== apiVersion) {
    throw badRequest(`the API version in the data (${typeof json['apiVersion'] === 'string' ? json['apiVersion'] : JSON.stringify(json['apiVersion'])}) does not match the expected API version (${apiVersion})`);
  }
}

function checkDepth(bytes: Uint8Array): void {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth) throw badRequest(`the request body is nested more than ${maxDepth} levels deep`);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}
