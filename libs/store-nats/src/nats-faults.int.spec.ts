import { hasReason, seededRandom, systemClock, systemRandom } from '@navarch/base';
import { createObjectLog, type LogStream, type ObjectLog } from '@navarch/store';
import { put, Watcher, writeOf } from '@navarch/store/testing';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { connectNats, connectNatsLog, openNatsStream, type NatsConnection } from './index';
import { Load, startNatsServer, type NatsServer } from './testing';

// Calls are shorter than the grace period, and a restart may take longer than a call: both ends of a deadline are met.
const limits = { maxTimeoutMs: 2_000, defaultTimeoutMs: 2_000, attemptTimeoutMs: 500, graceMs: 2_000 };

let server: NatsServer;
let connection: NatsConnection;
const opened: ObjectLog[] = [];

beforeEach(async () => {
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url });
});

afterEach(async () => {
  for (const log of opened.splice(0)) await log.close();
  await connection.close();
  await server.close();
});

async function openLog(): Promise<ObjectLog> {
  const log = await connectNatsLog({ connection, clock: systemClock, random: systemRandom, stream: 'objects', ...limits });
  opened.push(log);
  return log;
}

async function loadAnew(): Promise<Watcher> {
  const watcher = new Watcher(await openLog());
  await watcher.until(() => watcher.snapshots.length === 1);
  await watcher.stop();
  return watcher;
}

/** A current barrier, however long the server takes to be back. */
async function barrier(log: ObjectLog): Promise<number> {
  for (;;) {
    try {
      return await log.barrier();
    } catch (error) {
      if (!hasReason(error, 'Unavailable')) throw error;
    }
  }
}

describe('the log over a nats-server that is killed', () => {
  it('loses no acknowledged write, brings nothing deleted back and no reader misses or repeats an event: kill -9 under load, with compactions, over several blocks', async () => {
    const log = await openLog();
    const load = new Load(log, seededRandom(7));
    const reader = new Watcher(await openLog());
    await reader.until(() => reader.snapshots.length === 1);
    let removed = 0;
    for (let round = 0; round < 3; round++) {
      await load.run(8_000);
      removed += (await log.compact(await barrier(log))).removed;
      // Straight after the purges, and in the midst of writes.
      const writing = load.run(6_000);
      await reader.until(() => reader.entries.length >= load.acknowledged.size - 64);
      await server.kill9();
      await server.restart();
      await writing;
      await reader.reached(await barrier(log));
      expect(load.liveIn(await loadAnew())).toEqual(load.live);
    }
    const blocks = readdirSync(join(server.dir, 'jetstream', 'jetstream', '$G', 'streams', 'objects', 'msgs')).filter((file) => file.endsWith('.blk'));
    expect(blocks.length).toBeGreaterThan(2);
    expect(removed).toBeGreaterThan(10_000);
    expect(load.failures.filter((error) => !hasReason(error, 'Unavailable', 'Timeout'))).toEqual([]);
    expect(reader.snapshots).toHaveLength(1);
    const sequences = reader.entries.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
    const seen = new Map(reader.entries.map(({ sequence, messageId }) => [sequence, messageId]));
    expect([...load.acknowledged].filter(([sequence, messageId]) => seen.get(sequence) !== messageId)).toEqual([]);
    expect([...seen].filter(([sequence, messageId]) => !load.acknowledged.has(sequence) && !load.unsure.has(messageId))).toEqual([]);
    await reader.stop();
  }, 120_000);

  it('is compacted again after a kill -9 in the midst of the purges', async () => {
    let purges = 0;
    let midst = (): void => undefined;
    const inTheMidst = new Promise<void>((resolve) => { midst = resolve; });
    const stream = await openNatsStream({ connection, clock: systemClock, stream: 'objects', subjectPrefix: 'kube', replicas: 1, duplicateWindowMs: 120_000 });
    const counted: LogStream = {
      publish: (write, timeoutMs) => stream.publish(write, timeoutMs), follow: (options, reader) => stream.follow(options, reader),
      firstFrom: (subject, sequence) => stream.firstFrom(subject, sequence), lastOf: (subject) => stream.lastOf(subject), close: () => stream.close(),
      purge: async (subject, below) => {
        await stream.purge(subject, below);
        if (++purges === 50) midst();
      },
    };
    const log = createObjectLog({ stream: counted, clock: systemClock, random: systemRandom, ...limits });
    opened.push(log);
    const load = new Load(log, seededRandom(11));
    await load.run(10_000);
    const reader = new Watcher(log);
    await reader.until(() => reader.snapshots.length === 1);
    const compaction = log.compact(await log.barrier()).catch((error: unknown) => error);
    await inTheMidst;
    await server.kill9();
    await server.restart();
    expect(await compaction).toMatchObject({ reason: 'Unavailable' });
    await load.run(2_000);
    expect(load.liveIn(await loadAnew())).toEqual(load.live);
    const again = await log.compact(await barrier(log));
    expect(again.live).toBe(load.live.length);
    expect(load.liveIn(await loadAnew())).toEqual(load.live);
    await reader.reached(await barrier(log));
    expect(reader.snapshots).toHaveLength(1);
    await reader.stop();
  }, 60_000);
});

describe('the log over a nats-server that is stopped and started again', () => {
  it('lets calls wait within their deadlines, fails the others with Unavailable, and readers go on where they stood', async () => {
    const log = await openLog();
    const reader = new Watcher(log);
    const first = await put(log, 'a', 'create', 0);
    await reader.reached(first);
    await server.stop();
    await expect(log.publish(writeOf('late', 'create', 0), { timeoutMs: 100 })).rejects.toMatchObject({ reason: expect.stringMatching(/^(Unavailable|Timeout)$/) as string });
    await expect(log.publish(writeOf('late', 'create', 0), { timeoutMs: 100 })).rejects.toMatchObject({ reason: 'Unavailable' });
    await expect(log.barrier({ timeoutMs: 100 })).rejects.toMatchObject({ reason: 'Unavailable' });
    const waiting = put(log, 'a', 'update', first);
    await server.restart();
    const second = await waiting;
    await reader.reached(second);
    expect([...reader.snapshots.flatMap(({ entries }) => entries), ...reader.entries].filter(({ key }) => key.name === 'a').map(({ sequence }) => sequence)).toEqual([first, second]);
    expect(reader.snapshots).toHaveLength(1);
    await reader.stop();
  }, 60_000);
});
