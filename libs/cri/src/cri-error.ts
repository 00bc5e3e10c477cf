import { ApiError, toError, type ErrorReason } from '@navarch/base';
import { status, type ServiceError } from '@grpc/grpc-js';

const reasons: Partial<Record<status, ErrorReason>> = {
  [status.CANCELLED]: 'Canceled',
  [status.INVALID_ARGUMENT]: 'Invalid',
  [status.DEADLINE_EXCEEDED]: 'Timeout',
  [status.NOT_FOUND]: 'NotFound',
  [status.ALREADY_EXISTS]: 'AlreadyExists',
  [status.PERMISSION_DENIED]: 'Forbidden',
  [status.UNAUTHENTICATED]: 'Unauthorized',
  [status.RESOURCE_EXHAUSTED]: 'TooManyRequests',
  [status.FAILED_PRECONDITION]: 'Conflict',
  [status.UNAVAILABLE]: 'Unavailable',
  [status.UNIMPLEMENTED]: 'MethodNotAllowed',
};

/** containerd wraps many causes as UNKNOWN and says which only in its words. */
function reasonOf(error: ServiceError): ErrorReason {
  const known = reasons[error.code];
  if (known) return known;
  if (/: not found$|no such (container|sandbox)|does not exist/.test(error.details)) return 'NotFound';
  if (/is reserved for/.test(error.details)) return 'AlreadyExists';
  if (/context deadline exceeded|timeout .*exceeded/.test(error.details)) return 'Timeout';
  return 'Internal';
}

/** A gRPC failure of the runtime as an ApiError; the message is the runtime's own, for events and statuses quote it. */
export function translateCriError(call: string, thrown: unknown): ApiError {
  const error = toError(thrown) as ServiceError;
  if (typeof error.code !== 'number') return new ApiError('Internal', `${call}: ${error.message}`, {}, { cause: thrown });
  return new ApiError(reasonOf(error), `rpc error: code = ${codeName(error.code)} desc = ${error.details}`, { kind: call }, { cause: thrown });
}

/** gRPC's names as Go prints them: DeadlineExceeded for DEADLINE_EXCEEDED. */
function codeName(code: status): string {
  return (status[code] ?? 'UNKNOWN').toLowerCase().replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

/** Whether the runtime does not have this call. */
export function isUnimplemented(thrown: unknown): boolean {
  return (thrown as ServiceError | undefined)?.code === status.UNIMPLEMENTED;
}
