import type { Clock } from '@navarch/base';
import type { FollowOptions, LogStream, StreamAck, StreamMessage, StreamReader, StreamWrite } from '@navarch/store';
import { jetstreamManager, type JetStreamManager, type MsgRequest, type SeqMsgRequest, type StoredMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

import { AckInbox } from './ack-inbox';
import { toApiError } from './nats-errors';
import { OrderedReader } from './ordered-reader';
import { ensureStream, type StreamShape } from './stream-config';

export interface NatsStreamOptions extends StreamShape {
  readonly connection: NatsConnection;
  readonly clock: Clock;
}

/** Opens the JetStream stream that holds a log, and makes it where there is none. */
export async function openNatsStream(options: NatsStreamOptions): Promise<LogStream> {
  try {
    const manager = await jetstreamManager(options.connection, { checkAPI: false });
    await ensureStream(manager, options);
    return new NatsStream(options, manager);
  } catch (error) {
    throw toApiError(error, `opening the stream ${options.stream}`);
  }
}

class NatsStream implements LogStream {
  private readonly acks: AckInbox;
  private readonly readers = new Set<OrderedReader>();
  private closed = false;

  constructor(private readonly options: NatsStreamOptions, private readonly manager: JetStreamManager) {
    this.acks = new AckInbox(options.connection, options.clock);
    void this.followConnection();
  }

  publish(write: StreamWrite, timeoutMs: number): Promise<StreamAck> {
    return this.acks.publish(write, timeoutMs);
  }

  async follow(options: FollowOptions, reader: StreamReader): Promise<{ stop(): void }> {
    const { connection, stream, clock } = this.options;
    const ordered = new OrderedReader(connection, this.manager, stream, clock, reader, (ended) => this.readers.delete(ended));
    this.readers.add(ordered);
    try {
      await ordered.open(options);
      return ordered;
    } catch (error) {
      ordered.stop();
      throw toApiError(error, `reading the stream ${stream}`);
    }
  }

  firstFrom(subject: string, sequence: number): Promise<StreamMessage | undefined> {
    // The server has taken both together since 2.9; the client's types name them apart.
    const request: SeqMsgRequest & { next_by_subj: string } = { seq: sequence, next_by_subj: subject };
    return this.find(request);
  }

  lastOf(subject: string): Promise<StreamMessage | undefined> {
    return this.find({ last_by_subj: subject });
  }

  async purge(subject: string, belowSequence: number): Promise<void> {
    try {
      await this.manager.streams.purge(this.options.stream, { filter: subject, seq: belowSequence });
    } catch (error) {
      throw toApiError(error, `purging ${subject}`);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.acks.close();
    for (const reader of [...this.readers]) reader.end(new Error('the log was closed'));
  }

  private async find(request: MsgRequest): Promise<StreamMessage | undefined> {
    try {
      const found = await this.manager.streams.getMessage(this.options.stream, request);
      return found ? fromStored(found) : undefined;
    } catch (error) {
      throw toApiError(error, `looking into the stream ${this.options.stream}`);
    }
  }

  private async followConnection(): Promise<void> {
    for await (const { type } of this.options.connection.status()) {
      if (this.closed) return;
      if (type === 'disconnect' || type === 'close') {
        this.acks.onConnection(false);
        for (const reader of [...this.readers]) reader.end(new Error('the connection to NATS was lost'));
      } else if (type === 'reconnect') this.acks.onConnection(true);
    }
  }
}

function fromStored(stored: StoredMsg): StreamMessage {
  return {
    sequence: stored.seq, subject: stored.subject, timeMs: Math.floor(stored.time.getTime()), body: stored.data,
    header: (name) => stored.header?.get(name) || undefined,
  };
}
