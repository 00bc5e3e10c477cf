import { ApiError } from '@navarch/base';

import { floorSubject, liveSubject, type LogContext } from './context';
import type { StreamMessage } from './log-stream';
import { compareLive, decodeChunks, digestOf, type LiveDigest, type LivePlace, type LoadedPlace } from './live-set';
import { describeKey, keyOf } from './subject';

/** What compaction writes into the log before it removes anything: the floor, and which objects are live below it. */
export interface CompactionRecord extends LiveDigest {
  readonly floor: number;
  /** Names the chunks that list the live objects. */
  readonly generation: string;
  readonly chunks: number;
}

const headers = { floor: 'Navarch-Floor', generation: 'Navarch-Generation', chunks: 'Navarch-Chunks', count: 'Navarch-Live-Count', hash: 'Navarch-Live-Hash' } as const;

export function encodeRecord(record: CompactionRecord): Record<string, string> {
  return {
    [headers.floor]: String(record.floor), [headers.generation]: record.generation, [headers.chunks]: String(record.chunks),
    [headers.count]: String(record.count), [headers.hash]: record.hash,
  };
}

export function decodeRecord(message: StreamMessage): CompactionRecord {
  const [floor, chunks, count] = [headers.floor, headers.chunks, headers.count].map((name) => Number(message.header(name) ?? 'x'));
  const [generation, hash] = [message.header(headers.generation), message.header(headers.hash)];
  if (!Number.isSafeInteger(floor) || !Number.isSafeInteger(chunks) || !Number.isSafeInteger(count) || !generation || !hash) {
    throw new ApiError('Internal', `the log's compaction record ${message.sequence} is not readable`);
  }
  return { floor: floor as number, generation, chunks: chunks as number, count: count as number, hash };
}

/** Throws Internal, naming the keys that came back or went, where a load does not agree with the last compaction's record. */
export function verifyLoad(context: LogContext, messages: ReadonlyMap<string, StreamMessage>, loaded: ReadonlyMap<string, LoadedPlace>): number {
  const message = messages.get(floorSubject(context.prefix));
  if (!message) return 0;
  const record = decodeRecord(message);
  const below: LivePlace[] = [];
  for (const [subject, { live, sequence }] of loaded) if (live && sequence < record.floor) below.push({ subject, sequence });
  const now = digestOf(below);
  if (now.count === record.count && now.hash === record.hash) return record.floor;
  const { cameBack, went } = compareLive(recordedPlaces(context, record, messages), loaded, record.floor);
  if (cameBack.length + went.length === 0) return record.floor;
  throw new ApiError('Internal', `the log does not hold what its compaction at ${record.floor} recorded: ${[
    cameBack.length > 0 && `${cameBack.length} came back (${names(context, cameBack)})`,
    went.length > 0 && `${went.length} went (${names(context, went)})`,
  ].filter(Boolean).join(', ')}. Restore it from a backup`);
}

function recordedPlaces(context: LogContext, record: CompactionRecord, messages: ReadonlyMap<string, StreamMessage>): LivePlace[] {
  const chunks = Array.from({ length: record.chunks }, (_, chunk) => messages.get(liveSubject(context.prefix, record.generation, chunk))?.body);
  const present = chunks.filter((chunk) => chunk !== undefined);
  const places = present.length === chunks.length ? readPlaces(present) : undefined;
  const digest = places && digestOf(places);
  if (!places || digest?.count !== record.count || digest.hash !== record.hash) {
    throw new ApiError('Internal', `the list of live objects of the compaction at ${record.floor} is damaged, so that what was loaded cannot be verified`);
  }
  return places;
}

function readPlaces(chunks: readonly Uint8Array[]): LivePlace[] | undefined {
  try {
    return decodeChunks(chunks);
  } catch {
    return undefined;
  }
}

function names(context: LogContext, subjects: readonly string[]): string {
  const shown = subjects.slice(0, 10).map((subject) => {
    const key = keyOf(subject, context.prefix);
    return key ? describeKey(key) : subject;
  });
  return shown.join('; ') + (subjects.length > shown.length ? '; …' : '');
}

export function isSystemSubject(prefix: string, subject: string): boolean {
  return subject.startsWith(`${prefix}._sys.`);
}
