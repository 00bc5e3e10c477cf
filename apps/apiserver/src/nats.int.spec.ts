import { configMaps, pods } from '@navarch/api';
import { hasReason, silentLogger, systemClock, systemRandom } from '@navarch/base';
import type { ApiClient, WatchEvent } from '@navarch/client';
import type { ConfigMap } from '@navarch/proto/k8s/io/api/core/v1/core';
import { connectNats, connectNatsLog, type NatsConnection } from '@navarch/store-nats';
import { startNatsServer, type NatsServer } from '@navarch/store-nats/testing';
import type { ObjectLog } from '@navarch/store';

import { createApiBed, type ApiBed } from './testing/api-bed';

jest.setTimeout(120_000);

let nats: NatsServer;
const connections: NatsConnection[] = [];
const beds: ApiBed[] = [];

async function replica(): Promise<ApiBed> {
  const connection = await connectNats({ servers: nats.url });
  connections.push(connection);
  const open = (name: string): Promise<ObjectLog> => connectNatsLog({ connection, clock: systemClock, random: systemRandom, logger: silentLogger, stream: name, subjectPrefix: `kube-${name}` });
  const bed = await createApiBed({ logs: { objects: await open('objects'), events: await open('events') } });
  beds.push(bed);
  return bed;
}

beforeAll(async () => {
  nats = await startNatsServer();
});
afterAll(async () => {
  for (const bed of beds) await bed.close();
  for (const connection of connections) await connection.close();
  await nats.close();
});

const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({ metadata: { name, namespace: 'default' }, data });

describe('on a real nats-server', () => {
  it('two replicas of one log: what one acknowledged the other serves, and watches of both see the same', async () => {
    const [a, b] = [await replica(), await replica()];
    const [first, second] = [await a.client(), await b.client()];
    const stopping = new AbortController();
    const { resourceVersion } = await first.resource(configMaps).list();
    const watches = [first, second].map((client) => take(client, resourceVersion, 20, stopping.signal));
    for (let n = 0; n < 20; n++) {
      const [writer, reader] = n % 2 ? [first, second] : [second, first];
      const made = await writer.resource(configMaps).create(configMap(`both-${n}`));
      expect((await reader.resource(configMaps).get('default', `both-${n}`)).metadata?.resourceVersion).toBe(made.metadata?.resourceVersion);
    }
    const [ofFirst, ofSecond] = await Promise.all(watches);
    expect(ofFirst?.map(describeEvent)).toEqual(ofSecond?.map(describeEvent));
    stopping.abort();
  });

  it('a pod bound through two replicas at once is bound once', async () => {
    const [first, second] = await Promise.all(beds.map((bed) => bed.client()));
    if (!first || !second) throw new Error('two replicas are needed');
    for (let n = 0; n < 10; n++) {
      const name = `race-${n}`;
      await first.resource(pods).create({ metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'busybox' }] } });
      const results = await Promise.allSettled([first, second].map((client, at) => client.bindPod({ metadata: { namespace: 'default', name }, target: { kind: 'Node', name: `node-${at}` } })));
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const result of results) if (result.status === 'rejected') expect(hasReason(result.reason, 'Conflict')).toBe(true);
    }
  });

  it('NATS killed and started again under load: no acknowledged write is lost, nothing deleted comes back, no watcher misses an event', async () => {
    const client = await (beds[0] as ApiBed).client();
    const stopping = new AbortController();
    const { resourceVersion } = await client.resource(configMaps).list();
    const seen: WatchEvent<ConfigMap>[] = [];
    const watching = (async () => {
      for await (const event of client.resource(configMaps).watch({ resourceVersion, signal: stopping.signal })) seen.push(event);
    })().catch((error: unknown) => {
      if (!stopping.signal.aborted) throw error;
    });
    const acknowledged = new Map<string, string>();
    const deleted: string[] = [];
    const refused: unknown[] = [];
    let next = 0;
    const write = async (until: number): Promise<void> => {
      for (let n = next++; n < until; n = next++) {
        try {
          const made = await client.resource(configMaps).create(configMap(`load-${n}`), { timeoutMs: 20_000 });
          acknowledged.set(`load-${n}`, made.metadata?.resourceVersion ?? '');
          if (n % 5 === 0) {
            await client.resource(configMaps).delete('default', `load-${n}`, { timeoutMs: 20_000 });
            acknowledged.delete(`load-${n}`);
            deleted.push(`load-${n}`);
          }
        } catch (error) {
          refused.push(error);
        }
      }
    };
    const load = Promise.all(Array.from({ length: 8 }, () => write(400)));
    await nats.kill9();
    await nats.restart();
    await load;
    const after = await client.resource(configMaps).list({ namespace: 'default', timeoutMs: 20_000 });
    const present = new Map(after.items.map(({ metadata }) => [metadata?.name ?? '', metadata?.resourceVersion ?? '']));
    for (const [name, version] of acknowledged) expect([name, present.get(name)]).toEqual([name, version]);
    for (const name of deleted) expect(present.has(name)).toBe(false);
    for (const error of refused) expect(hasReason(error, 'Unavailable', 'Timeout')).toBe(true);
    await client.resource(configMaps).create(configMap('last'));
    while (!seen.some(({ object }) => object.metadata?.name === 'last')) await new Promise((resolve) => setImmediate(resolve));
    const added = new Set(seen.filter(({ type }) => type === 'ADDED').map(({ object }) => object.metadata?.name));
    for (const name of [...acknowledged.keys(), ...deleted]) expect(added.has(name)).toBe(true);
    const versions = seen.filter(({ type }) => type !== 'BOOKMARK').map(({ resourceVersion: version }) => Number(version));
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    stopping.abort();
    await watching;
  });

  it('while NATS is away, reads that may be old are served, and all else waits within its deadline and fails with Unavailable', async () => {
    const client = await (beds[0] as ApiBed).client();
    await client.resource(configMaps).create(configMap('before'));
    await nats.stop();
    expect((await client.resource(configMaps).get('default', 'before', { resourceVersion: '0' })).metadata?.name).toBe('before');
    const [read, write] = await Promise.allSettled([
      client.resource(configMaps).get('default', 'before', { timeoutMs: 1_500 }), client.resource(configMaps).create(configMap('during'), { timeoutMs: 1_500 }),
    ]);
    expect(read).toMatchObject({ status: 'rejected', reason: { reason: 'Unavailable' } });
    expect(write).toMatchObject({ status: 'rejected', reason: { reason: expect.stringMatching(/^(Unavailable|Timeout)$/) } });
    const waiting = client.resource(configMaps).get('default', 'before', { timeoutMs: 30_000 });
    await nats.restart();
    expect((await waiting).metadata?.name).toBe('before');
  });

  it('a replica started anew serves everything that was written before it', async () => {
    const before = await (await (beds[0] as ApiBed).client()).resource(configMaps).list();
    const after = await (await (await replica()).client()).resource(configMaps).list();
    expect(after.items).toEqual(before.items);
  });
});

async function take(client: ApiClient, resourceVersion: string, count: number, signal: AbortSignal): Promise<WatchEvent<ConfigMap>[]> {
  const events: WatchEvent<ConfigMap>[] = [];
  for await (const event of client.resource(configMaps).watch({ resourceVersion, signal })) {
    if (event.type !== 'BOOKMARK') events.push(event);
    if (events.length === count) break;
  }
  return events;
}

const describeEvent = ({ type, object, resourceVersion }: WatchEvent<ConfigMap>): string => `${type} ${object.metadata?.name} ${resourceVersion}`;
