import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { silentLogger, systemClock, systemRandom } from '@navarch/base';
import type { ObjectLog } from '@navarch/store';
import { put, text, Watcher } from '@navarch/store/testing';
import { beginRestore, connectNats, connectNatsLog, finishRestore, type NatsConnection } from '@navarch/store-nats';
import { startNatsServer, type NatsServer } from '@navarch/store-nats/testing';
import { jetstreamManager } from '@nats-io/jetstream';

import { restoreBackup, subjectPrefixes, takeBackup, type RestoreOptions } from './backup';
import { readBackup, writeBackup, type LogName } from './backup-file';

let directory: string;
let server: NatsServer;
let connection: NatsConnection;
const logs: ObjectLog[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'navarch-backup-'));
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url });
});

afterEach(async () => {
  await closeLogs();
  await connection.close();
  await server.close();
  rmSync(directory, { recursive: true });
});

async function closeLogs(): Promise<void> {
  for (const log of logs.splice(0)) await log.close();
}

const common = { clock: systemClock, random: systemRandom, logger: silentLogger };

/** As an apiserver opens it. */
async function open(name: LogName = 'objects', on = connection): Promise<ObjectLog> {
  const log = await connectNatsLog({ ...common, connection: on, stream: `navarch-${name}`, subjectPrefix: subjectPrefixes[name] });
  logs.push(log);
  return log;
}

const optionsOn = (on: NatsConnection, more: Partial<RestoreOptions> = {}): RestoreOptions =>
  ({ ...common, connection: on, streamPrefix: 'navarch', replicas: 1, signal: new AbortController().signal, headroom: 1_000, replace: false, ...more });

