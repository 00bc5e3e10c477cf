import { ApiError, backoffDelayMs, sleep, type Clock, type Logger, type Random } from '@navarch/base';

import type { LogStream } from './log-stream';
import type { CallOptions } from './object-log';

export interface LogLimits {
  /** The longest any call may take; the stream's duplicate window and the grace period of compaction are longer. */
  readonly maxTimeoutMs: number;
  readonly defaultTimeoutMs: number;
  /** How long one attempt waits for its acknowledgement before the same message is sent again. */
  readonly attemptTimeoutMs: number;
  readonly graceMs: number;
  /** Messages a reader may lie behind before it is cut off and resumes from where it stands. */
  readonly readerBacklog: number;
}

/** What the parts of one log instance share. */
export interface LogContext {
  readonly stream: LogStream;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly prefix: string;
  readonly limits: LogLimits;
  readonly guard: SequenceGuard;
}

/** Subjects of the log's own records; '_sys' is no token that a key can have. */
export const barrierSubject = (prefix: string): string => `${prefix}._sys.barrier`;
export const epochSubject = (prefix: string): string => `${prefix}._sys.epoch`;
export const floorSubject = (prefix: string): string => `${prefix}._sys.floor`;
export const liveSubject = (prefix: string, generation: string, chunk: number): string => `${prefix}._sys.live.${generation}.${chunk}`;

/**
 * Knows the highest sequence this instance has seen, and ends everything once the log shows a lower end: its tail was
 * lost or it was made anew, and versions that clients hold would be given out a second time.
 */
export class SequenceGuard {
  /** Whether the log's epoch is known to be written: true, or while it is being looked up. See `beginHistory`. */
  historyBegun: true | Promise<void> | undefined;
  private readonly controller = new AbortController();
  private highestSeen = 0;

  get highest(): number {
    return this.highestSeen;
  }

  /** Aborts with the ApiError that ended this instance. */
  get ended(): AbortSignal {
    return this.controller.signal;
  }

  observe(sequence: number): void {
    if (sequence > this.highestSeen) this.highestSeen = sequence;
  }

  /** A message stored after `highestBefore` was seen must lie above it. */
  stored(sequence: number, highestBefore: number): void {
    if (sequence <= highestBefore) this.refuse(`a new message got sequence ${sequence}, and ${highestBefore} has been seen`);
    this.observe(sequence);
  }

  refuse(what: string): never {
    throw this.end(new ApiError('Unavailable', `the log lost part of its history: ${what}. Restore it with its sequence advanced past the old end; until then this process does not serve`));
  }

  end(error: ApiError): ApiError {
    if (!this.controller.signal.aborted) this.controller.abort(error);
    return this.controller.signal.reason as ApiError;
  }

  check(): void {
    if (this.controller.signal.aborted) throw this.controller.signal.reason as ApiError;
  }
}

export function timeoutOf(options: CallOptions | undefined, limits: LogLimits): number {
  return Math.max(0, Math.min(options?.timeoutMs ?? limits.defaultTimeoutMs, limits.maxTimeoutMs));
}

/** Waits before try `failures` + 1, at most `atMostMs`; wakes up early, without throwing, when the signal aborts. */
export async function backOff(context: LogContext, failures: number, atMostMs: number, signal?: AbortSignal): Promise<void> {
  const delayMs = backoffDelayMs(failures, { initialMs: 20, maxMs: 500, jitter: 0.5 }, context.random);
  await sleep(context.clock, Math.min(delayMs, Math.max(0, atMostMs)), signal).catch(() => undefined);
}

/** The promise, or the signal's reason as soon as it aborts; leaves no listener behind. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
