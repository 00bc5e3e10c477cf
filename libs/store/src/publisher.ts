import { ApiError, assertNever, deferred, hasReason, toError, type Deferred } from '@navarch/base';

import { abortable, backOff, timeoutOf, type LogContext } from './context';
import { beginHistory } from './epoch';
import type { StreamWrite } from './log-stream';
import { encodeWrite, headerNames, isTombstone } from './message';
import type { CallOptions, LogWrite, PublishResult } from './object-log';
import { subjectOf } from './subject';

/** One publish under way. `unsure` once an attempt may have landed without anyone having said so. */
interface Attempt {
  message: StreamWrite;
  unsure: boolean;
  failures: number;
  lastError: Error | undefined;
}

type Verdict = PublishResult | { readonly outcome: 'again' } | { readonly outcome: 'expect'; readonly sequence: number };

/**
 * Writes once. The same message id and expectation go out again until the stream acknowledges, knows the id, or reports a
 * conflict; then the first message of the subject after the expected sequence tells whose write it was.
 */
export class Publisher {
  private underWay = 0;
  private settled: Deferred<void> | undefined;

  constructor(private readonly context: LogContext) {}

  async publish(write: LogWrite, options?: CallOptions): Promise<PublishResult> {
    return this.commit(encodeWrite(write, subjectOf(write.key, this.context.prefix)), write.verb === 'create', options);
  }

  /** `overTombstone`: an unexpected tombstone, or none where one was expected, is no conflict. */
  async commit(message: StreamWrite, overTombstone: boolean, options?: CallOptions): Promise<PublishResult> {
    const attempt: Attempt = { message, unsure: false, failures: 0, lastError: undefined };
    this.underWay++;
    try {
      return await this.repeat(attempt, overTombstone, options);
    } catch (error) {
      throw attempt.unsure ? unknownOutcome(attempt, error) : error;
    } finally {
      if (--this.underWay === 0) {
        this.settled?.resolve();
        this.settled = undefined;
      }
    }
  }

  settle(options?: CallOptions): Promise<void> {
    if (this.underWay === 0) return Promise.resolve();
    this.settled ??= deferred<void>();
    return abortable(this.settled.promise, options?.signal);
  }

  private async repeat(attempt: Attempt, overTombstone: boolean, options: CallOptions | undefined): Promise<PublishResult> {
    const { clock, guard, limits } = this.context;
    const deadlineMs = clock.monotonic() + timeoutOf(options, limits);
    for (;;) {
      guard.check();
      if (options?.signal?.aborted) throw canceled(options.signal);
      const remainingMs = deadlineMs - clock.monotonic();
      if (remainingMs <= 0) throw tooLate(attempt);
      const verdict = await this.once(attempt, overTombstone, Math.min(remainingMs, limits.attemptTimeoutMs), options?.signal);
      if (verdict.outcome === 'committed' || verdict.outcome === 'conflict') return verdict;
      if (verdict.outcome === 'expect') {
        // What was expected before can no longer be, so no earlier attempt has landed or ever will.
        attempt.message = { ...attempt.message, expectedSequence: verdict.sequence };
        attempt.unsure = false;
      } else await backOff(this.context, ++attempt.failures, deadlineMs - clock.monotonic(), options?.signal);
    }
  }

  private async once(attempt: Attempt, overTombstone: boolean, timeoutMs: number, signal: AbortSignal | undefined): Promise<Verdict> {
    const { guard, stream } = this.context;
    const beginning = beginHistory(this.context);
    if (beginning) {
      const failure = await abortable(beginning, signal).then(() => undefined, toError);
      if (failure) {
        attempt.lastError = failure;
        return { outcome: 'again' };
      }
    }
    const highestBefore = guard.highest;
    const wasUnsure = attempt.unsure;
    attempt.unsure = true;
    const ack = await abortable(stream.publish(attempt.message, timeoutMs), signal).catch((error: unknown) => {
      if (!signal?.aborted) attempt.unsure = wasUnsure;
      throw signal?.aborted ? canceled(signal) : error;
    });
    switch (ack.outcome) {
      case 'stored':
        if (ack.duplicate) guard.observe(ack.sequence);
        else guard.stored(ack.sequence, highestBefore);
        return { outcome: 'committed', sequence: ack.sequence };
      case 'unknown':
        attempt.lastError = ack.error;
        return { outcome: 'again' };
      case 'refused':
        attempt.unsure = wasUnsure;
        attempt.lastError = ack.error;
        return { outcome: 'again' };
      case 'conflict':
        attempt.unsure = wasUnsure;
        if (!wasUnsure && !overTombstone) return conflict(ack.lastSequence);
        return abortable(this.judge(attempt, overTombstone, ack.lastSequence), signal).catch((error: unknown) => {
          attempt.lastError = toError(error);
          return { outcome: 'again' } as const;
        });
      default:
        return assertNever(ack);
    }
  }

  /** Whose is the first message after the expected sequence? What a look-up does not find, it may merely not have yet. */
  private async judge(attempt: Attempt, overTombstone: boolean, lastSequence: number | undefined): Promise<Verdict> {
    const { stream } = this.context;
    const { subject, messageId, expectedSequence = 0 } = attempt.message;
    const first = await stream.firstFrom(subject, expectedSequence + 1);
    if (first && first.header(headerNames.messageId) === messageId) return { outcome: 'committed', sequence: first.sequence };
    if (!overTombstone) return first || (lastSequence !== undefined && lastSequence <= expectedSequence) ? conflict(lastSequence ?? first?.sequence) : { outcome: 'again' };
    const last = await stream.lastOf(subject);
    if (last && (lastSequence === undefined || last.sequence >= lastSequence)) {
      return isTombstone(last) && last.sequence !== expectedSequence ? { outcome: 'expect', sequence: last.sequence } : conflict(last.sequence);
    }
    return !last && lastSequence === 0 && expectedSequence !== 0 ? { outcome: 'expect', sequence: 0 } : { outcome: 'again' };
  }
}

function conflict(currentSequence: number | undefined): PublishResult {
  return { outcome: 'conflict', ...(currentSequence !== undefined && { currentSequence }) };
}

function unknownOutcome(attempt: Attempt, error: unknown): ApiError {
  const why = attempt.lastError?.message ?? toError(error).message;
  return new ApiError('Timeout', `the outcome of the write to ${attempt.message.subject} is unknown: it may or may not have been stored (${why})`, {}, { cause: error });
}

function tooLate(attempt: Attempt): ApiError {
  return new ApiError('Unavailable', `the write to ${attempt.message.subject} was not stored in time (${attempt.lastError?.message ?? 'no attempt was possible'})`, { retryAfterSeconds: 1 }, { cause: attempt.lastError });
}

function canceled(signal: AbortSignal): ApiError {
  const reason: unknown = signal.reason;
  return hasReason(reason, 'Timeout', 'Canceled') ? reason : new ApiError('Canceled', 'the write was given up by its caller before it was stored', {}, { cause: reason });
}
