/**
 * What the object log stands on: one ordered stream of messages with compare-and-set per subject. The log's rules are
 * written once above this port; below it are JetStream (libs/store-nats), a stream in memory, and a layer of faults.
 */
export interface StreamMessage {
  readonly sequence: number;
  readonly subject: string;
  /** When the stream took it, milliseconds since 1970. */
  readonly timeMs: number;
  /** Empty where the reader asked for headers only. */
  readonly body: Uint8Array;
  /** A header's value; undefined where the message has none of that name. */
  header(name: string): string | undefined;
}

export interface StreamWrite {
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The stream keeps one message per id within its duplicate window and answers a repetition with the first one's sequence. */
  readonly messageId?: string;
  /** The write happens only where the subject's last message has this sequence; 0 for none. */
  readonly expectedSequence?: number;
}

export type StreamAck =
  | { readonly outcome: 'stored'; readonly sequence: number; readonly duplicate: boolean }
  | { readonly outcome: 'conflict'; readonly lastSequence?: number }
  /** Certainly not stored; worth another try. */
  | { readonly outcome: 'refused'; readonly error: Error }
  /** Stored or not: nobody answered. */
  | { readonly outcome: 'unknown'; readonly error: Error };

/** Where a reader begins: at a sequence (inclusive), or with the last message of each subject followed by all that comes after. */
export type StreamStart = number | 'last-per-subject';

export interface StreamReader {
  /** Called in order of sequence, without waiting; must not throw. */
  readonly onMessage: (message: StreamMessage) => void;
  /** The reader ended by itself and nothing more will come: a gap, a lost connection, a stream that is gone. Called at most once. */
  readonly onEnd: (error: Error) => void;
}

export interface FollowOptions {
  readonly start: StreamStart;
  readonly headersOnly?: boolean;
}

/** A reader's end after which it must load anew: where it stood can no longer be read. */
export class PositionLost extends Error {}

export interface LogStream {
  /** Sends once. Throws ApiError only for what no repetition can mend (too large, not permitted). */
  publish(write: StreamWrite, timeoutMs: number): Promise<StreamAck>;
  /** Delivers until stopped; never skips a message silently. */
  follow(options: FollowOptions, reader: StreamReader): Promise<{ stop(): void }>;
  /** The subject's first message at or after a sequence. What it finds is true; that it finds nothing may be stale. */
  firstFrom(subject: string, sequence: number): Promise<StreamMessage | undefined>;
  /** The subject's last message, perhaps stale. */
  lastOf(subject: string): Promise<StreamMessage | undefined>;
  /** Removes the subject's messages below a sequence. */
  purge(subject: string, belowSequence: number): Promise<void>;
  /** Publishes under way answer 'unknown', readers end. */
  close(): Promise<void>;
}
