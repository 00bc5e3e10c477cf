import type { TraceHeaders } from '@navarch/base';

/** Where an object lives in the log. `namespace` is '' for cluster-scoped kinds, `group` is '' for the core group. */
export interface ObjectKey {
  readonly group: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

export type LogVerb = 'create' | 'update' | 'delete';

/** A write that happens only where the key's last write is the expected one. */
export interface LogWrite extends TraceHeaders {
  readonly key: ObjectKey;
  readonly verb: LogVerb;
  readonly uid: string;
  /** Unique per write; the same id is sent again when the outcome is unknown. */
  readonly messageId: string;
  /**
   * Sequence of the last write to this key as the writer knows it: 0 for none, a tombstone's for a deleted object. A create
   * also goes over a tombstone that the writer did not know of, or that compaction has removed since.
   */
  readonly expectedSequence: number;
  /** The object's stored form; of a delete, its last state. Never carries a resourceVersion. */
  readonly body: Uint8Array;
}

/** A write as the log has it. */
export interface LogEntry extends TraceHeaders {
  readonly sequence: number;
  readonly key: ObjectKey;
  readonly verb: LogVerb;
  readonly uid: string;
  readonly messageId: string;
  /** When the log took it, milliseconds since 1970. */
  readonly timeMs: number;
  readonly body: Uint8Array;
}

/**
 * What a reader sees, in order.
 * - `snapshot`: the live state at `sequence`; the reader replaces all it has (comparing, to make up DELETED events).
 *   First event of a read without a position, and again whenever the position fell below the floor or was lost.
 * - `entry`: the next write.
 * - `progress`: everything up to `sequence` has been delivered (a barrier passed, or a snapshot is complete).
 * - `floor`: versions below `sequence` can no longer be read; watches below it get 410.
 */
export type LogEvent =
  | { readonly type: 'snapshot'; readonly sequence: number; readonly floor: number; readonly entries: readonly LogEntry[] }
  | { readonly type: 'entry'; readonly entry: LogEntry }
  | { readonly type: 'progress'; readonly sequence: number }
  | { readonly type: 'floor'; readonly sequence: number };

export type PublishResult =
  | { readonly outcome: 'committed'; readonly sequence: number }
  /** Someone else wrote the key (or, of a create, it lives); `currentSequence` where it is known. */
  | { readonly outcome: 'conflict'; readonly currentSequence?: number };

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Overall time for the call in milliseconds; 10 s where absent, and never more than the log's `maxTimeoutMs`. */
  readonly timeoutMs?: number;
}

export interface CompactionResult {
  readonly floor: number;
  readonly removed: number;
  readonly live: number;
}

/**
 * An ordered log of object writes: one sequence over all keys, compare-and-set per key, and readers that miss nothing.
 * Two implementations (in memory, JetStream) pass the contract suite in ./testing. Rules and their reasons:
 * docs/design/002-object-log.md.
 *
 * Failures are ApiErrors: Unavailable (not written), Timeout (outcome unknown, said so in the message), Internal with the
 * key where a stored body fails its checksum.
 */
export interface ObjectLog {
  /** Writes once, whatever is lost on the way: retries with the same message id until the outcome is known. */
  publish(write: LogWrite, options?: CallOptions): Promise<PublishResult>;
  /** A sequence that every write acknowledged before this call is at or below. Concurrent calls share one message. */
  barrier(options?: CallOptions): Promise<number>;
  /**
   * Follows the log after `position`, or from the current state where undefined; reconnects and resumes by itself. Ends
   * only by the signal (returns) or by throwing: Unavailable where the log refuses to serve (sequence regression, another
   * epoch) or was closed, Internal with the keys where a body is corrupt or compaction's record does not match what was loaded.
   */
  watchFrom(position: number | undefined, options: { readonly signal: AbortSignal }): AsyncIterable<LogEvent>;
  /**
   * Records `floor`, waits out the grace period, then drops old versions and dead tombstones below it. Throws Conflict
   * where another compactor came first. A floor at or below the recorded one completes what an earlier run left.
   */
  compact(floor: number, options?: CallOptions): Promise<CompactionResult>;
  /** Waits until no publish of this instance is under way. */
  settle(options?: CallOptions): Promise<void>;
  /** Ends readers and pending calls with Unavailable (writes under way: Timeout, unknown). Call `settle` first to part well. */
  close(): Promise<void>;
}
