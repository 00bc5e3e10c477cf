import { toError, type CancelTimer, type Clock } from '@navarch/base';
import type { FollowOptions, StreamReader } from '@navarch/store';
import { AckPolicy, DeliverPolicy, ReplayPolicy, type ConsumerConfig, type JetStreamManager } from '@nats-io/jetstream';
import { createInbox, nuid, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';

import { NatsMessage } from './nats-message';

const heartbeatMs = 1_000;
const nanosPerMs = 1_000_000;

/**
 * One ephemeral push consumer. Stream sequences may jump; consumer sequences may not: a jump there, missing heartbeats or a lost connection end
 * the reader, and whoever owns it begins anew from where it stood.
 */
export class OrderedReader {
  private readonly name = `navarch-${nuid.next()}`;
  private readonly inbox = createInbox();
  private subscription: Subscription | undefined;
  private cancelWatch: CancelTimer | undefined;
  private consumerSequence = 0;
  private lastHeardMs = 0;
  private ended = false;

  constructor(
    private readonly connection: NatsConnection, private readonly manager: JetStreamManager, private readonly stream: string,
    private readonly clock: Clock, private readonly reader: StreamReader, private readonly onEnded: (reader: OrderedReader) => void,
  ) {}

  async open(options: FollowOptions): Promise<void> {
    this.subscription = this.connection.subscribe(this.inbox, { callback: (error, message) => { if (error) this.end(toError(error)); else this.onMessage(message); } });
    this.heard();
    await this.manager.consumers.add(this.stream, this.configOf(options));
    this.heard();
    this.watch();
  }

  stop(): void {
    if (this.ended) return;
    this.ended = true;
    this.cancelWatch?.();
    this.onEnded(this);
    if (this.connection.isClosed()) return;
    this.subscription?.unsubscribe();
    // The server removes it by itself once nobody listens; asking only makes it sooner.
    void this.manager.consumers.delete(this.stream, this.name).catch(() => undefined);
  }

  end(error: Error): void {
    if (this.ended) return;
    this.stop();
    this.reader.onEnd(error);
  }

  private configOf({ start, headersOnly }: FollowOptions): Partial<ConsumerConfig> {
    return {
      name: this.name, deliver_subject: this.inbox, ack_policy: AckPolicy.None, max_deliver: 1, replay_policy: ReplayPolicy.Instant,
      flow_control: true, idle_heartbeat: heartbeatMs * nanosPerMs, inactive_threshold: 5_000 * nanosPerMs, mem_storage: true, num_replicas: 1,
      ...(headersOnly && { headers_only: true }),
      ...(start === 'last-per-subject'
        ? { deliver_policy: DeliverPolicy.LastPerSubject, filter_subject: '>' }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, start) }),
    };
  }

  private onMessage(message: Msg): void {
    if (this.ended) return;
    this.heard();
    if (!message.reply?.startsWith('$JS.ACK.')) {
      this.onControl(message);
      return;
    }
    const place = placeOf(message.reply);
    if (place.consumerSequence !== this.consumerSequence + 1) {
      this.end(new Error(`a gap in delivery: ${this.consumerSequence} was followed by ${place.consumerSequence}`));
      return;
    }
    this.consumerSequence = place.consumerSequence;
    this.reader.onMessage(new NatsMessage(message, place.sequence, place.timeMs));
  }

  /** Heartbeats and flow control (ADR-15 of NATS). A heartbeat says what has been sent. */
  private onControl(message: Msg): void {
    const { headers } = message;
    if (headers?.code !== 100) {
      if (headers && headers.code >= 400) this.end(new Error(`the consumer was ended: ${headers.status}`));
      return;
    }
    const stalled = headers.get('Nats-Consumer-Stalled');
    const answer = message.reply || stalled;
    if (answer) this.connection.publish(answer);
    const sent = headers.get('Nats-Last-Consumer');
    if (sent && Number(sent) !== this.consumerSequence) this.end(new Error(`a gap in delivery: ${sent} were sent and ${this.consumerSequence} came`));
  }

  private heard(): void {
    this.lastHeardMs = this.clock.monotonic();
  }

  private watch(): void {
    if (this.ended) return;
    this.cancelWatch = this.clock.setTimer(heartbeatMs, () => {
      if (this.clock.monotonic() - this.lastHeardMs > 3 * heartbeatMs) this.end(new Error('no heartbeat from JetStream'));
      else this.watch();
    });
  }
}

/** `$JS.ACK.[domain.account.]stream.consumer.delivered.streamSequence.consumerSequence.nanoseconds.pending[.random]` */
function placeOf(reply: string): { sequence: number; consumerSequence: number; timeMs: number } {
  const tokens = reply.split('.');
  const at = tokens.length > 9 ? 7 : 5;
  return { sequence: Number(tokens[at]), consumerSequence: Number(tokens[at + 1]), timeMs: Math.floor(Number(tokens[at + 2]) / nanosPerMs) };
}
