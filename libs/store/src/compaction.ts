import { ApiError, isApiError, randomUuid, sleep } from '@navarch/base';

import type { Barrier } from './barrier';
import { decodeRecord, encodeRecord, isSystemSubject, type CompactionRecord } from './compaction-record';
import { abortable, epochSubject, floorSubject, liveSubject, type LogContext } from './context';
import { Inbox } from './inbox';
import { digestOf, encodeChunks, type LivePlace } from './live-set';
import type { StreamMessage, StreamWrite } from './log-stream';
import { isTombstone } from './message';
import type { CallOptions, CompactionResult } from './object-log';
import type { Publisher } from './publisher';

const nothing = new Uint8Array(0);
// Each purge holds the server's stream for a while; writes go on in between.
const purgesInFlight = 4;

/** What a pass over the whole stream's headers found of one subject. */
interface SubjectHistory {
  readonly sequences: number[];
  last: StreamMessage;
}

interface Purge {
  readonly subject: string;
  readonly below: number;
  /** How many messages that is; nats-server's own answer is no count of them (seen with 2.9.10). */
  readonly count: number;
}

/**
 * One compaction: pass over the headers, record the floor and the live set, wait until every call and reader that began
 * before has ended, then purge. Each step may be the last of a crashed compactor: the next run takes up from the log alone.
 */
export class Compaction {
  constructor(private readonly context: LogContext, private readonly barrier: Barrier, private readonly publisher: Publisher) {}

  async run(wantedFloor: number, options: CallOptions = {}): Promise<CompactionResult> {
    const { clock, limits, prefix } = this.context;
    const { history, end } = await this.scan(options);
    const previous = history.get(floorSubject(prefix))?.last;
    const recorded = previous && decodeRecord(previous);
    const wanted = Math.min(wantedFloor, end);
    const record = recorded && wanted <= recorded.floor ? recorded : await this.record(wanted, history, previous?.sequence ?? 0, options);
    await sleep(clock, limits.graceMs, options.signal);
    const removed = await this.purge(planPurges(prefix, history, record), options.signal);
    return { floor: record.floor, removed, live: countLive(prefix, history) };
  }

  private async scan(options: CallOptions): Promise<{ history: Map<string, SubjectHistory>; end: number }> {
    const { guard, stream } = this.context;
    const inbox = new Inbox();
    const fail = (): void => inbox.fail((options.signal?.aborted ? options.signal : guard.ended).reason as Error);
    const ends = [guard.ended, ...(options.signal ? [options.signal] : [])];
    for (const end of ends) end.addEventListener('abort', fail, { once: true });
    const subscription = await stream.follow({ start: 1, headersOnly: true }, { onMessage: (message) => inbox.push(message), onEnd: (error) => inbox.fail(error) });
    try {
      const end = await this.barrier.wait(options);
      const history = new Map<string, SubjectHistory>();
      for (let last = 0; last < end;) {
        for (const message of await inbox.take()) {
          if (message.sequence > end) break;
          last = message.sequence;
          const known = history.get(message.subject);
          if (known) {
            known.sequences.push(message.sequence);
            known.last = message;
          } else history.set(message.subject, { sequences: [message.sequence], last: message });
        }
      }
      return { history, end };
    } catch (error) {
      throw isApiError(error) || options.signal?.aborted ? error : new ApiError('Unavailable', 'the log could not be read for compaction', {}, { cause: error });
    } finally {
      subscription.stop();
      for (const end of ends) end.removeEventListener('abort', fail);
    }
  }

  /** Chunks first, the floor last and compare-and-set: a record is whole or not there, and of two compactors one wins. */
  private async record(floor: number, history: ReadonlyMap<string, SubjectHistory>, previousSequence: number, options: CallOptions): Promise<CompactionRecord> {
    const { prefix, random } = this.context;
    const live = livePlaces(prefix, history, floor);
    const chunks = encodeChunks(live);
    const generation = randomUuid(random);
    for (const [index, body] of chunks.entries()) await this.write({ subject: liveSubject(prefix, generation, index), headers: {}, body, expectedSequence: 0 }, options);
    const record = { floor, generation, chunks: chunks.length, ...digestOf(live) };
    await this.write({ subject: floorSubject(prefix), headers: encodeRecord(record), body: nothing, expectedSequence: previousSequence }, options);
    return record;
  }

  private async write(write: StreamWrite, options: CallOptions): Promise<void> {
    const messageId = randomUuid(this.context.random);
    const result = await this.publisher.commit({ ...write, messageId }, false, { ...options, timeoutMs: this.context.limits.maxTimeoutMs });
    if (result.outcome === 'conflict') throw new ApiError('Conflict', 'another compactor is at work on this log');
  }

  private async purge(purges: readonly Purge[], signal: AbortSignal | undefined): Promise<number> {
    const { guard, stream } = this.context;
    let removed = 0;
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let purge = purges[next++]; purge; purge = purges[next++]) {
        guard.check();
        await abortable(stream.purge(purge.subject, purge.below), signal);
        removed += purge.count;
      }
    };
    await Promise.all(Array.from({ length: purgesInFlight }, worker));
    return removed;
  }
}

function livePlaces(prefix: string, history: ReadonlyMap<string, SubjectHistory>, floor: number): LivePlace[] {
  const places: LivePlace[] = [];
  for (const [subject, { last }] of history) {
    if (last.sequence < floor && !isSystemSubject(prefix, subject) && !isTombstone(last)) places.push({ subject, sequence: last.sequence });
  }
  return places;
}

function countLive(prefix: string, history: ReadonlyMap<string, SubjectHistory>): number {
  return livePlaces(prefix, history, Infinity).length;
}

/** Old versions below the floor, but never an object's last one; tombstones below it; what the log's own records left behind. */
function planPurges(prefix: string, history: ReadonlyMap<string, SubjectHistory>, record: CompactionRecord): Purge[] {
  const kept = new Set([epochSubject(prefix), floorSubject(prefix)]);
  for (let chunk = 0; chunk < record.chunks; chunk++) kept.add(liveSubject(prefix, record.generation, chunk));
  const purges: Purge[] = [];
  for (const [subject, { sequences, last }] of history) {
    const dead = isSystemSubject(prefix, subject) ? !kept.has(subject) : isTombstone(last);
    const below = last.sequence < record.floor ? last.sequence + (dead ? 1 : 0) : record.floor;
    const count = sequences.filter((sequence) => sequence < below).length;
    if (count > 0) purges.push({ subject, below, count });
  }
  return purges;
}
