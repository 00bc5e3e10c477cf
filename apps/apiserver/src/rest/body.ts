import { codecFor, decodeEnvelope, type JsonValue } from '@navarch/api';
import { ApiError, isApiError, toError } from '@navarch/base';
import type { DeleteOptions } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import { isAlias, isCollection, isScalar, Lexer, parseDocument, visit, type Document } from 'yaml';

import type { RequestBody, RequestOptions, RequestTarget } from '../core/request';
import { checkBodySize, jsonType, parseJson, protobufType } from '../core/write/body';

/** Request bodies as this door gets them: JSON, YAML or protobuf in its envelope, with or without a content type. */
const yamlTypes = new Set(['application/yaml', 'application/x-yaml', 'text/yaml']);
const deleteOptionsCodec = codecFor<DeleteOptions>('k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions');

/** More aliases than any manifest needs; beyond it the document is taken for a bomb. */
const maxAliases = 50;
const maxYamlTokens = 150_000;
const maxYamlDepth = 100;

function mediaType(contentType: string | undefined): string {
  return contentType?.split(';')[0]?.trim().toLowerCase() || jsonType;
}

/**
 * YAML as Kubernetes reads it: JSON's data model only, duplicate keys refused. JSON, which is what kubectl sends under YAML's name, takes the
 * short way. Never quotes the text: it may hold a secret.
 */
export function yamlToJson(bytes: Uint8Array): JsonValue {
  checkBodySize(bytes.length);
  if (isJson(bytes)) return parseJson(bytes);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    checkTokens(text);
    // Its own check for unique keys takes quadratic time.
    const document = parseDocument(text, { schema: 'core', uniqueKeys: false, logLevel: 'silent' });
    const [problem] = document.errors;
    if (problem) throw new ApiError('BadRequest', `the request body is not valid YAML: ${problem.code} at line ${problem.linePos?.[0].line ?? 0}`);
    refuseDuplicateKeys(document);
    const value = document.toJS({ maxAliasCount: maxAliases }) as JsonValue;
    checkExpanded(value);
    return value;
  } catch (error) {
    if (isApiError(error)) throw error;
    // What the decoder and the parser throw: bytes that are no text, aliases without end or anchor, nesting that fills the stack.
    throw new ApiError('BadRequest', error instanceof ReferenceError ? 'the request body is not valid YAML: too many aliases' : 'the request body is not valid YAML', {}, { cause: error });
  }
}

function isJson(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x7b) return false;
  try {
    JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    return true;
  } catch {
    return false;
  }
}

/** Reading YAML takes microseconds and hundreds of bytes for each token, and a stack for each level: both are bounded before it begins. */
function checkTokens(text: string): void {
  let [tokens, depth] = [0, 0];
  for (const token of new Lexer().lex(text)) {
    if (++tokens > maxYamlTokens) throw new ApiError('RequestEntityTooLarge', `Request entity too large: YAML of more than ${maxYamlTokens} tokens; send it as JSON`);
    if (token === '[' || token === '{') depth++;
    else if (token === ']' || token === '}') depth--;
    if (depth > maxYamlDepth) throw new ApiError('BadRequest', `the request body is nested more than ${maxYamlDepth} levels deep`);
  }
}

/** Keys that are there twice, or are no text. */
function refuseDuplicateKeys(document: Document): void {
  visit(document, {
    Map(_key, { items }) {
      const keys = new Set<unknown>();
      for (const { key: written } of items) {
        const key = isAlias(written) ? written.resolve(document) : written;
        // JSON has no other keys than text; a map that is its own key has no end.
        if (isCollection(key)) throw new ApiError('BadRequest', 'the request body is not valid YAML: a key must be a scalar');
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (keys.has(name)) throw new ApiError('BadRequest', 'the request body is not valid YAML: DUPLICATE_KEY');
        keys.add(name);
      }
    },
  });
}

