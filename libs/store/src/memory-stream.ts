import type { Clock } from '@navarch/base';

import { headerNames } from './message';
import type { FollowOptions, LogStream, StreamAck, StreamMessage, StreamReader, StreamWrite } from './log-stream';

/** A stream in memory that keeps JetStream's rules: duplicates before expectations, one sequence, purge alone removes. */
export class MemoryStream implements LogStream {
  private messages = new Map<number, StreamMessage>();
  private bySubject = new Map<string, number[]>();
  private readonly readers = new Set<{ readonly headersOnly: boolean; readonly reader: StreamReader }>();
  private recent = new Map<string, { readonly sequence: number; readonly timeMs: number }>();
  private lastSequence = 0;

  constructor(private readonly clock: Clock, private readonly duplicateWindowMs = 120_000) {}

  async publish(write: StreamWrite): Promise<StreamAck> {
    this.forgetOldIds();
    const known = write.messageId === undefined ? undefined : this.recent.get(write.messageId);
    if (known) return { outcome: 'stored', sequence: known.sequence, duplicate: true };
    const last = this.bySubject.get(write.subject)?.at(-1) ?? 0;
    if (write.expectedSequence !== undefined && write.expectedSequence !== last) return { outcome: 'conflict', lastSequence: last };
    return { outcome: 'stored', sequence: this.append(write), duplicate: false };
  }

  async follow(options: FollowOptions, reader: StreamReader): Promise<{ stop(): void }> {
    const entry = { headersOnly: options.headersOnly ?? false, reader };
    const start = options.start;
    const backlog = start === 'last-per-subject'
      ? [...this.bySubject.values()].map((sequences) => sequences.at(-1) as number).sort((a, b) => a - b)
      : [...this.messages.keys()].filter((sequence) => sequence >= start);
    this.readers.add(entry);
    for (const sequence of backlog) deliver(entry, this.messages.get(sequence) as StreamMessage);
    return { stop: () => { this.readers.delete(entry); } };
  }

  async firstFrom(subject: string, sequence: number): Promise<StreamMessage | undefined> {
    return this.messages.get(this.bySubject.get(subject)?.find((own) => own >= sequence) ?? -1);
  }

  async lastOf(subject: string): Promise<StreamMessage | undefined> {
    return this.messages.get(this.bySubject.get(subject)?.at(-1) ?? -1);
  }

  async purge(subject: string, belowSequence: number): Promise<void> {
    const sequences = this.bySubject.get(subject) ?? [];
    const removed = sequences.filter((sequence) => sequence < belowSequence);
    for (const sequence of removed) this.messages.delete(sequence);
    const kept = sequences.slice(removed.length);
    if (kept.length > 0) this.bySubject.set(subject, kept);
    else this.bySubject.delete(subject);
  }

  /** The stream is lost and made anew, its first sequence as told: what a careless or a careful restore does. */
  recreate(firstSequence = 1): void {
    this.messages = new Map();
    this.bySubject = new Map();
    this.recent = new Map();
    this.lastSequence = firstSequence - 1;
    const ended = [...this.readers];
    this.readers.clear();
    for (const { reader } of ended) reader.onEnd(new Error('the stream was deleted'));
  }

  async close(): Promise<void> {
    this.readers.clear();
  }

  private append(write: StreamWrite): number {
    const sequence = ++this.lastSequence;
    const headers = new Map(Object.entries(write.headers));
    if (write.messageId !== undefined) headers.set(headerNames.messageId, write.messageId);
    const message: StreamMessage = {
      sequence, subject: write.subject, timeMs: this.clock.now(), body: write.body.slice(), header: (name) => headers.get(name),
    };
    this.messages.set(sequence, message);
    const own = this.bySubject.get(write.subject);
    if (own) own.push(sequence);
    else this.bySubject.set(write.subject, [sequence]);
    if (write.messageId !== undefined) this.recent.set(write.messageId, { sequence, timeMs: message.timeMs });
    for (const reader of this.readers) deliver(reader, message);
    return sequence;
  }

  private forgetOldIds(): void {
    const oldest = this.clock.now() - this.duplicateWindowMs;
    for (const [id, { timeMs }] of this.recent) {
      if (timeMs > oldest) return;
      this.recent.delete(id);
    }
  }
}

const nothing = new Uint8Array(0);

function deliver({ headersOnly, reader }: { headersOnly: boolean; reader: StreamReader }, message: StreamMessage): void {
  reader.onMessage(headersOnly ? { ...message, body: nothing } : message);
}
