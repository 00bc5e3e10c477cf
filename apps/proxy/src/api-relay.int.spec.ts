import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import { silentLogger } from '@navarch/base';

import { startApiRelay, type ApiRelay } from './api-relay';

describe('the relay to the API server', () => {
  let directory: string;
  let target: Server;
  let relay: ApiRelay;
  let accepted: Socket[];
  const path = (): string => join(directory, 'api.sock');

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'relay-'));
    accepted = [];
    target = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.push(socket);
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => target.listen(path(), resolve));
    relay = await startApiRelay(`127.0.0.1:0=unix:${path()}`, silentLogger);
  });
  afterEach(async () => {
    await relay.close();
    await new Promise<void>((resolve) => {
      target.close(() => resolve());
      for (const socket of accepted) socket.destroy();
    });
    rmSync(directory, { recursive: true });
  });

  const dial = (allowHalfOpen = false): Socket => connect({ host: '127.0.0.1', port: Number(relay.address.split(':')[1]), allowHalfOpen });

  it('carries every byte both ways, also after the client has ended its half', async () => {
    const sent = Buffer.alloc(3_000_000, 'navarch');
    const client = dial(true);
    client.end(sent);
    expect(Buffer.compare(await buffer(client), sent)).toBe(0);
  });

  it('ends the client’s connection when the target goes, and the target’s when the client goes', async () => {
    const client = dial();
    client.write('x');
    await new Promise((resolve) => client.once('data', resolve));
    accepted[0]?.destroy();
    await new Promise((resolve) => client.once('close', resolve).resume());
    const second = dial();
    second.write('x');
    await new Promise((resolve) => second.once('data', resolve));
    const gone = new Promise((resolve) => accepted[1]?.once('close', resolve));
    second.destroy();
    await gone;
  });

  it('a target that is not there ends the connection at once, and the relay goes on', async () => {
    const elsewhere = await startApiRelay(`127.0.0.1:0=unix:${path()}.none`, silentLogger);
    for (let tries = 0; tries < 2; tries++) {
      const client = connect(Number(elsewhere.address.split(':')[1]), '127.0.0.1');
      client.on('error', () => undefined);
      await new Promise((resolve) => client.once('close', resolve).resume());
    }
    await elsewhere.close();
  });

  it.each(['nonsense', '127.0.0.1:1', 'unix:/a=unix:/b', '127.0.0.1:1=127.0.0.1:2'])('refuses %s', async (spec) => {
    await expect(startApiRelay(spec, silentLogger)).rejects.toThrow(/is not|give host:port/);
  });
});
