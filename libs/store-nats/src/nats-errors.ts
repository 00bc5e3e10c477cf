import { ApiError, isApiError, toError } from '@navarch/base';
import type { StreamAck } from '@navarch/store';
import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';

/** JetStream's error codes (nats-server's errors.json) that mean something of their own here. */
const codes = { wrongLastSequence: 10071, wrongLastSequenceUnknown: 10164, messageTooLarge: 10054, noPeersNow: 10005 } as const;

/** What NATS threw, as what a caller of the log can act on. */
export function toApiError(thrown: unknown, doing: string): ApiError {
  if (isApiError(thrown)) return thrown;
  const error = toError(thrown);
  const message = `${doing}: ${error.message}`;
  if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) return new ApiError('Unauthorized', message, {}, { cause: error });
  if (error instanceof errors.PermissionViolationError) return new ApiError('Forbidden', message, {}, { cause: error });
  if (error instanceof JetStreamApiError && error.status < 500 && error.status !== 404 && error.code !== codes.noPeersNow) return new ApiError('Internal', message, {}, { cause: error });
  return new ApiError('Unavailable', message, { retryAfterSeconds: 1 }, { cause: error });
}

/** Retrying to connect does not mend a refused login or a certificate that is not trusted. */
export function isPermanentConnectError(error: unknown): boolean {
  if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) return true;
  // Node's own errors may come from another realm, where instanceof Error says no.
  for (let cause = error as ErrorLike | undefined; cause; cause = cause.cause as ErrorLike | undefined) {
    if (/certificate|self.signed|tls|ssl|SIGNATURE/i.test(`${cause.code ?? ''} ${cause.message ?? ''}`)) return true;
  }
  return false;
}

interface ErrorLike {
  readonly code?: string;
  readonly message?: string;
  readonly cause?: unknown;
}

export function isTimeout(error: unknown): boolean {
  return error instanceof errors.TimeoutError;
}

export function isTooLarge(error: unknown): boolean {
  return error instanceof errors.InvalidArgumentError && /max_payload/.test(error.message);
}

export function tooLarge(cause?: unknown): ApiError {
  return new ApiError('RequestEntityTooLarge', 'the object is larger than NATS takes in one message (max_payload)', {}, { cause });
}

interface PubAckBody {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
}

/** JetStream's answer to a publish. Throws what no repetition can mend. */
export function ackOf(body: string): StreamAck {
  const { seq, duplicate, error } = JSON.parse(body) as PubAckBody;
  if (!error) return seq === undefined ? { outcome: 'unknown', error: new Error(`not an acknowledgement: ${body}`) } : { outcome: 'stored', sequence: seq, duplicate: duplicate ?? false };
  if (error.err_code === codes.wrongLastSequence || error.err_code === codes.wrongLastSequenceUnknown) {
    const last = /wrong last sequence: (\d+)/.exec(error.description)?.[1];
    return { outcome: 'conflict', ...(last !== undefined && { lastSequence: Number(last) }) };
  }
  if (error.err_code === codes.messageTooLarge) throw tooLarge(new Error(error.description));
  if (error.code >= 500) return { outcome: 'unknown', error: new Error(error.description) };
  throw new ApiError('Internal', `JetStream refused the write: ${error.description}`);
}
