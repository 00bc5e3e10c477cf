/**
 * What `navarch backup` writes: gzipped JSON lines. First a header, then a line per object, last a line with count and digest of all before it, so that
 * a file that was cut off or changed is refused before anything is touched. Bodies are base64: objects are stored as protobuf.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';

import type { LogEntry, ObjectKey } from '@navarch/store';

const format = 'navarch-backup/1';

export type LogName = 'objects' | 'events';
export const logNames = ['objects', 'events'] as const satisfies readonly LogName[];

/** A moment of both logs. */
export interface Backup {
  /** Milliseconds since 1970. */
  readonly takenMs: number;
  readonly logs: Readonly<Record<LogName, { readonly sequence: number; readonly entries: readonly BackupEntry[] }>>;
}

export type BackupEntry = Pick<LogEntry, 'key' | 'uid' | 'body' | 'traceparent' | 'origin'>;

interface Header {
  readonly format: string;
  readonly takenMs: number;
  readonly sequences: Readonly<Record<LogName, number>>;
}

interface EntryLine {
  readonly log: LogName;
  readonly key: ObjectKey;
  readonly uid: string;
  readonly traceparent?: string;
  readonly origin?: string;
  readonly body: string;
}

/** Writes all or nothing: under another name until it is whole. It holds every Secret, so nobody else may read it. */
export async function writeBackup(file: string, backup: Backup): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await pipeline(Readable.from(linesOf(backup)), createGzip(), createWriteStream(partial, { mode: 0o600, flush: true }));
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

function* linesOf({ takenMs, logs }: Backup): Generator<string> {
  const digest = createHash('sha256');
  const hashed = (line: object): string => {
    const text = `${JSON.stringify(line)}\n`;
    digest.update(text);
    return text;
  };
  yield hashed({ format, takenMs, sequences: { objects: logs.objects.sequence, events: logs.events.sequence } } satisfies Header);
  let count = 0;
  for (const log of logNames) {
    for (const { key, uid, traceparent, origin, body } of logs[log].entries) {
      count++;
      yield hashed({ log, key, uid, ...(traceparent !== undefined && { traceparent }), ...(origin !== undefined && { origin }), body: Buffer.from(body).toString('base64') } satisfies EntryLine);
    }
  }
  yield `${JSON.stringify({ count, sha256: digest.digest('hex') })}\n`;
}

/** Reads the whole file and checks it. Throws an Error that says what is wrong with it. */
export async function readBackup(file: string): Promise<Backup> {
  const entries: Record<LogName, BackupEntry[]> = { objects: [], events: [] };
  const digest = createHash('sha256');
  let header: Header | undefined;
  let last: string | undefined;
  const take = (line: string): void => {
    digest.update(`${line}\n`);
    if (!header) header = headerOf(file, line);
    else addEntry(entries, line);
  };
  try {
    for await (const line of createInterface({ input: gunzipped(file), crlfDelay: Infinity })) {
      if (last !== undefined) take(last);
      last = line;
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  checkEnd(file, last, entries.objects.length + entries.events.length, digest);
  if (!header) throw new Error(`${file} is no backup: it is empty`);
  const { takenMs, sequences } = header;
  return { takenMs, logs: { objects: { sequence: sequences.objects, entries: entries.objects }, events: { sequence: sequences.events, entries: entries.events } } };
}

/** readline does not hear of its input's errors: they end it, and are thrown by the iteration of the input. */
function gunzipped(file: string): Readable {
  const source = createReadStream(file);
  const text = createGunzip();
  source.once('error', (error) => text.destroy(error));
  return Readable.from(source.pipe(text));
}

function headerOf(file: string, line: string): Header {
  const header = JSON.parse(line) as Partial<Header>;
  if (header.format !== format) throw new Error(`${file} is in the format ${String(header.format)}, and this version reads ${format}`);
  return header as Header;
}

function addEntry(entries: Record<LogName, BackupEntry[]>, line: string): void {
  const { log, body, ...entry } = JSON.parse(line) as EntryLine;
  entries[log].push({ ...entry, body: Buffer.from(body, 'base64') });
}

function checkEnd(file: string, last: string | undefined, count: number, digest: Hash): void {
  const end = last === undefined ? {} : JSON.parse(last) as { count?: number; sha256?: string };
  if (end.count === undefined || end.sha256 === undefined) throw new Error(`${file} is cut off: its last line is not there. Take another backup`);
  if (end.count !== count || end.sha256 !== digest.digest('hex')) throw new Error(`${file} was changed since it was written: its digest does not match. Take another backup`);
}

function unreadable(file: string, thrown: unknown): Error {
  const error = thrown as NodeJS.ErrnoException;
  if (error.code === 'ENOENT') return new Error(`there is no file ${file}`, { cause: thrown });
  if (error.code === 'Z_BUF_ERROR') return new Error(`${file} is cut off. Take another backup`, { cause: thrown });
  if (error.code?.startsWith('Z_')) return new Error(`${file} is no backup, or damaged (${error.message})`, { cause: thrown });
  return error;
}
