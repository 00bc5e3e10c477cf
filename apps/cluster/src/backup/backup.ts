/**
 * `navarch backup` and `navarch restore`: the live state of both logs at one moment each, and the way back. Nothing here knows of clusters: it works on
 * any NATS server. Rules of the way back (docs/design/024-ways-to-run.md): versions only ever grow, and no apiserver sees half of it.
 */
import { ApiError, randomUuid, type Clock, type Logger, type Random } from '@navarch/base';
import { describeKey, type ObjectLog } from '@navarch/store';
import { beginRestore, connectNatsLog, finishRestore, type NatsConnection, type RestoreTarget } from '@navarch/store-nats';

import { logNames, type Backup, type BackupEntry, type LogName } from './backup-file';

export interface BackupOptions {
  readonly connection: NatsConnection;
  /** Of the streams' names, as the apiservers are told. */
  readonly streamPrefix: string;
  readonly replicas: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export interface RestoreOptions extends BackupOptions {
  /** How far above the backup's own end new versions begin: more than was ever written after it. */
  readonly headroom: number;
  readonly replace: boolean;
}

/** As the apiserver opens them. */
export const subjectPrefixes: Readonly<Record<LogName, string>> = { objects: 'kube', events: 'kube-events' };

const duplicateWindowMs = 120_000;
const writesInFlight = 64;

/** Reads each log as any reader does: complete up to everything acknowledged before, checksums checked. Writes go on meanwhile. */
export async function takeBackup(options: BackupOptions): Promise<Backup> {
  const takenMs = options.clock.now();
  const [objects, events] = [await snapshotOf(options, 'objects'), await snapshotOf(options, 'events')];
  return { takenMs, logs: { objects, events } };
}

async function snapshotOf(options: BackupOptions, name: LogName): Promise<Backup['logs'][LogName]> {
  const log = await openLog(options, name, 'read');
  const reading = new AbortController();
  const stop = (): void => reading.abort(options.signal.reason);
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const event of log.watchFrom(undefined, { signal: reading.signal })) {
      if (event.type === 'snapshot') return { sequence: event.sequence, entries: event.entries };
    }
    throw new ApiError('Canceled', 'the backup was given up');
  } finally {
    options.signal.removeEventListener('abort', stop);
    reading.abort(new Error('read'));
    await log.close();
  }
}

/**
 * Puts a backup in the place of both logs. Versions go on above the backup's end plus `headroom`, and above whatever the streams hold now. Until
 * both are whole they bear a mark that apiservers refuse, so a restore that was cut off is never served: it is run again. Answers the first version
 * that the restored objects have.
 */
export async function restoreBackup(backup: Backup, options: RestoreOptions): Promise<number> {
  const targets = Object.fromEntries(logNames.map((name) => [name, targetOf(options, name)])) as Record<LogName, RestoreTarget>;
  const first = { objects: 0, events: 0 };
  for (const name of logNames) first[name] = await beginRestore(targets[name], { above: backup.logs[name].sequence + options.headroom, replace: options.replace });
  for (const name of logNames) await writeAll(options, name, backup.logs[name].entries);
  for (const name of [...logNames].reverse()) await finishRestore(targets[name]);
  return first.objects;
}

async function writeAll(options: RestoreOptions, name: LogName, entries: readonly BackupEntry[]): Promise<void> {
  const log = await openLog(options, name, 'restore');
  let next = 0;
  const writer = async (): Promise<void> => {
    for (let entry = entries[next++]; entry; entry = entries[next++]) await writeOne(log, entry, options);
  };
  try {
    await Promise.all(Array.from({ length: writesInFlight }, writer));
  } finally {
    await log.close();
  }
}

async function writeOne(log: ObjectLog, entry: BackupEntry, { random, signal }: RestoreOptions): Promise<void> {
  if (signal.aborted) throw new ApiError('Canceled', 'the restore was given up: nothing serves until it is run again', {}, { cause: signal.reason });
  const { outcome } = await log.publish({ ...entry, verb: 'create', messageId: randomUuid(random), expectedSequence: 0 }, { timeoutMs: 60_000 });
  if (outcome === 'conflict') throw new ApiError('Conflict', `${describeKey(entry.key)} was written by somebody else during the restore: stop every apiserver, and run it again with --replace`);
}

function targetOf({ connection, streamPrefix, replicas }: BackupOptions, name: LogName): RestoreTarget {
  return { connection, stream: `${streamPrefix}-${name}`, subjectPrefix: subjectPrefixes[name], replicas, duplicateWindowMs };
}

function openLog(options: BackupOptions, name: LogName, purpose: 'read' | 'restore'): Promise<ObjectLog> {
  const { clock, random, logger } = options;
  return connectNatsLog({ ...targetOf(options, name), purpose, clock, random, logger });
}
