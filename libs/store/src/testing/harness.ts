import type { Clock } from '@navarch/base';

import { subjectOf, type FaultyStream, type LogEntry, type LogEvent, type LogStream, type LogVerb, type LogWrite, type ObjectKey, type ObjectLog, type ObjectLogOptions, type PublishResult } from '../index';

export type OpenOptions = Partial<Pick<ObjectLogOptions, 'maxTimeoutMs' | 'defaultTimeoutMs' | 'attemptTimeoutMs' | 'graceMs' | 'readerBacklog'>> & {
  /** Puts something of the test's own between the log and its stream. */
  readonly wrap?: (stream: LogStream) => LogStream;
};

/** One replica of the log under test, and the line of faults between it and the stream. */
export interface OpenLog extends ObjectLog {
  readonly line: FaultyStream;
}

/** What an implementation gives to the contract suite; each test gets its own, with an empty stream. */
export interface LogHarness {
  readonly clock: Clock;
  /** The stream itself, for tests that tamper with it. */
  readonly stream: LogStream;
  /** Another replica of the log. */
  open(options?: OpenOptions): Promise<OpenLog>;
  /** A log in a second stream of the same server, with subject prefix `events`. */
  openEvents(): Promise<ObjectLog>;
  /** The stream is lost and made anew, empty, its first sequence as told. */
  recreate(firstSequence: number): Promise<void>;
  /** Waits for the promise; where time is virtual, moves it on meanwhile. */
  run<T>(promise: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytes = (text: string): Uint8Array => encoder.encode(text);
export const text = (body: Uint8Array): string => decoder.decode(body);
export const pod = (name: string): ObjectKey => ({ group: '', resource: 'pods', namespace: 'default', name });
export const subject = (name: string): string => subjectOf(pod(name));

let lastId = 0;

/** A write to the pod `name`; each call has a message id of its own. */
export function writeOf(name: string, verb: LogVerb, expectedSequence: number, more: Partial<LogWrite> = {}): LogWrite {
  return { key: pod(name), verb, uid: `uid-${lastId}`, messageId: `message-${++lastId}`, expectedSequence, body: bytes(`${name} ${verb} ${expectedSequence}`), ...more };
}

export function sequenceOf(result: PublishResult): number {
  if (result.outcome !== 'committed') throw new Error(`expected a committed write, got ${JSON.stringify(result)}`);
  return result.sequence;
}

export async function put(log: ObjectLog, name: string, verb: LogVerb, expectedSequence: number, more: Partial<LogWrite> = {}): Promise<number> {
  return sequenceOf(await log.publish(writeOf(name, verb, expectedSequence, more)));
}

/** Reads one watch in the background and lets a test wait for what it has seen. */
export class Watcher {
  readonly events: LogEvent[] = [];
  readonly ended: Promise<void>;
  private failure: { readonly error: unknown } | undefined;
  private finished = false;
  private wake: (() => void)[] = [];
  private readonly controller = new AbortController();

  constructor(log: ObjectLog, position?: number, private readonly gate: Promise<void> = Promise.resolve()) {
    this.ended = this.read(log.watchFrom(position, { signal: this.controller.signal })).catch((error: unknown) => {
      this.failure = { error };
    }).finally(() => {
      this.finished = true;
      this.notify();
    });
  }

  get entries(): LogEntry[] {
    return this.events.flatMap((event) => (event.type === 'entry' ? [event.entry] : []));
  }

  get snapshots(): Extract<LogEvent, { type: 'snapshot' }>[] {
    return this.events.filter((event) => event.type === 'snapshot');
  }

  get floors(): number[] {
    return this.events.flatMap((event) => (event.type === 'floor' ? [event.sequence] : []));
  }

  /** Everything up to here has been delivered. */
  get position(): number {
    const last = this.events.at(-1);
    return last ? last.type === 'entry' ? last.entry.sequence : last.type === 'floor' ? 0 : last.sequence : 0;
  }

  /** The state that a reader of these events has: name to body. */
  get state(): Record<string, string> {
    const state = new Map<string, string>();
    for (const event of this.events) {
      if (event.type === 'snapshot') {
        state.clear();
        for (const entry of event.entries) state.set(entry.key.name, text(entry.body));
      } else if (event.type === 'entry') {
        if (event.entry.verb === 'delete') state.delete(event.entry.key.name);
        else state.set(event.entry.key.name, text(event.entry.body));
      }
    }
    return Object.fromEntries(state);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.failure) throw this.failure.error;
      if (this.finished) throw new Error('the watch ended first');
      await new Promise<void>((resolve) => { this.wake.push(resolve); });
    }
  }

  reached(sequence: number): Promise<void> {
    return this.until(() => this.position >= sequence);
  }

  /** The error that ended the watch. */
  async failed(): Promise<unknown> {
    await this.ended;
    return this.failure?.error;
  }

  async stop(): Promise<void> {
    this.controller.abort();
    await this.ended;
  }

  private async read(events: AsyncIterable<LogEvent>): Promise<void> {
    for await (const event of events) {
      this.events.push(event);
      this.notify();
      await this.gate;
    }
  }

  private notify(): void {
    for (const wake of this.wake.splice(0)) wake();
  }
}
