import { ApiError, hasReason, toError } from '@navarch/base';

import type { Barrier } from './barrier';
import { decodeRecord, isSystemSubject } from './compaction-record';
import { abortable, backOff, floorSubject, type LogContext } from './context';
import { readEpoch, type Epoch } from './epoch';
import { Inbox } from './inbox';
import { PositionLost, type StreamMessage } from './log-stream';
import type { LogEvent } from './object-log';
import { buildSnapshot, entryOf } from './snapshot';

/** Where a reader stands, across its connections. */
interface Cursor {
  /** All up to here has been handed over; undefined: begin with a snapshot. */
  position: number | undefined;
  /** The message at `position`, to find it unchanged at the next connection. */
  anchor: StreamMessage | undefined;
  epoch: Epoch | undefined;
  /** Where the present connection began to read: floors at or below it took nothing from this reader. */
  connectedAt: number;
  failures: number;
  /** Loads or entries in a row that were not as written; the second one is believed. */
  doubts: number;
}

/**
 * Follows the log for one reader: connection after connection, each either a snapshot or a resumption, until its signal
 * aborts or the log is not what this reader has seen.
 */
export class LogReader {
  private readonly cursor: Cursor;

  constructor(private readonly context: LogContext, private readonly barrier: Barrier, position: number | undefined) {
    this.cursor = { position, anchor: undefined, epoch: undefined, connectedAt: 0, failures: 0, doubts: 0 };
  }

  async *run(signal: AbortSignal): AsyncGenerator<LogEvent, void, undefined> {
    const { guard, logger } = this.context;
    while (!signal.aborted) {
      guard.check();
      try {
        yield* this.connection(signal);
      } catch (error) {
        if (signal.aborted) return;
        guard.check();
        if (hasReason(error, 'Invalid') || (hasReason(error, 'Internal') && ++this.cursor.doubts > 1)) throw error;
        if (error instanceof PositionLost) this.cursor.position = undefined;
        const say = this.cursor.failures++ % 20 === 0 ? logger.warn : logger.debug;
        say.call(logger, 'log reader reconnects', { position: this.cursor.position, failures: this.cursor.failures, error: toError(error).message });
        await backOff(this.context, this.cursor.failures, Infinity, signal);
      }
    }
  }

  private async *connection(signal: AbortSignal): AsyncGenerator<LogEvent, void, undefined> {
    const { guard, limits, stream } = this.context;
    const inbox = new Inbox();
    const onAbort = (): void => inbox.fail(new Error('the reader was ended'));
    const ends = [signal, guard.ended];
    for (const end of ends) end.addEventListener('abort', onAbort, { once: true });
    let subscription: { stop(): void } | undefined;
    try {
      await abortable(this.checkEpoch(), signal);
      const start = this.cursor.position === undefined ? 'last-per-subject' : Math.max(1, this.cursor.position);
      subscription = await stream.follow({ start }, { onMessage: (message) => inbox.push(message), onEnd: (error) => inbox.fail(error) });
      const target = await this.proveCurrent(signal);
      const { caughtUp, rest } = await collect(inbox, target);
      inbox.bound(limits.readerBacklog);
      yield* this.cursor.position === undefined ? this.load(caughtUp, target) : this.resume(caughtUp);
      this.cursor.failures = 0;
      this.cursor.doubts = 0;
      for (let batch = rest; !signal.aborted; batch = await inbox.take()) {
        guard.check();
        for (const message of batch) for (const event of this.next(message)) yield event;
      }
    } finally {
      subscription?.stop();
      for (const end of ends) end.removeEventListener('abort', onAbort);
    }
  }

  /** Another history is taken up only where all its sequences lie above what this reader has seen. */
  private async checkEpoch(): Promise<void> {
    const { guard } = this.context;
    const seen = this.cursor.position ?? guard.highest;
    const epoch = await readEpoch(this.context);
    const before = this.cursor.epoch;
    if (before && before.id !== epoch.id) {
      if (epoch.sequence <= seen) guard.refuse(`it was made anew at sequence ${epoch.sequence}, and ${seen} has been seen`);
      this.cursor.position = undefined;
      this.cursor.anchor = undefined;
    }
    this.cursor.epoch = epoch;
  }

  /** The end of the log, after this connection began. (That it lies above all this instance has seen, the barrier checks.) */
  private async proveCurrent(signal: AbortSignal): Promise<number> {
    const target = await this.barrier.wait({ signal });
    const { position } = this.cursor;
    if (position !== undefined && target <= position) throw new ApiError('Invalid', `the position ${position} lies beyond the log's end at ${target}`);
    return target;
  }

  private *load(messages: readonly StreamMessage[], target: number): Generator<LogEvent> {
    const event = buildSnapshot(this.context, messages, target);
    this.moveTo(target, messages.at(-1));
    this.cursor.connectedAt = target;
    yield event;
    yield { type: 'progress', sequence: target };
  }

  private *resume(messages: readonly StreamMessage[]): Generator<LogEvent> {
    const { position = 0, anchor } = this.cursor;
    const first = messages[0];
    if (anchor && first?.sequence === anchor.sequence && (first.timeMs !== anchor.timeMs || first.subject !== anchor.subject)) {
      this.context.guard.refuse(`its message ${anchor.sequence} is not the one that was seen`);
    }
    for (const message of messages) {
      const belowFloor = message.subject === floorSubject(this.context.prefix) && decodeRecord(message).floor > position + 1;
      if (belowFloor && message.sequence > position) throw new PositionLost(`the position ${position} lies below the floor`);
    }
    this.cursor.connectedAt = position;
    for (const message of messages) yield* this.next(message);
  }

  private *next(message: StreamMessage): Generator<LogEvent> {
    const { position = 0 } = this.cursor;
    if (message.sequence <= position) return;
    const events = this.eventsOf(message);
    this.moveTo(message.sequence, message);
    yield* events;
  }

  private eventsOf(message: StreamMessage): LogEvent[] {
    const { clock, limits, prefix } = this.context;
    const progress: LogEvent = { type: 'progress', sequence: message.sequence };
    if (!isSystemSubject(prefix, message.subject)) return [{ type: 'entry', entry: entryOf(this.context, message) }];
    if (message.subject !== floorSubject(prefix)) return [progress];
    const { floor } = decodeRecord(message);
    // Within the grace period nothing was purged yet; a reader that comes later cannot know what it missed.
    const late = clock.now() - message.timeMs > limits.graceMs / 2;
    if (late && floor > this.cursor.connectedAt + 1) throw new PositionLost('the reader met a new floor too late');
    return [{ type: 'floor', sequence: floor }, progress];
  }

  private moveTo(sequence: number, message: StreamMessage | undefined): void {
    this.cursor.position = sequence;
    this.cursor.anchor = message?.sequence === sequence ? message : undefined;
    this.context.guard.observe(sequence);
  }
}

/** All messages up to `target`, in order and each once, and what came after. */
async function collect(inbox: Inbox, target: number): Promise<{ caughtUp: StreamMessage[]; rest: readonly StreamMessage[] }> {
  const caughtUp: StreamMessage[] = [];
  let last = -1;
  for (;;) {
    const batch = await inbox.take();
    for (const [index, message] of batch.entries()) {
      if (message.sequence > target) return { caughtUp, rest: batch.slice(index) };
      if (message.sequence > last) caughtUp.push(message);
      last = Math.max(last, message.sequence);
    }
    if (last >= target) return { caughtUp, rest: [] };
  }
}
