import { createServer, type AddressInfo } from 'node:net';

import { silentLogger, systemClock, systemRandom, type ApiError } from '@navarch/base';
import { createAuthority, issueCertificate } from '@navarch/service';
import { jetstreamManager } from '@nats-io/jetstream';

import { connectNats, connectNatsLog, watchLogSizes } from './index';
import { startNatsServer, type NatsServer, type NatsServerOptions } from './testing';

const servers: NatsServer[] = [];
const start = async (options?: NatsServerOptions): Promise<NatsServer> => {
  const server = await startNatsServer(options);
  servers.push(server);
  return server;
};

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

interface Certificate { readonly cert: string; readonly key: string }

async function makeCertificates(): Promise<{ ca: string; server: Certificate; client: Certificate }> {
  const ca = await createAuthority({ commonName: 'test-ca' });
  const issue = async (commonName: string): Promise<Certificate> => {
    const { certificate, key } = await issueCertificate(ca, { commonName, usages: ['client', 'server'], dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] });
    return { cert: certificate, key };
  };
  return { ca: ca.certificate, server: await issue('nats'), client: await issue('apiserver') };
}

describe('connectNats', () => {
  it('connects over TLS with a client certificate, a user and a password', async () => {
    const pki = await makeCertificates();
    const server = await start({ tls: { ca: pki.ca, ...pki.server, verifyClients: true }, auth: { user: 'navarch', password: 'secret' } });
    const connection = await connectNats({ servers: server.url, tls: { ca: pki.ca, ...pki.client }, credentials: { user: 'navarch', password: 'secret' } });
    const log = await connectNatsLog({ connection, clock: systemClock, random: systemRandom, stream: 'objects' });
    expect(await log.barrier()).toBeGreaterThan(0);
    await log.close();
    await connection.close();
  });

  it('says that TLS failed where the server\'s certificate is not of the given CA', async () => {
    const [pki, other] = [await makeCertificates(), await makeCertificates()];
    const server = await start({ tls: { ca: pki.ca, ...pki.server } });
    await expect(connectNats({ servers: server.url, tls: { ca: other.ca } })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('TLS failed') as string });
  });

  it('says Unauthorized where the password is wrong', async () => {
    const server = await start({ auth: { user: 'navarch', password: 'secret' } });
    await expect(connectNats({ servers: server.url, credentials: { user: 'navarch', password: 'wrong' } })).rejects.toMatchObject({ reason: 'Unauthorized' });
  });

  it('says what to do where JetStream is off', async () => {
    const server = await start({ jetstream: false });
    await expect(connectNats({ servers: server.url })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('--jetstream') as string });
  });

  it('says what to do where max_payload is too small', async () => {
    const server = await start({ maxPayload: 1024 * 1024 });
    await expect(connectNats({ servers: server.url })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('set max_payload to 8MB') as string });
  });

  it('says which version is needed where the server is too old', async () => {
    // No such server is to be had: this one only says that it is one.
    const old = createServer((socket) => {
      socket.write(`INFO ${JSON.stringify({ server_id: 'x', version: '2.8.4', proto: 1, headers: true, jetstream: true, max_payload: 16 << 20 })}\r\n`);
      socket.on('data', (data) => { if (data.includes('PING')) socket.write('PONG\r\n'); });
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
    const servers = `127.0.0.1:${(old.address() as AddressInfo).port}`;
    await expect(connectNats({ servers, timeoutMs: 5_000 })).rejects.toThrow(/nats-server 2\.8\.4 is too old: Navarch needs \d+\.\d+/);
    await new Promise((resolve) => old.close(resolve));
  });

  it('says Unavailable where nobody listens in time, and Canceled where its caller gave up', async () => {
    const server = await start();
    await server.stop();
    await expect(connectNats({ servers: server.url, timeoutMs: 300 })).rejects.toMatchObject({ reason: 'Unavailable', message: expect.stringContaining(server.url) as string });
    const controller = new AbortController();
    const connecting = connectNats({ servers: server.url, signal: controller.signal });
    controller.abort();
    await expect(connecting).rejects.toMatchObject({ reason: 'Canceled' });
  });

  it('waits for a server that starts later', async () => {
    const server = await start();
    await server.stop();
    const connecting = connectNats({ servers: server.url });
    await server.restart();
    const connection = await connecting;
    expect(connection.isClosed()).toBe(false);
    await connection.close();
  });
});

