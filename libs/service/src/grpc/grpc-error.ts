import { Metadata, status as Code, type StatusObject } from '@grpc/grpc-js';
import { ApiError, isApiError, type ErrorReason } from '@navarch/base';
import { Status as RpcStatus } from '@navarch/proto/google/rpc/status';
import { Status } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { errorOfStatus, statusOfError } from './status';

/** Where gRPC carries google.rpc.Status (grpc/grpc, "Richer error model"). */
const detailsKey = 'grpc-status-details-bin';
const statusType = 'type.googleapis.com/k8s.io.apimachinery.pkg.apis.meta.v1.Status';
/** HTTP/2 peers refuse header blocks of more than 8 to 16 KiB: beyond this the causes are cut, never the error. */
const maxDetailBytes = 6_144;

const codes: Readonly<Record<ErrorReason, Code>> = {
  BadRequest: Code.INVALID_ARGUMENT, Invalid: Code.INVALID_ARGUMENT, NotAcceptable: Code.INVALID_ARGUMENT, UnsupportedMediaType: Code.INVALID_ARGUMENT,
  Unauthorized: Code.UNAUTHENTICATED, Forbidden: Code.PERMISSION_DENIED, NotFound: Code.NOT_FOUND, MethodNotAllowed: Code.UNIMPLEMENTED,
  AlreadyExists: Code.ALREADY_EXISTS, Conflict: Code.ABORTED, Gone: Code.OUT_OF_RANGE, Expired: Code.OUT_OF_RANGE,
  RequestEntityTooLarge: Code.RESOURCE_EXHAUSTED, TooManyRequests: Code.RESOURCE_EXHAUSTED, Timeout: Code.DEADLINE_EXCEEDED,
  ServerTimeout: Code.UNAVAILABLE, Unavailable: Code.UNAVAILABLE, Canceled: Code.CANCELLED, Internal: Code.INTERNAL,
};

const reasons: Readonly<Partial<Record<Code, ErrorReason>>> = {
  [Code.INVALID_ARGUMENT]: 'BadRequest', [Code.UNAUTHENTICATED]: 'Unauthorized', [Code.PERMISSION_DENIED]: 'Forbidden', [Code.NOT_FOUND]: 'NotFound',
  [Code.UNIMPLEMENTED]: 'MethodNotAllowed', [Code.ALREADY_EXISTS]: 'AlreadyExists', [Code.ABORTED]: 'Conflict', [Code.FAILED_PRECONDITION]: 'Conflict',
  [Code.OUT_OF_RANGE]: 'Expired', [Code.RESOURCE_EXHAUSTED]: 'TooManyRequests', [Code.DEADLINE_EXCEEDED]: 'Timeout', [Code.UNAVAILABLE]: 'Unavailable',
  [Code.CANCELLED]: 'Canceled',
};

/** How a call failed, as grpc-js takes and gives it. */
export interface GrpcFailure {
  readonly code: Code;
  readonly details: string;
  readonly metadata: Metadata;
}

/**
 * A thrown thing as gRPC status: the reason's code, with Kubernetes' Status as detail. What is not an ApiError becomes an
 * opaque INTERNAL: `report` gets it and answers the id under which it was logged.
 */
export function toGrpcError(thrown: unknown, report: (thrown: unknown) => string): GrpcFailure {
  const error = isApiError(thrown) ? thrown : new ApiError('Internal', `internal error (${report(thrown)})`, {}, { cause: thrown });
  const code = codes[error.reason];
  const metadata = new Metadata();
  metadata.set(detailsKey, Buffer.from(encodeDetails(code, error)));
  return { code, details: error.message.slice(0, 1024), metadata };
}

/** The ApiError behind a failed call, whoever the server is: details if there are any, else by the code. */
export function fromGrpcError(thrown: unknown): ApiError {
  if (isApiError(thrown)) return thrown;
  const failure = thrown as Partial<StatusObject> & { readonly message?: string };
  const detail = failure.metadata?.get(detailsKey)[0];
  const status = detail instanceof Uint8Array ? decodeDetails(detail) : undefined;
  if (status) return errorOfStatus(status, thrown);
  const message = failure.details || failure.message || String(thrown);
  return new ApiError(reasonOfCode(failure.code, message), message, {}, { cause: thrown });
}

function reasonOfCode(code: Code | undefined, message: string): ErrorReason {
  // grpc-js refuses a message above the limit with the same code as an overloaded server.
  if (code === Code.RESOURCE_EXHAUSTED && /larger than/.test(message)) return 'RequestEntityTooLarge';
  return (code !== undefined && reasons[code]) || 'Internal';
}

function encodeDetails(code: Code, error: ApiError): Uint8Array {
  const full = encodeStatus(code, error);
  if (full.length <= maxDetailBytes) return full;
  const { causes = [], ...given } = error.details;
  const rest = { ...given, ...(given.name !== undefined && { name: given.name.slice(0, 253) }) };
  let kept = causes.slice(0, 20).map((cause) => ({ ...cause, message: cause.message.slice(0, 120), field: cause.field.slice(0, 120) }));
  const shorten = (): Uint8Array => encodeStatus(code, new ApiError(error.reason, error.message.slice(0, 512), { ...rest, causes: kept }));
  let bytes = shorten();
  while (bytes.length > maxDetailBytes && kept.length > 0) {
    kept = kept.slice(0, Math.floor(kept.length / 2));
    bytes = shorten();
  }
  return bytes;
}

function encodeStatus(code: Code, error: ApiError): Uint8Array {
  const value = Buffer.from(Status.encode(statusOfError(error)).finish());
  return RpcStatus.encode({ code, message: error.message, details: [{ typeUrl: statusType, value }] }).finish();
}

function decodeDetails(bytes: Uint8Array): Status | undefined {
  try {
    const detail = RpcStatus.decode(bytes).details?.find(({ typeUrl }) => typeUrl === statusType);
    return detail && Status.decode(detail.value ?? new Uint8Array());
  } catch {
    // Another implementation's detail, or a mangled one: the code still says what happened.
    return undefined;
  }
}
