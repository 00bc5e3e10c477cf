/** Why a request failed: Kubernetes' status reasons, closed. */
export type ErrorReason =
  | 'BadRequest' | 'Unauthorized' | 'Forbidden' | 'NotFound' | 'MethodNotAllowed' | 'NotAcceptable' | 'AlreadyExists'
  | 'Conflict' | 'Gone' | 'Expired' | 'Invalid' | 'UnsupportedMediaType' | 'RequestEntityTooLarge' | 'TooManyRequests'
  | 'Timeout' | 'ServerTimeout' | 'Unavailable' | 'Canceled' | 'Internal';

/** One cause of an Invalid error, as Kubernetes' StatusCause. */
export interface ErrorCause {
  /** FieldValueRequired, FieldValueInvalid, FieldValueNotSupported, FieldValueForbidden, FieldValueDuplicate, … */
  readonly reason: string;
  readonly field: string;
  readonly message: string;
}

export interface ErrorDetails {
  readonly group?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly causes?: readonly ErrorCause[];
  /** Set where trying again later makes sense. */
  readonly retryAfterSeconds?: number;
}

const httpCodes: Readonly<Record<ErrorReason, number>> = {
  BadRequest: 400, Unauthorized: 401, Forbidden: 403, NotFound: 404, MethodNotAllowed: 405, NotAcceptable: 406,
  AlreadyExists: 409, Conflict: 409, Gone: 410, Expired: 410, RequestEntityTooLarge: 413, UnsupportedMediaType: 415,
  Invalid: 422, TooManyRequests: 429, Canceled: 499, Internal: 500, Unavailable: 503, Timeout: 504, ServerTimeout: 504,
};

const brand = Symbol.for('navarch.ApiError');

/** A failure that a caller can act on. Ask for its reason with `hasReason`, never with instanceof. */
export class ApiError extends Error {
  readonly [brand] = true;

  constructor(readonly reason: ErrorReason, message: string, readonly details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ApiError';
  }

  /** The HTTP status that Kubernetes uses for this reason. */
  get code(): number {
    return httpCodes[this.reason];
  }
}

export function isApiError(error: unknown): error is ApiError {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true;
}

export function hasReason(error: unknown, ...reasons: readonly ErrorReason[]): error is ApiError {
  return isApiError(error) && reasons.includes(error.reason);
}

export const isNotFound = (error: unknown): boolean => hasReason(error, 'NotFound');
export const isConflict = (error: unknown): boolean => hasReason(error, 'Conflict');
export const isAlreadyExists = (error: unknown): boolean => hasReason(error, 'AlreadyExists');
export const isExpired = (error: unknown): boolean => hasReason(error, 'Expired', 'Gone');

/** The thrown thing as an Error, whatever it was. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

export function assertNever(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
