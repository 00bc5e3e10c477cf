import { ApiError, deadlineSignal, toError } from '@navarch/base';

import { abortable, backOff, barrierSubject, timeoutOf, type LogContext } from './context';
import { beginHistory } from './epoch';
import type { StreamAck } from './log-stream';
import type { CallOptions } from './object-log';

const nothing = new Uint8Array(0);

/**
 * An empty message in the same stream: whatever was acknowledged before it was sent lies below it. All callers that come
 * while one is under way share the next one.
 */
export class Barrier {
  private running: Promise<unknown> = Promise.resolve();
  private next: Promise<number> | undefined;

  constructor(private readonly context: LogContext) {}

  async wait(options?: CallOptions): Promise<number> {
    const { clock, limits, guard } = this.context;
    guard.check();
    const late = (): Error => new ApiError('Unavailable', 'the log did not answer in time, so that a current read is not possible', { retryAfterSeconds: 1 });
    const { signal, dispose } = deadlineSignal(clock, timeoutOf(options, limits), late, options?.signal);
    try {
      return await abortable(this.shared(), signal);
    } finally {
      dispose();
    }
  }

  private shared(): Promise<number> {
    if (this.next) return this.next;
    const next = this.running.then(() => {
      this.next = undefined;
      return this.send();
    });
    this.next = next;
    this.running = next.catch(() => undefined);
    return next;
  }

  private async send(): Promise<number> {
    const { clock, guard, limits } = this.context;
    const deadlineMs = clock.monotonic() + limits.maxTimeoutMs;
    for (let failures = 1; ; failures++) {
      guard.check();
      const ack = await this.once();
      if (ack.outcome === 'stored') {
        return ack.sequence;
      }
      if (clock.monotonic() >= deadlineMs) throw new ApiError('Unavailable', 'the log does not answer', { retryAfterSeconds: 1 }, { cause: ack.outcome === 'conflict' ? undefined : ack.error });
      await backOff(this.context, failures, deadlineMs - clock.monotonic(), guard.ended);
    }
  }

  private async once(): Promise<StreamAck> {
    const { guard, limits, prefix, stream } = this.context;
    try {
      await beginHistory(this.context);
    } catch (error) {
      return { outcome: 'refused', error: toError(error) };
    }
    const highestBefore = guard.highest;
    const ack = await stream.publish({ subject: barrierSubject(prefix), headers: {}, body: nothing }, limits.attemptTimeoutMs);
    if (ack.outcome === 'stored') guard.stored(ack.sequence, highestBefore);
    return ack;
  }
}
