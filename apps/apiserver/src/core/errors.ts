import type { Resource } from '@navarch/api';
import { ApiError, type ErrorDetails } from '@navarch/base';

/** Failures in Kubernetes' words (apimachinery's api/errors), one function per reason that the core gives itself. */
type Named = Pick<Resource, 'group' | 'plural'>;

export function qualified(resource: Named): string {
  return resource.group ? `${resource.plural}.${resource.group}` : resource.plural;
}

function details(resource: Named, name: string): ErrorDetails {
  return { kind: resource.plural, ...(resource.group && { group: resource.group }), ...(name && { name }) };
}

export function notFound(resource: Named, name: string): ApiError {
  return new ApiError('NotFound', `${qualified(resource)} "${name}" not found`, details(resource, name));
}

export function alreadyExists(resource: Named, name: string): ApiError {
  return new ApiError('AlreadyExists', `${qualified(resource)} "${name}" already exists`, details(resource, name));
}

export const modified = 'the object has been modified; please apply your changes to the latest version and try again';

export function conflict(resource: Named, name: string, why = modified): ApiError {
  return new ApiError('Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, details(resource, name));
}

export function forbidden(resource: Named, name: string, why: string): ApiError {
  const subject = name ? `${qualified(resource)} "${name}"` : qualified(resource);
  return new ApiError('Forbidden', `${subject} is forbidden: ${why}`, details(resource, name));
}

export const badRequest = (message: string, cause?: unknown): ApiError => new ApiError('BadRequest', message, {}, { cause });

export const unknownResource = (): ApiError => new ApiError('NotFound', 'the server could not find the requested resource');

export const methodNotAllowed = (): ApiError =>
  new ApiError('MethodNotAllowed', 'the server does not allow this method on the requested resource');

/** Both sequences, because the difference tells the operator whether to widen the window. */
export const tooOld = (asked: number, oldest: number): ApiError =>
  new ApiError('Expired', `too old resource version: ${asked} (${oldest})`);

export const tooLarge = (asked: number, current: number): ApiError =>
  new ApiError('Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    retryAfterSeconds: 1,
    causes: [{ reason: 'ResourceVersionTooLarge', field: '', message: 'Too large resource version' }],
  });

export const tooManyRequests = (): ApiError =>
  new ApiError('TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 });
