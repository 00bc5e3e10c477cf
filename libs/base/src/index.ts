/**
 * What every other part stands on: time, chance, errors and small async tools. It depends on nothing, and nothing in it
 * but system-clock.ts and system-random.ts touches the machine.
 */
export { sleep, deadlineSignal, type Clock, type CancelTimer } from './clock';
export { systemClock } from './system-clock';
export { VirtualClock } from './virtual-clock';
export { randomInt, randomUuid, randomNameSuffix, seededRandom, type Random } from './random';
export { systemRandom } from './system-random';
export {
  ApiError, assertNever, hasReason, isAlreadyExists, isApiError, isConflict, isExpired, isNotFound, toError,
  type ErrorCause, type ErrorDetails, type ErrorReason,
} from './api-error';
export { silentLogger, type LogFields, type Logger } from './logger';
export { traceIdOf, type TraceHeaders } from './trace-context';
export { deferred, type Deferred } from './deferred';
export { inParallel } from './in-parallel';
export { BoundedQueue } from './bounded-queue';
export { backoffDelayMs, type BackoffOptions } from './backoff';
