/**
 * The object log's figures: `npx tsx tools/bench/store.ts [--short]`. JetStream is measured with and without the library in turns, in one run against
 * one nats-server, so that their ratio means something whatever the machine does. Prints a table and one line of JSON.
 */
import { systemClock, systemRandom } from '@navarch/base';
import { createMemoryLog, subjectOf, type ObjectKey, type ObjectLog } from '@navarch/store';
import { connectNats, connectNatsLog, type NatsConnection } from '@navarch/store-nats';
import { startNatsServer } from '@navarch/store-nats/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';

const short = process.argv.includes('--short');
const rounds = short ? 3 : 5;
const pipelinedWrites = short ? 5_000 : 10_000;
const serialWrites = short ? 500 : 1_000;
const loadedObjects = short ? 20_000 : 100_000;
const inFlight = 64;
const keys = 5_000;
const body = new Uint8Array(1_024).fill(120);

/** Writes the key's next version after the sequence it was last given, and returns the new one. */
type Write = (key: ObjectKey, id: string, expectedSequence: number) => Promise<number>;

const keyOfIndex = (index: number): ObjectKey => ({ group: '', resource: 'pods', namespace: 'bench', name: `pod-${index}` });

function throughLibrary(log: ObjectLog): Write {
  return async (key, messageId, expectedSequence) => {
    const result = await log.publish({ key, verb: expectedSequence === 0 ? 'create' : 'update', uid: 'b7ad6b71-6920-4331-8448-eb211c80319c', messageId, expectedSequence, body, traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', origin: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' });
    if (result.outcome !== 'committed') throw new Error(JSON.stringify(result));
    return result.sequence;
  };
}

async function withoutLibrary(connection: NatsConnection): Promise<Write> {
  const client = jetstream(connection);
  await (await jetstreamManager(connection)).streams.add({ name: 'raw', subjects: ['raw.>'] });
  return async (key, msgID, lastSubjectSequence) => (await client.publish(subjectOf(key, 'raw'), body, { msgID, expect: { lastSubjectSequence } })).seq;
}

let nextId = 0;

/** Writes per second; `width` writers, each with keys of its own. */
async function rate(write: Write, sequences: number[], writes: number, width: number): Promise<number> {
  const startMs = systemClock.monotonic();
  let left = writes;
  await Promise.all(Array.from({ length: width }, async (_, writer) => {
    for (let key = writer; left > 0; key = (key + width) % keys) {
      left--;
      sequences[key] = await write(keyOfIndex(key), `bench-${nextId++}`, sequences[key] ?? 0);
    }
  }));
  return writes / ((systemClock.monotonic() - startMs) / 1_000);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Milliseconds until a new reader has the snapshot. */
async function loadMs(log: ObjectLog, expected: number): Promise<number> {
  const controller = new AbortController();
  const startMs = systemClock.monotonic();
  for await (const event of log.watchFrom(undefined, { signal: controller.signal })) {
    if (event.type !== 'snapshot' || event.entries.length !== expected) throw new Error(`expected a snapshot of ${expected}, got ${event.type}`);
    controller.abort();
    break;
  }
  return systemClock.monotonic() - startMs;
}

interface Figures {
  readonly raw: number[];
  readonly library: number[];
  readonly memory: number[];
}

async function writeFigures(subjects: Readonly<Record<keyof Figures, Write>>, writes: number, width: number, sequences: Readonly<Record<keyof Figures, number[]>>): Promise<Figures> {
  const figures: Figures = { raw: [], library: [], memory: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const name of ['raw', 'library', 'memory'] as const) {
      const perSecond = await rate(subjects[name], sequences[name], writes, width);
      // The first round warms up.
      if (round > 0) figures[name].push(perSecond);
    }
  }
  return figures;
}

async function main(): Promise<void> {
  const server = await startNatsServer();
  const connection = await connectNats({ servers: server.url });
  const common = { connection, clock: systemClock, random: systemRandom };
  const log = await connectNatsLog({ ...common, stream: 'objects' });
  const loaded = await connectNatsLog({ ...common, stream: 'loaded', subjectPrefix: 'loaded' });
  try {
    const subjects = { raw: await withoutLibrary(connection), library: throughLibrary(log), memory: throughLibrary(createMemoryLog({ clock: systemClock })) };
    const sequences = { raw: [], library: [], memory: [] };
    const pipelined = await writeFigures(subjects, pipelinedWrites, inFlight, sequences);
    const serial = await writeFigures(subjects, serialWrites, 1, sequences);
    const fill = throughLibrary(loaded);
    let next = 0;
    await Promise.all(Array.from({ length: 256 }, async () => {
      while (next < loadedObjects) await fill(keyOfIndex(next++), `load-${next}`, 0);
    }));
    const loads: number[] = [];
    for (let round = 0; round < 3; round++) loads.push(await loadMs(loaded, loadedObjects));
    report(pipelined, serial, median(loads));
  } finally {
    await Promise.all([log.close(), loaded.close()]);
    await connection.close();
    await server.close();
  }
}

function report(pipelined: Figures, serial: Figures, load: number): void {
  const row = (what: string, { raw, library, memory }: Figures): Record<string, string | number> => ({
    what, 'JetStream/s': Math.round(median(raw)), 'library/s': Math.round(median(library)), 'library/JetStream': Number((median(library) / median(raw)).toFixed(2)), 'memory/s': Math.round(median(memory)),
  });
  const rows = [row(`CAS writes, ${inFlight} in flight`, pipelined), row('CAS writes, serial', serial)];
  console.table(rows);
  console.log(`load of ${loadedObjects} objects: ${Math.round(load)} ms (median of 3)`);
  console.log(JSON.stringify({ bench: 'store', rounds, bodyBytes: body.length, rows, loadedObjects, loadMs: Math.round(load) }));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
