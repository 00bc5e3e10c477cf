import { systemClock, systemRandom } from '@navarch/base';
import { createObjectLog, withFaults, type LogStream } from '@navarch/store';
import { objectLogContract, type LogHarness, type OpenLog } from '@navarch/store/testing';
import { jetstreamManager } from '@nats-io/jetstream';

import { connectNats, connectNatsLog, openNatsStream, type NatsConnection } from './index';
import { startNatsServer, type NatsServer } from './testing';

let server: NatsServer;
let connection: NatsConnection;
let streams = 0;

beforeAll(async () => {
  server = await startNatsServer();
  connection = await connectNats({ servers: server.url });
});

afterAll(async () => {
  await connection.close();
  await server.close();
});

objectLogContract('JetStream', makeHarness);

async function makeHarness(): Promise<LogHarness> {
  const [clock, random] = [systemClock, systemRandom];
  const manager = await jetstreamManager(connection);
  const name = `objects${++streams}`;
  // Streams of one server may not share subjects, so each test has its own only after the one before has gone.
  const shape = { connection, clock, stream: name, subjectPrefix: 'kube', replicas: 1, duplicateWindowMs: 120_000 };
  const stream = await openNatsStream(shape);
  const opened: { close(): Promise<void> }[] = [stream];
  return {
    clock, stream,
    open: async ({ wrap = (inner: LogStream) => inner, ...options } = {}): Promise<OpenLog> => {
      const own = await openNatsStream(shape);
      const line = withFaults(wrap(own), { clock, random });
      const log = { ...createObjectLog({ stream: line, clock, random, ...options }), line };
      opened.push(log, own);
      return log;
    },
    openEvents: async () => {
      const log = await connectNatsLog({ connection, clock, random, stream: `${name}-events`, subjectPrefix: 'events' });
      opened.push(log);
      return log;
    },
    recreate: async (firstSequence) => {
      await manager.streams.delete(name);
      await openNatsStream(shape);
      if (firstSequence > 1) await manager.streams.purge(name, { seq: firstSequence });
    },
    run: (promise) => promise,
    close: async () => {
      for (const one of opened) await one.close();
      for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
    },
  };
}
