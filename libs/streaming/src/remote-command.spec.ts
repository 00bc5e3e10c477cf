import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import type { JsonObject } from '@navarch/api';
import { WebSocket, WebSocketServer } from 'ws';

import { pieceQueue } from './byte-queue';
import { exitStatus, failureStatus, joinCommand, type CommandStreams, type RunningCommand, type TerminalSize } from './remote-command';
import { spdyCaller, spdyCommand } from './spdy-command';
import { webSocketCaller, type CommandProtocol } from './websocket-command';

const all: CommandStreams = { stdin: true, stdout: true, stderr: true, tty: false };

/** A command like `cat; echo done >&2; exit CODE`, with what it was told. */
function fakeCommand(exitCode: number): RunningCommand & { readonly sizes: TerminalSize[]; readonly closed: () => boolean } {
  const [stdout, stderr] = [pieceQueue<Buffer>(), pieceQueue<Buffer>()];
  const sizes: TerminalSize[] = [];
  let closed = false;
  let settle: (status: JsonObject) => void = () => undefined;
  const status = new Promise<JsonObject>((resolve) => { settle = resolve; });
  return {
    stdout, stderr, status, sizes, closed: () => closed,
    stdin: (data) => { stdout.push(data); return Promise.resolve(); },
    endStdin: () => {
      stderr.push(Buffer.from('done'));
      stdout.end();
      stderr.end();
      settle(exitStatus(exitCode));
      return Promise.resolve();
    },
    resize: (size) => { sizes.push(size); return Promise.resolve(); },
    close: () => { closed = true; stdout.end(); stderr.end(); settle(failureStatus('closed')); },
  };
}

async function socketPair(): Promise<[client: Socket, server: Socket, close: () => void]> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [Socket];
  return [client, server, () => { client.destroy(); server.destroy(); listener.close(); }];
}

async function text(pieces: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts).toString();
}

describe('exec over SPDY, caller to command', () => {
  it.each([[0, 'Success'], [3, 'Failure']])('carries input, both outputs and exit code %i', async (code, outcome) => {
    const [near, far, close] = await socketPair();
    const command = fakeCommand(code);
    const serving = spdyCaller(far, all, 5_000).then((caller) => joinCommand(caller, command));
    const session = await spdyCommand(near, all);
    await session.stdin(Buffer.from('hello '));
    await session.stdin(Buffer.from('world'));
    await session.endStdin();
    expect(await Promise.all([text(session.stdout), text(session.stderr)])).toEqual(['hello world', 'done']);
    const status = await session.status;
    expect(status['status']).toBe(outcome);
    if (code !== 0) expect((status['details'] as JsonObject)['causes']).toEqual([{ reason: 'ExitCode', message: '3' }]);
    await serving;
    close();
  });

  it('carries a terminal\'s sizes', async () => {
    const [near, far, close] = await socketPair();
    const command = fakeCommand(0);
    const terminal = { ...all, stderr: false, tty: true };
    const serving = spdyCaller(far, terminal, 5_000).then((caller) => joinCommand(caller, command));
    const session = await spdyCommand(near, terminal);
    await session.resize({ width: 80, height: 24 });
    await session.stdin(Buffer.from('x'));
    const first = await session.stdout[Symbol.asyncIterator]().next();
    expect((first.value as Buffer).toString()).toBe('x');
    expect(command.sizes).toEqual([{ width: 80, height: 24 }]);
    await session.endStdin();
    await serving;
    close();
  });

  it('refuses a caller that goes before its streams are open, and ends the command when the caller goes', async () => {
    const [near, far, close] = await socketPair();
    const early = expect(spdyCaller(far, all, 5_000)).rejects.toThrow('ended before');
    near.destroy();
    await early;
    close();
    const [near2, far2, close2] = await socketPair();
    const command = fakeCommand(0);
    const serving = spdyCaller(far2, all, 5_000).then((caller) => joinCommand(caller, command));
    const session = await spdyCommand(near2, all);
    near2.destroy();
    await serving;
    await session.status.catch(() => undefined);
    expect(command.closed()).toBe(true);
    close2();
  });
});

describe('exec over WebSocket', () => {
  async function withCaller(protocol: CommandProtocol, work: (client: WebSocket, received: Buffer[], command: ReturnType<typeof fakeCommand>) => Promise<void>): Promise<void> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: (offered) => (offered.has(protocol) ? protocol : false) });
    await once(server, 'listening');
    const command = fakeCommand(3);
    const joined = new Promise<void>((resolve) => server.on('connection', (socket) => void joinCommand(webSocketCaller(socket, protocol), command).then(resolve)));
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, protocol);
    const received: Buffer[] = [];
    client.on('message', (message: Buffer) => received.push(message));
    await once(client, 'open');
    await work(client, received, command);
    await joined;
    client.terminate();
    await new Promise((resolve) => server.close(resolve));
  }
  const channel = (number: number, received: readonly Buffer[]): string => Buffer.concat(received.filter(([first]) => first === number).map((message) => message.subarray(1))).toString();

  it('carries input, outputs, sizes and the exit code, and closes stdin by version 5\'s signal', async () => {
    await withCaller('v5.channel.k8s.io', async (client, received, command) => {
      client.send(Buffer.concat([Buffer.from([4]), Buffer.from('{"Width":100,"Height":30}')]));
      client.send(Buffer.concat([Buffer.from([0]), Buffer.from('hello')]));
      client.send(Buffer.from([255, 0]));
      await once(client, 'close');
      expect([channel(1, received), channel(2, received)]).toEqual(['hello', 'done']);
      expect(JSON.parse(channel(3, received))).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' });
      expect(command.sizes).toEqual([{ width: 100, height: 30 }]);
    });
  });

  it('ends input when the caller goes, and with it the command', async () => {
    await withCaller('v4.channel.k8s.io', async (client, _received, command) => {
      client.send(Buffer.concat([Buffer.from([0]), Buffer.from('hello')]));
      client.close();
      await once(client, 'close');
      await command.status;
      expect(command.closed()).toBe(true);
    });
  });
});

describe('the end of a command', () => {
  it('is told as Kubernetes tells it', () => {
    expect(exitStatus(0)).toEqual({ metadata: {}, status: 'Success' });
    expect(exitStatus(137)).toMatchObject({ reason: 'NonZeroExitCode', message: expect.stringContaining('exit code 137') as string });
    expect(failureStatus('no')).toMatchObject({ status: 'Failure', message: 'no', code: 500 });
  });
});
