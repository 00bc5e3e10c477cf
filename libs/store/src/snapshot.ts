import { ApiError, hasReason } from '@navarch/base';

import { isSystemSubject, verifyLoad } from './compaction-record';
import type { LogContext } from './context';
import type { LoadedPlace } from './live-set';
import type { StreamMessage } from './log-stream';
import { decodeEntry } from './message';
import type { LogEntry, LogEvent } from './object-log';
import { keyOf } from './subject';

/**
 * The live state at `sequence` from the last messages of all subjects. Every body is checked and the set is compared with
 * compaction's record; throws Internal with the keys where something is not as it was written.
 */
export function buildSnapshot(context: LogContext, messages: readonly StreamMessage[], sequence: number): LogEvent {
  const lasts = new Map<string, StreamMessage>();
  for (const message of messages) lasts.set(message.subject, message);
  const entries: LogEntry[] = [];
  const loaded = new Map<string, LoadedPlace>();
  const damaged: string[] = [];
  for (const message of lasts.values()) {
    if (isSystemSubject(context.prefix, message.subject)) continue;
    try {
      const entry = entryOf(context, message);
      loaded.set(message.subject, { sequence: message.sequence, live: entry.verb !== 'delete' });
      if (entry.verb !== 'delete') entries.push(entry);
    } catch (error) {
      if (!hasReason(error, 'Internal')) throw error;
      damaged.push(error.message);
    }
  }
  if (damaged.length > 0) throw new ApiError('Internal', damaged.slice(0, 10).join('\n'));
  entries.sort((a, b) => a.sequence - b.sequence);
  return { type: 'snapshot', sequence, floor: verifyLoad(context, lasts, loaded), entries };
}

export function entryOf(context: LogContext, message: StreamMessage): LogEntry {
  const key = keyOf(message.subject, context.prefix);
  if (!key) throw new ApiError('Internal', `the log's entry ${message.sequence} has a subject that is no key: ${message.subject}`);
  return decodeEntry(message, key);
}
