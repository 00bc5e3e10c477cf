import type { JsonObject } from '@navarch/api';
import { ApiError, isApiError, type ErrorReason } from '@navarch/base';

/** A failure as Kubernetes' Status object. What is no ApiError stays opaque: the caller learns only that it is ours. */
const reasons: Partial<Record<ErrorReason, string>> = { Unavailable: 'ServiceUnavailable', Internal: 'InternalError', Canceled: '' };

export function statusOf(error: unknown): JsonObject & { readonly code: number } {
  const known = isApiError(error) ? error : new ApiError('Internal', 'Internal error occurred: the server failed to handle the request');
  const { name, group, kind, uid, causes, retryAfterSeconds } = known.details;
  const details: JsonObject = {
    ...(name && { name }), ...(group && { group }), ...(kind && { kind }), ...(uid && { uid }),
    ...(causes?.length && { causes: causes.map(({ reason, message, field }): JsonObject => ({ ...(reason && { reason }), ...(message && { message }), ...(field && { field }) })) }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
  const reason = reasons[known.reason] ?? known.reason;
  return {
    kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: known.message, ...(reason && { reason }),
    ...(Object.keys(details).length > 0 && { details }), code: known.code,
  };
}

/** What a delete answers once the object is gone. */
export function successStatus(details: JsonObject): JsonObject {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
}
