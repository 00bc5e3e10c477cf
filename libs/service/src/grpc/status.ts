import { ApiError, toError, type ErrorReason } from '@navarch/base';
import type { Status } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

/** Kubernetes' spelling where it differs from ours (apimachinery, StatusReason). */
const statusReasons: Partial<Record<ErrorReason, string>> = { Internal: 'InternalError', Unavailable: 'ServiceUnavailable' };
const errorReasons = new Map<string, ErrorReason>([['InternalError', 'Internal'], ['ServiceUnavailable', 'Unavailable']]);

const known: ReadonlySet<string> = new Set<ErrorReason>([
  'BadRequest', 'Unauthorized', 'Forbidden', 'NotFound', 'MethodNotAllowed', 'NotAcceptable', 'AlreadyExists', 'Conflict', 'Gone', 'Expired', 'Invalid',
  'UnsupportedMediaType', 'RequestEntityTooLarge', 'TooManyRequests', 'Timeout', 'ServerTimeout', 'Canceled',
]);

const byHttpCode: Readonly<Record<number, ErrorReason>> = {
  400: 'BadRequest', 401: 'Unauthorized', 403: 'Forbidden', 404: 'NotFound', 405: 'MethodNotAllowed', 406: 'NotAcceptable', 409: 'Conflict', 410: 'Expired',
  413: 'RequestEntityTooLarge', 415: 'UnsupportedMediaType', 422: 'Invalid', 429: 'TooManyRequests', 499: 'Canceled', 503: 'Unavailable', 504: 'Timeout',
};

/** The failure as Kubernetes' Status, the form in which every door of the API tells of it. */
export function statusOfError(error: ApiError): Status {
  const { group, kind, name, uid, causes, retryAfterSeconds } = error.details;
  const details = {
    ...(name && { name }), ...(group && { group }), ...(kind && { kind }), ...(uid && { uid }), ...(retryAfterSeconds && { retryAfterSeconds }),
    ...(causes?.length && { causes: causes.map(({ reason, message, field }) => ({ reason, message, field })) }),
  };
  return {
    status: 'Failure', message: error.message, reason: statusReasons[error.reason] ?? error.reason, code: error.code,
    ...(Object.keys(details).length > 0 && { details }),
  };
}

/** The ApiError that a Status tells of; a reason we do not know falls back to its HTTP code. */
export function errorOfStatus(status: Status, cause?: unknown): ApiError {
  const { name, group, kind, uid, causes, retryAfterSeconds } = status.details ?? {};
  return new ApiError(reasonOf(status), status.message ?? status.reason ?? 'unknown failure', {
    ...(name && { name }), ...(group && { group }), ...(kind && { kind }), ...(uid && { uid }), ...(retryAfterSeconds && { retryAfterSeconds }),
    ...(causes?.length && { causes: causes.map((each) => ({ reason: each.reason ?? '', message: each.message ?? '', field: each.field ?? '' })) }),
  }, cause === undefined ? undefined : { cause: toError(cause) });
}

function reasonOf({ reason, code }: Status): ErrorReason {
  if (reason && known.has(reason)) return reason as ErrorReason;
  return errorReasons.get(reason ?? '') ?? byHttpCode[code ?? 500] ?? 'Internal';
}
