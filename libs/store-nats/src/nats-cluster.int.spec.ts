import { ApiError, hasReason, seededRandom, sleep, systemClock, systemRandom } from '@navarch/base';
import type { ObjectLog } from '@navarch/store';
import { Watcher } from '@navarch/store/testing';
import { jetstreamManager } from '@nats-io/jetstream';

import { connectNats, connectNatsLog, type NatsConnection } from './index';
import { Load, startNatsCluster, type NatsCluster } from './testing';

// An election takes JetStream seconds; calls that meet one may time out, which must then be true: outcome unknown.
const limits = { maxTimeoutMs: 5_000, defaultTimeoutMs: 5_000, attemptTimeoutMs: 1_000, graceMs: 5_000 };

let cluster: NatsCluster;
const connections: NatsConnection[] = [];
const logs: ObjectLog[] = [];

beforeEach(async () => {
  cluster = await startNatsCluster(3);
}, 30_000);

afterEach(async () => {
  for (const log of logs.splice(0)) await log.close();
  for (const connection of connections.splice(0)) await connection.close();
  await cluster.close();
}, 30_000);

/** Asks again until the servers have found each other and chosen who leads: what `Unavailable` invites to. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!hasReason(error, 'Unavailable', 'Timeout', 'Invalid')) throw error;
      await sleep(systemClock, 100);
    }
  }
}

async function connect(servers: string | readonly string[]): Promise<NatsConnection> {
  const connection = await eventually(() => connectNats({ servers }));
  connections.push(connection);
  return connection;
}

async function openLog(servers: string | readonly string[] = cluster.urls): Promise<ObjectLog> {
  const connection = await connect(servers);
  const log = await eventually(() => connectNatsLog({ connection, clock: systemClock, random: systemRandom, stream: 'objects', replicas: 3, ...limits }));
  logs.push(log);
  return log;
}

/** Which server leads the stream, asked through a server that is not cut off. */
async function leaderOf(connection: NatsConnection): Promise<number> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return eventually(async () => {
    const info = await manager.streams.info('objects').catch((error: unknown) => { throw new ApiError('Unavailable', 'no answer', {}, { cause: error }); });
    if (!info.cluster?.leader || info.cluster.replicas?.some(({ current }) => !current)) throw new ApiError('Unavailable', 'no leader, or copies that lag');
    return cluster.indexOf(info.cluster.leader);
  });
}

/** All that three writers, each at a server of its own, know after their load. */
function judge(loads: readonly Load[], reader: Watcher): void {
  const acknowledged = loads.flatMap((load) => [...load.acknowledged]);
  const unsure = new Set(loads.flatMap((load) => [...load.unsure]));
  const seen = new Map(reader.entries.map(({ sequence, messageId }) => [sequence, messageId]));
  const sequences = reader.entries.map(({ sequence }) => sequence);
  expect(reader.snapshots).toHaveLength(1);
  expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
  expect(new Set(acknowledged.map(([sequence]) => sequence)).size).toBe(acknowledged.length);
  expect(acknowledged.filter(([sequence, messageId]) => seen.get(sequence) !== messageId)).toEqual([]);
  const known = new Set(acknowledged.map(([, messageId]) => messageId));
  expect([...seen.values()].filter((messageId) => !known.has(messageId) && !unsure.has(messageId))).toEqual([]);
  expect(loads.flatMap(({ failures }) => failures).filter((error) => !hasReason(error, 'Unavailable', 'Timeout'))).toEqual([]);
}

async function judgeLoadedAnew(loads: readonly Load[]): Promise<void> {
  const watcher = new Watcher(await openLog());
  await watcher.until(() => watcher.snapshots.length === 1);
  for (const load of loads) {
    const own = new Set(load.live.map(([name]) => name));
    expect(load.liveIn(watcher).filter(([name]) => own.has(name))).toEqual(load.live);
  }
  await watcher.stop();
}

interface Writers {
  readonly logs: readonly ObjectLog[];
  readonly loads: readonly Load[];
  write(count: number): Promise<unknown>;
}

/** Three writers, each with keys of its own. */
async function writersAt(serversOf: (index: number) => string | readonly string[]): Promise<Writers> {
  const own: ObjectLog[] = [];
  for (const index of cluster.servers.keys()) own.push(await openLog(serversOf(index)));
  const loads = own.map((log, index) => new Load(log, seededRandom(index + 1), `s${index}-`));
  return { logs: own, loads, write: (count) => Promise.all(loads.map((load) => load.run(count))) };
}

describe('the log on three nats-servers with three copies of every write (R3)', () => {
  it('loses no acknowledged write when the leader is killed under load, and goes on with the two others', async () => {
    const { loads, write } = await writersAt(() => cluster.urls);
    const reader = new Watcher(await openLog());
    await reader.until(() => reader.snapshots.length === 1);
    const observer = await connect(cluster.urls);
    for (let round = 0; round < 2; round++) {
      await write(500);
      const leader = await leaderOf(observer);
      const before = reader.entries.length;
      const writing = write(2_000);
      await reader.until(() => reader.entries.length > before + 200);
      await cluster.servers[leader]?.kill9();
      await writing;
      const alone = await openLog(cluster.urls.filter((_, index) => index !== leader));
      await eventually(() => alone.barrier());
      await cluster.servers[leader]?.restart();
      await reader.reached(await eventually(() => alone.barrier()));
    }
    judge(loads, reader);
    await judgeLoadedAnew(loads);
    await reader.stop();
  }, 120_000);

  it('loses no acknowledged write, and acknowledges none twice over, when the leader is cut off from the others under load', async () => {
    const { logs: own, loads, write } = await writersAt((index) => cluster.urls.slice(index, index + 1));
    const observer = await connect(cluster.urls);
    const leader = await leaderOf(observer);
    const others = cluster.urls.filter((_, index) => index !== leader);
    const majority = await openLog(others);
    const reader = new Watcher(majority);
    await reader.until(() => reader.snapshots.length === 1);
    const writing = write(2_000);
    await reader.until(() => reader.entries.length > 200);
    cluster.cutOff(leader);
    await eventually(() => majority.barrier());
    await expect(own[leader]?.barrier()).rejects.toMatchObject({ reason: expect.stringMatching(/^(Unavailable|Timeout)$/) as string });
    await writing;
    cluster.heal(leader);
    await reader.reached(await eventually(() => majority.barrier()));
    judge(loads, reader);
    await judgeLoadedAnew(loads);
    await reader.stop();
  }, 120_000);
});