/** Aliases share what they name; written out as JSON each is a copy. Looks at no more than what a body may hold. */
function checkExpanded(value: JsonValue): void {
  let length = 0;
  const visit = (part: JsonValue): void => {
    length += typeof part === 'string' ? part.length : 1;
    checkBodySize(length);
    if (part === null || typeof part !== 'object') return;
    for (const [key, member] of Object.entries(part)) {
      length += Array.isArray(part) ? 0 : key.length;
      visit(member);
    }
  };
  visit(value);
}

/** The body in the core's terms. `expected` is the kind of the path, which an envelope must not contradict. */
export function requestBody(contentType: string | undefined, bytes: Buffer): RequestBody {
  const type = mediaType(contentType);
  if (type === protobufType) return { contentType: protobufType, bytes: decodeEnvelope(bytes).raw };
  if (yamlTypes.has(type)) return { contentType: jsonType, bytes: Buffer.from(JSON.stringify(yamlToJson(bytes))) };
  return { contentType: type, bytes };
}

/** An apply patch is YAML by its name; the core takes its JSON. */
export function patchBody(contentType: string | undefined, bytes: Buffer): RequestBody {
  const type = mediaType(contentType);
  return type === 'application/apply-patch+yaml' ? { contentType: type, bytes: Buffer.from(JSON.stringify(yamlToJson(bytes))) } : { contentType: type, bytes };
}

/** Refuses an enveloped object whose apiVersion or kind is not the path's. */
export function checkEnvelope(contentType: string | undefined, bytes: Buffer, expected: { readonly apiVersion: string; readonly kind: string }): void {
  if (mediaType(contentType) !== protobufType) return;
  const { apiVersion, kind } = decodeEnvelope(bytes);
  if ((apiVersion && apiVersion !== expected.apiVersion) || (kind && kind !== expected.kind)) {
    throw new ApiError('BadRequest', `the object provided is unrecognized (must be of type ${expected.kind}): its kind is ${JSON.stringify(kind)}, its version ${JSON.stringify(apiVersion)}`);
  }
}

/** The options in a delete's body, over those of the query string. */
export function deleteOptions(contentType: string | undefined, bytes: Buffer, query: RequestOptions): RequestOptions {
  if (bytes.length === 0) return query;
  const body = readDeleteOptions(contentType, bytes);
  const { gracePeriodSeconds, preconditions, propagationPolicy, orphanDependents, dryRun } = body;
  if (propagationPolicy !== undefined && !['Orphan', 'Background', 'Foreground'].includes(propagationPolicy)) {
    throw new ApiError('Invalid', `DeleteOptions is invalid: propagationPolicy: Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: "Background", "Foreground", "Orphan"`,
      { kind: 'DeleteOptions', causes: [{ reason: 'FieldValueNotSupported', field: 'propagationPolicy', message: 'Unsupported value' }] });
  }
  return {
    ...query, ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }), ...(orphanDependents !== undefined && { orphanDependents }),
    ...(propagationPolicy !== undefined && { propagationPolicy: propagationPolicy as NonNullable<RequestOptions['propagationPolicy']> }),
    ...(dryRun?.length && { dryRun }),
    ...(preconditions && { preconditions: { ...(preconditions.uid !== undefined && { uid: preconditions.uid }), ...(preconditions.resourceVersion !== undefined && { resourceVersion: preconditions.resourceVersion }) } }),
  };
}

function readDeleteOptions(contentType: string | undefined, bytes: Buffer): DeleteOptions {
  const body = requestBody(contentType, bytes);
  if ('object' in body) return body.object as DeleteOptions;
  try {
    return body.contentType === protobufType ? deleteOptionsCodec.decode(body.bytes) : deleteOptionsCodec.fromJson(parseJson(body.bytes));
  } catch (error) {
    throw new ApiError('BadRequest', `the request body is no DeleteOptions: ${toError(error).message}`, {}, { cause: error });
  }
}

/** `apps/v1`, `v1`. */
export function apiVersionOf({ group, version }: Pick<RequestTarget, 'group' | 'version'>): string {
  return group === '' ? version : `${group}/${version}`;
}
