import { sleep, type Clock, type Random } from '@navarch/base';

import { PositionLost, type FollowOptions, type LogStream, type StreamAck, type StreamMessage, type StreamReader, type StreamWrite } from './log-stream';

/** Chances (0 … 1) are per message. All are 0 unless told; they may be changed while the stream is in use. */
export interface Faults {
  /** The message never arrives. */
  lostWrites?: number;
  /** The message is stored, and nobody hears of it. */
  lostAcks?: number;
  /** Nobody hears of the message in time, and then it is stored. */
  lateWrites?: number;
  /** The stream says that it cannot take the message now. */
  refusedWrites?: number;
  /** A reader gets each message this much later at most, milliseconds; order stays. */
  deliveryDelayMs?: number;
  /** A message ends its reader, which has to resume. */
  disconnects?: number;
  /** A message ends its reader, which has to load anew. */
  resets?: number;
}

export interface FaultyStream extends LogStream {
  readonly faults: Faults;
  /** Ends all readers now. */
  disconnect(): void;
  /** The process is gone: calls under way stay unanswered and may have landed, nothing is delivered any more. */
  crash(): void;
}

/** A stream that loses, delays and breaks by chance, the same way for the same seed. Nothing it does breaks a stream's promises. */
export function withFaults(stream: LogStream, options: { readonly clock: Clock; readonly random: Random; readonly faults?: Faults }): FaultyStream {
  return new Faulty(stream, options.clock, options.random, { ...options.faults });
}

class Faulty implements FaultyStream {
  private readonly readers = new Set<{ end(error: Error): void }>();
  private crashed = false;

  constructor(private readonly inner: LogStream, private readonly clock: Clock, private readonly random: Random, readonly faults: Faults) {}

  async publish(write: StreamWrite, timeoutMs: number): Promise<StreamAck> {
    if (this.crashed) return this.unanswered(timeoutMs);
    if (this.strikes(this.faults.refusedWrites)) return { outcome: 'refused', error: new Error('fault: refused') };
    if (this.strikes(this.faults.lostWrites)) return this.unanswered(timeoutMs);
    if (this.strikes(this.faults.lateWrites)) return this.storedLate(write, timeoutMs);
    const ack = await this.inner.publish(write, timeoutMs);
    return this.crashed || this.strikes(this.faults.lostAcks) ? this.unanswered(timeoutMs) : ack;
  }

  async follow(options: FollowOptions, reader: StreamReader): Promise<{ stop(): void }> {
    if (this.crashed) throw new Error('fault: crashed');
    const delivery = new Delivery(this.clock, reader, () => this.readers.delete(delivery));
    this.readers.add(delivery);
    const subscription = await this.inner.follow(options, {
      onMessage: (message) => {
        if (this.strikes(this.faults.disconnects)) delivery.end(new Error('fault: disconnected'));
        else if (this.strikes(this.faults.resets)) delivery.end(new PositionLost('fault: position lost'));
        else delivery.deliver(message, (this.faults.deliveryDelayMs ?? 0) * (this.faults.deliveryDelayMs ? this.random.next() : 0));
      },
      onEnd: (error) => delivery.end(error),
    });
    delivery.onStop(() => subscription.stop());
    return { stop: () => delivery.stop() };
  }

  firstFrom(subject: string, sequence: number): Promise<StreamMessage | undefined> {
    return this.inner.firstFrom(subject, sequence);
  }

  lastOf(subject: string): Promise<StreamMessage | undefined> {
    return this.inner.lastOf(subject);
  }

  purge(subject: string, belowSequence: number): Promise<void> {
    return this.inner.purge(subject, belowSequence);
  }

  disconnect(): void {
    for (const reader of [...this.readers]) reader.end(new Error('fault: disconnected'));
  }

  crash(): void {
    this.crashed = true;
    this.disconnect();
  }

  async close(): Promise<void> {
    this.disconnect();
  }

  private strikes(chance: number | undefined): boolean {
    return chance !== undefined && chance > 0 && this.random.next() < chance;
  }

  private async unanswered(timeoutMs: number): Promise<StreamAck> {
    await sleep(this.clock, timeoutMs);
    return { outcome: 'unknown', error: new Error('fault: no acknowledgement') };
  }

  private async storedLate(write: StreamWrite, timeoutMs: number): Promise<StreamAck> {
    this.clock.setTimer(timeoutMs * (1 + this.random.next()), () => void this.inner.publish(write, timeoutMs).catch(() => undefined));
    return this.unanswered(timeoutMs);
  }
}

/** Hands messages to a reader in order, each no earlier than its delay and never before the one before it. */
class Delivery {
  private release: (() => void) | undefined;
  private ended = false;
  private dueMs = 0;

  constructor(private readonly clock: Clock, private readonly reader: StreamReader, private readonly onEnded: () => void) {}

  /** What to release at the end; at once where the reader ended during its opening. */
  onStop(release: () => void): void {
    if (this.ended) release();
    else this.release = release;
  }

  deliver(message: StreamMessage, delayMs: number): void {
    if (this.ended) return;
    const nowMs = this.clock.monotonic();
    this.dueMs = Math.max(this.dueMs, nowMs + delayMs);
    if (this.dueMs <= nowMs) this.reader.onMessage(message);
    else this.clock.setTimer(this.dueMs - nowMs, () => { if (!this.ended) this.reader.onMessage(message); });
  }

  end(error: Error): void {
    if (this.ended) return;
    this.stop();
    this.reader.onEnd(error);
  }

  stop(): void {
    this.ended = true;
    this.onEnded();
    this.release?.();
  }
}
