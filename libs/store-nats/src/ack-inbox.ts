import type { CancelTimer, Clock } from '@navarch/base';
import type { StreamAck, StreamWrite } from '@navarch/store';
import { createInbox, MsgHdrsImpl, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';

import { ackOf, isTooLarge, toApiError, tooLarge } from './nats-errors';

interface Pending {
  readonly deadlineMs: number;
  readonly resolve: (ack: StreamAck) => void;
  readonly reject: (error: unknown) => void;
}

const sweepMs = 25;

/** Publishes many messages at a time over one connection and matches JetStream's answers to them: one subscription, one timer for all. */
export class AckInbox {
  private readonly prefix = `${createInbox()}.`;
  private readonly pending = new Map<string, Pending>();
  private readonly subscription: Subscription;
  private connected = true;
  private closed = false;
  private counter = 0;
  private cancelSweep: CancelTimer | undefined;

  constructor(private readonly connection: NatsConnection, private readonly clock: Clock) {
    this.subscription = connection.subscribe(`${this.prefix}*`, { callback: (error, message) => { if (!error) this.onAnswer(message); } });
  }

  publish(write: StreamWrite, timeoutMs: number): Promise<StreamAck> {
    if (!this.connected || this.closed) return Promise.resolve({ outcome: 'refused', error: new Error('there is no connection to NATS') });
    const token = (this.counter++).toString(36);
    return new Promise((resolve, reject) => {
      try {
        this.connection.publish(write.subject, write.body, { headers: MsgHdrsImpl.fromRecord(headersOf(write)), reply: this.prefix + token });
      } catch (error) {
        if (isTooLarge(error)) reject(tooLarge(error));
        else resolve({ outcome: 'refused', error: toApiError(error, 'publishing') });
        return;
      }
      this.pending.set(token, { deadlineMs: this.clock.monotonic() + timeoutMs, resolve, reject });
      this.cancelSweep ??= this.clock.setTimer(sweepMs, () => this.sweep());
    });
  }

  /** What was sent before the connection went may have arrived. */
  onConnection(connected: boolean): void {
    this.connected = connected;
    if (!connected) this.endAll('the connection to NATS was lost');
  }

  close(): void {
    this.closed = true;
    if (!this.connection.isClosed()) this.subscription.unsubscribe();
    this.cancelSweep?.();
    this.endAll('the log was closed');
  }

  private onAnswer(message: Msg): void {
    const token = message.subject.slice(this.prefix.length);
    const pending = this.pending.get(token);
    if (!pending) return;
    this.pending.delete(token);
    if (message.data.length === 0) {
      pending.resolve({ outcome: 'refused', error: new Error(message.headers?.code === 503 ? 'JetStream does not take messages for this stream now' : 'JetStream gave an empty answer') });
      return;
    }
    try {
      pending.resolve(ackOf(message.string()));
    } catch (error) {
      pending.reject(error);
    }
  }

  private sweep(): void {
    const nowMs = this.clock.monotonic();
    for (const [token, { deadlineMs, resolve }] of this.pending) {
      if (deadlineMs > nowMs) continue;
      this.pending.delete(token);
      resolve({ outcome: 'unknown', error: new Error('no acknowledgement in time') });
    }
    this.cancelSweep = this.pending.size > 0 ? this.clock.setTimer(sweepMs, () => this.sweep()) : undefined;
  }

  private endAll(why: string): void {
    const ended = [...this.pending.values()];
    this.pending.clear();
    for (const { resolve } of ended) resolve({ outcome: 'unknown', error: new Error(why) });
  }
}

function headersOf({ headers, messageId, expectedSequence }: StreamWrite): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const name in headers) all[name] = [headers[name] as string];
  if (messageId !== undefined) all['Nats-Msg-Id'] = [messageId];
  if (expectedSequence !== undefined) all['Nats-Expected-Last-Subject-Sequence'] = [String(expectedSequence)];
  return all;
}
