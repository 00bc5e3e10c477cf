import { codecFor } from '@navarch/api';
import type { ObjectMeta } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { badRequest } from '../errors';
import type { ApiRequest } from '../request';
import { duplicatesIn, jsonType, parseJson, strictError } from './body';

/**
 * What a request carries that is no object of a kind: an eviction, a review. `message` is its protobuf name. The name and namespace it may
 * bear must be the path's.
 */
export function readMessage<T extends { metadata?: ObjectMeta | undefined }>({ body, target, options, warn }: ApiRequest, message: string): T {
  const kind = message.slice(message.lastIndexOf('.') + 1);
  if (!body) throw badRequest(`the request needs a ${kind} in its body`);
  const codec = codecFor<T>(message);
  const read = (): T => {
    if ('object' in body) return codec.normalize(body.object as T);
    if (!body.contentType.startsWith(jsonType)) return codec.decode(body.bytes);
    const { fieldValidation } = options;
    const json = parseJson(body.bytes);
    const duplicates = duplicatesIn(body.bytes, fieldValidation);
    if (fieldValidation === 'Strict' && duplicates.length > 0) throw strictError(duplicates);
    for (const duplicate of duplicates) warn?.(duplicate);
    return codec.fromJson(json, { fieldValidation, warn });
  };
  const value = read();
  const { name, namespace } = value.metadata ?? {};
  if (target.subresource && name !== undefined && name !== target.name) throw badRequest(`name in URL does not match name in ${kind} object`);
  if (namespace !== undefined && namespace !== (target.namespace ?? '')) throw badRequest(`namespace in URL does not match namespace in ${kind} object`);
  return value;
}