describe('connectNatsLog', () => {
  it('makes a stream without any limit, with one message per id for longer than any call', async () => {
    const connection = await connectNats({ servers: (await start()).url });
    const log = await connectNatsLog({ connection, clock: systemClock, random: systemRandom, stream: 'objects' });
    const { config } = await (await jetstreamManager(connection)).streams.info('objects');
    expect(config).toMatchObject({ max_msgs: -1, max_bytes: -1, max_age: 0, max_msgs_per_subject: -1, duplicate_window: 120_000_000_000, num_replicas: 1, storage: 'file', subjects: ['kube.>'], deny_delete: true });
    await log.close();
    await connection.close();
  });

  it('refuses a stream that could lose messages, naming the settings', async () => {
    const connection = await connectNats({ servers: (await start()).url });
    await (await jetstreamManager(connection)).streams.add({ name: 'objects', subjects: ['kube.>'], max_msgs_per_subject: 5, max_age: 1_000_000_000_000 });
    const failure = await connectNatsLog({ connection, clock: systemClock, random: systemRandom, stream: 'objects' }).catch((error: unknown) => error as ApiError);
    expect(failure).toMatchObject({ reason: 'Invalid', message: expect.stringMatching(/max_age must be 0.*max_msgs_per_subject must be -1/) as string });
    await connection.close();
  });

  it('refuses a duplicate window that is not longer than the longest call', async () => {
    const connection = await connectNats({ servers: (await start()).url });
    await expect(connectNatsLog({ connection, clock: systemClock, random: systemRandom, stream: 'objects', duplicateWindowMs: 60_000 })).rejects.toMatchObject({ reason: 'Invalid' });
    await connection.close();
  });

  it('refuses a body beyond max_payload with RequestEntityTooLarge', async () => {
    const connection = await connectNats({ servers: (await start()).url });
    const log = await connectNatsLog({ connection, clock: systemClock, random: systemRandom, stream: 'objects' });
    const key = { group: '', resource: 'configmaps', namespace: 'default', name: 'big' };
    await expect(log.publish({ key, verb: 'create', uid: 'u', messageId: 'm', expectedSequence: 0, body: new Uint8Array(8 * 1024 * 1024 + 1) })).rejects.toMatchObject({ reason: 'RequestEntityTooLarge' });
    await log.close();
    await connection.close();
  });
});

describe('the size of a log', () => {
  it('is told for metrics: its bytes, writes and last sequence, again and again', async () => {
    const server = await start();
    const connection = await connectNats({ servers: server.url });
    const log = await connectNatsLog({ connection, clock: systemClock, random: systemRandom, stream: 'objects' });
    const ended = new AbortController();
    const sizes = watchLogSizes({ connection, clock: systemClock, logger: silentLogger, streams: { objects: 'objects' }, signal: ended.signal, intervalMs: 20 });
    const [before, after] = [await log.barrier(), await log.barrier()];
    expect(after).toBeGreaterThan(before);
    const told = (name: string): number => Number(new RegExp(`^navarch_log_${name}\\{log="objects"\\} (\\d+)$`, 'm').exec(sizes.text())?.[1] ?? 0);
    while (told('last_sequence') < after) await new Promise((resolve) => { setTimeout(resolve, 5); });
    expect([told('bytes'), told('messages')].map((value) => value > 0)).toEqual([true, true]);
    ended.abort(new Error('over'));
    await sizes.done;
    await log.close();
    await connection.close();
  });
});