/** A cluster with a history: `a` was changed, `gone` deleted, and each object has a trace. */
async function history(): Promise<{ objects: ObjectLog; events: ObjectLog }> {
  const [objects, events] = [await open('objects'), await open('events')];
  const first = await put(objects, 'a', 'create', 0, { uid: 'uid-of-a', traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
  await put(objects, 'a', 'update', first, { uid: 'uid-of-a' });
  await put(objects, 'b', 'create', 0);
  await put(objects, 'gone', 'delete', await put(objects, 'gone', 'create', 0));
  await put(events, 'happened', 'create', 0);
  return { objects, events };
}

async function backupTo(file: string): Promise<void> {
  await writeBackup(file, await takeBackup(optionsOn(connection)));
}

async function loaded(log: ObjectLog): Promise<Watcher> {
  const watcher = new Watcher(log);
  await watcher.until(() => watcher.snapshots.length === 1);
  await watcher.stop();
  return watcher;
}

const empty = { takenMs: 0, logs: { objects: { sequence: 5, entries: [] }, events: { sequence: 5, entries: [] } } };

describe('a backup', () => {
  it('is restored on another NATS server with every live object and event, its uid, body and trace, and nothing that was deleted', async () => {
    const { objects } = await history();
    const file = join(directory, 'backup.gz');
    await backupTo(file);
    const before = (await loaded(objects)).snapshots[0]?.entries ?? [];
    const other = await startNatsServer();
    const elsewhere = await connectNats({ servers: other.url });
    try {
      await restoreBackup(await readBackup(file), optionsOn(elsewhere));
      const after = (await loaded(await open('objects', elsewhere))).snapshots[0]?.entries ?? [];
      const shown = (entries: typeof before): object[] => entries.map(({ key, uid, body, traceparent, origin }) => ({ key, uid, body: text(body), traceparent, origin })).sort((x, y) => (x.key.name < y.key.name ? -1 : 1));
      expect(shown(after)).toEqual(shown(before));
      expect(after.map(({ key }) => key.name).sort()).toEqual(['a', 'b']);
      expect(Object.keys((await loaded(await open('events', elsewhere))).state)).toEqual(['happened']);
    } finally {
      await closeLogs();
      await elsewhere.close();
      await other.close();
    }
  });

  it('holds all that was acknowledged before it, and is taken while writes go on', async () => {
    const objects = await open('objects');
    await open('events');
    const sequences: number[] = [];
    const writing = (async () => { for (let count = 0; count < 300; count++) sequences.push(await put(objects, `p${count}`, 'create', 0)); })();
    while (sequences.length === 0) await objects.barrier();
    const acknowledged = sequences.length;
    const { logs: { objects: taken } } = await takeBackup(optionsOn(connection));
    await writing;
    // Each write made a pod of its own, in order: so many entries are the first so many pods.
    expect(taken.entries.length).toBe(sequences.filter((sequence) => sequence <= taken.sequence).length);
    expect(taken.entries.length).toBeGreaterThanOrEqual(acknowledged);
  });

  it('can be read by its owner only, for it holds every Secret', async () => {
    await history();
    const file = join(directory, 'backup.gz');
    await backupTo(file);
    expect((statSync(file).mode & 0o777).toString(8)).toBe('600');
  });

  it('of a server without streams is refused, and makes none', async () => {
    await expect(takeBackup(optionsOn(connection))).rejects.toMatchObject({ reason: 'NotFound', message: expect.stringContaining('navarch-objects') as string });
    expect(await (await jetstreamManager(connection)).streams.list().next()).toEqual([]);
  });
});

describe('the epoch rules of a restore', () => {
  it('begins new versions above the backup\'s end by the headroom, and above whatever the stream holds now', async () => {
    const { objects } = await history();
    const file = join(directory, 'backup.gz');
    await backupTo(file);
    const backup = await readBackup(file);
    for (let count = 0; count < 50; count++) await put(objects, `late${count}`, 'create', 0);
    const end = await objects.barrier();
    await closeLogs();
    await expect(restoreBackup(backup, optionsOn(connection, { headroom: 0, replace: true }))).resolves.toBeGreaterThan(end);
    const far = await restoreBackup(backup, optionsOn(connection, { headroom: 1_000_000, replace: true }));
    expect(far).toBeGreaterThan(backup.logs.objects.sequence + 1_000_000);
    expect((await loaded(await open())).snapshots[0]?.entries.map(({ sequence }) => sequence).every((sequence) => sequence >= far)).toBe(true);
  });

  it('is another history: a replica that saw the old one takes the restored one up by a snapshot, above all it has seen', async () => {
    const { objects } = await history();
    const watcher = new Watcher(objects);
    const file = join(directory, 'backup.gz');
    await backupTo(file);
    const late = await put(objects, 'late', 'create', 0);
    await watcher.reached(late);
    // As when the server's disk is lost and another one is put in its place: the replica lives, and its reader with it.
    await (await jetstreamManager(connection)).streams.delete('navarch-objects');
    await restoreBackup(await readBackup(file), optionsOn(connection, { replace: true }));
    await watcher.until(() => watcher.snapshots.length > 1);
    await watcher.until(() => 'a' in watcher.state && 'b' in watcher.state);
    expect(watcher.state).not.toHaveProperty('late');
    expect(watcher.position).toBeGreaterThan(late);
    await watcher.stop();
  });

  it('is never served half: until it is whole every apiserver refuses the stream and says why', async () => {
    const target = { connection, stream: 'navarch-objects', subjectPrefix: 'kube', replicas: 1, duplicateWindowMs: 120_000 };
    await beginRestore(target, { above: 100, replace: false });
    await expect(open()).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('a restore was cut off') as string });
    await expect(takeBackup(optionsOn(connection))).rejects.toMatchObject({ reason: 'Invalid' });
    await restoreBackup(empty, optionsOn(connection));
    expect(await (await open()).barrier()).toBeGreaterThan(100);
    await expect(finishRestore({ ...target, stream: 'nowhere' })).rejects.toMatchObject({ message: expect.stringContaining('nowhere') as string });
  });

  it('does not touch a log that an apiserver follows, nor, unless told to, one that holds something', async () => {
    const { objects } = await history();
    const watcher = new Watcher(objects);
    await watcher.until(() => watcher.snapshots.length === 1);
    await expect(restoreBackup(empty, optionsOn(connection, { replace: true }))).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('stop every apiserver first') as string });
    await watcher.stop();
    await closeLogs();
    await expect(restoreBackup(empty, optionsOn(connection))).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('--replace') as string });
    expect((await loaded(await open())).state).toHaveProperty('a');
  });
});

describe('a bad backup file', () => {
  const cases: [string, (file: string) => void, RegExp][] = [
    ['that is not there', (file) => rmSync(file), /there is no file/],
    ['that is something else', (file) => writeFileSync(file, 'hello'), /is no backup, or damaged/],
    ['that was cut off', (file) => writeFileSync(file, readFileSync(file).subarray(0, 200)), /is cut off/],
    ['whose last line is missing', (file) => writeFileSync(file, gzipSync(gunzipSync(readFileSync(file)).toString().split('\n').slice(0, -2).join('\n') + '\n')), /is cut off/],
    ['that was changed', (file) => writeFileSync(file, gzipSync(gunzipSync(readFileSync(file)).toString().replace('uid-of-a', 'uid-of-x'))), /was changed since it was written/],
    ['of another version', (file) => writeFileSync(file, gzipSync(gunzipSync(readFileSync(file)).toString().replace('navarch-backup/1', 'navarch-backup/9'))), /is in the format navarch-backup\/9, and this version reads navarch-backup\/1/],
  ];

  it.each(cases)('%s is refused with a line that says so, before anything is touched', async (_what, damage, message) => {
    await history();
    const file = join(directory, 'backup.gz');
    await backupTo(file);
    damage(file);
    await expect(readBackup(file)).rejects.toThrow(message);
  });
});
