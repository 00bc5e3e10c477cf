/** The kubelet's conversations over real gRPC, to a streaming server like containerd's on loopback. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { ApiError, silentLogger } from '@navarch/base';
import { KubeletServiceService, type DialRequest, type ExecRequest, type PortForwardRequest } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import { connectGrpc, createGrpcServer, grpcService, type GrpcChannel, type GrpcServer, type PeerIdentity } from '@navarch/service';
import { exitStatus, Pipe, spdyCaller, spdyPortForwardCaller, type CommandStreams } from '@navarch/streaming';

import { kubeletHttp } from '../http/kubelet-http';
import { createPodStreams, type StreamedPod } from './pod-streams';
import { streamHandlers } from './stream-handlers';

/** What a runtime's streaming server does with one-time URLs: `cat` for commands, an echo for ports other than 81. */
async function serve(path: string, transport: Duplex, gone: () => void): Promise<void> {
  if (path.startsWith('/portforward')) {
    for await (const { port, data, fail } of spdyPortForwardCaller(transport).connections) {
      data.on('error', () => undefined);
      if (port === 81) fail('connection refused on 81');
      else data.pipe(data);
    }
    return;
  }
  const streams: CommandStreams = { stdin: true, stdout: true, stderr: true, tty: path.endsWith('tty') };
  const caller = await spdyCaller(transport, streams, 5_000);
  caller.gone.addEventListener('abort', gone);
  if (path.endsWith('tty')) for await (const { width, height } of caller.resizes) { await caller.stdout(Buffer.from(`${width}x${height}`)); break; }
  for await (const data of caller.stdin) await caller.stdout(data);
  if (!streams.tty) await caller.stderr(Buffer.from('end'));
  await caller.finish(exitStatus(7));
}

describe('the kubelet\'s conversations', () => {
  let runtimeServer: Server;
  let server: GrpcServer;
  let channel: GrpcChannel;
  let peer: PeerIdentity | undefined;
  let base: string;
  const asked: unknown[] = [];
  let onGone = (): void => undefined;
  const transports = new Set<Duplex>();
  const pods: Record<string, StreamedPod> = {
    web: { sandboxId: 'sandbox-1', containerFor: (name) => (name === 'main' ? { id: 'c-1', running: true } : name === 'ended' ? { id: 'c-2', running: false } : undefined) },
    starting: { sandboxId: undefined, containerFor: () => undefined },
  };

  beforeAll(async () => {
    runtimeServer = createServer((_request, response) => { response.statusCode = 404; response.end('no such token'); });
    runtimeServer.on('upgrade', (request, socket) => {
      transports.add(socket);
      socket.on('error', () => undefined);
      if (request.url?.startsWith('/used')) return void socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\nno such token');
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n');
      return void serve(request.url ?? '', socket, () => onGone());
    });
    runtimeServer.listen(0, '127.0.0.1');
    await once(runtimeServer, 'listening');
    base = `http://127.0.0.1:${(runtimeServer.address() as AddressInfo).port}`;
    const streams = createPodStreams({
      workers: { byName: (namespace, name, uid) => (namespace === 'default' && (uid === undefined || uid === 'u1') ? pods[name] : undefined) },
      runtime: {
        exec: (id, command, selection) => { asked.push(['exec', id, command, selection]); return Promise.resolve(`${base}/${command[0] === 'used' ? 'used' : 'exec'}${selection.tty ? '/tty' : ''}`); },
        attach: (id, selection) => { asked.push(['attach', id, selection]); return Promise.resolve(`${base}/attach`); },
        portForward: (id) => { asked.push(['portForward', id]); return Promise.resolve(`${base}/portforward`); },
      },
    });
    const check = (): void => { if (!peer) throw new ApiError('Unauthorized', 'who are you?'); };
    const { exec, attach, portForward, dial } = KubeletServiceService;
    server = await createGrpcServer({ listen: ['127.0.0.1:0'], tls: 'insecure', logger: silentLogger, services: [grpcService({ exec, attach, portForward, dial }, streamHandlers(streams, () => kubeletHttp({ '/healthz': () => ({ contentType: 'text/plain', body: 'ok' }) }, silentLogger), check))] });
    channel = connectGrpc({ target: server.addresses[0] ?? '', tls: 'insecure' });
  });
  beforeEach(() => { peer = { commonName: 'apiserver', organizations: ['system:masters'] }; });
  afterAll(async () => {
    channel.close();
    await server.close(0);
    for (const transport of transports) transport.destroy();
    await new Promise((resolve) => runtimeServer.close(resolve));
  });

  const everything = { stdin: true, stdout: true, stderr: true };

  async function command(method: 'exec' | 'attach', messages: readonly ExecRequest[]): Promise<{ stdout: string; stderr: string; status: unknown }> {
    const requests = new Pipe<ExecRequest>(20);
    for (const message of messages) await requests.push(message);
    requests.end();
    const said = { stdout: '', stderr: '', status: undefined as unknown };
    for await (const { output = {} } of channel.bidi(KubeletServiceService[method], requests)) {
      said.stdout += Buffer.from(output.stdout ?? []).toString();
      said.stderr += Buffer.from(output.stderr ?? []).toString();
      said.status ??= output.status;
    }
    return said;
  }
  const start = (options: object, pod = 'web'): ExecRequest => ({ start: { namespace: 'default', pod, podUid: 'u1', options: { container: 'main', ...everything, ...options } } });

  it('exec: asks the runtime for the container\'s URL, and carries input, outputs and the exit code', async () => {
    const big = 'x'.repeat(500_000);
    const said = await command('exec', [start({ command: ['cat'] }), { input: { stdin: Buffer.from(big) } }, { input: { stdinClosed: true } }]);
    expect(said).toEqual({ stdout: big, stderr: 'end', status: expect.objectContaining({ reason: 'NonZeroExitCode', details: expect.objectContaining({ causes: [expect.objectContaining({ message: '7' })] }) }) });
    expect(asked.at(-1)).toEqual(['exec', 'c-1', ['cat'], { stdin: true, stdout: true, stderr: true, tty: false }]);
  });

  it('exec with a terminal: passes its size on, and has no stderr of its own', async () => {
    const said = await command('exec', [start({ command: ['sh'], tty: true }), { input: { resize: { width: 80, height: 24 } } }]);
    expect(said.stdout).toBe('80x24');
    expect(asked.at(-1)).toEqual(['exec', 'c-1', ['sh'], { stdin: true, stdout: true, stderr: false, tty: true }]);
  });

  it('attach: joins the container\'s process', async () => {
    expect((await command('attach', [start({}), { input: { stdin: Buffer.from('typed') } }])).stdout).toBe('typed');
    expect(asked.at(-1)).toEqual(['attach', 'c-1', { stdin: true, stdout: true, stderr: true, tty: false }]);
  });

  it('port-forward: carries connections to the pod\'s sandbox, and the runtime\'s words where one fails', async () => {
    const requests = new Pipe<PortForwardRequest>(20);
    await requests.push({ start: { namespace: 'default', pod: 'web' } });
    await requests.push({ frame: { connection: 1, port: 80 } });
    await requests.push({ frame: { connection: 1, data: Buffer.from('echo') } });
    await requests.push({ frame: { connection: 2, port: 81 } });
    const answers: Record<string, string> = {};
    for await (const { frame } of channel.bidi(KubeletServiceService.portForward, requests)) {
      if (frame?.data) answers[`${frame.connection} data`] = Buffer.from(frame.data).toString();
      if (frame?.failure) answers[`${frame.connection} failure`] = frame.failure;
      if (Object.keys(answers).length === 2) break;
    }
    expect(answers).toEqual({ '1 data': 'echo', '2 failure': 'connection refused on 81' });
    expect(asked.at(-1)).toEqual(['portForward', 'sandbox-1']);
  });

  it('dial: carries connections from the node to an address, and to the kubelet\'s own HTTP server', async () => {
    const { port } = new URL(base);
    const ask = async (address: string, at: number): Promise<string> => {
      const requests = new Pipe<DialRequest>(20);
      await requests.push({ start: { address } });
      await requests.push({ frame: { connection: 1, port: at } });
      await requests.push({ frame: { connection: 1, data: Buffer.from('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n') } });
      let said = '';
      for await (const { frame = {} } of channel.bidi(KubeletServiceService.dial, requests)) {
        said += frame.failure ?? Buffer.from(frame.data ?? []).toString();
        if (frame.failure !== undefined || /no such token$|ok$/.test(said)) break;
      }
      return said;
    };
    expect(await ask('127.0.0.1', Number(port))).toMatch(/^HTTP\/1.1 404 [^]*no such token$/);
    expect(await ask('', 10250)).toMatch(/^HTTP\/1.1 200 [^]*\r\n\r\nok$/);
    expect(await ask('127.0.0.1', 1)).toContain('ECONNREFUSED');
    await expect(ask('example.com', 80)).rejects.toMatchObject({ reason: 'BadRequest', message: expect.stringContaining('start.address') });
  });

  it('lets the runtime go when the caller does', async () => {
    const stop = new AbortController();
    const requests = new Pipe<ExecRequest>();
    await requests.push(start({ command: ['cat'] }));
    const answers = channel.bidi(KubeletServiceService.exec, requests, { signal: stop.signal });
    await answers.next();
    const told = new Promise<void>((resolve) => { onGone = resolve; });
    stop.abort(new Error('enough'));
    await expect(answers.next()).rejects.toMatchObject({ reason: 'Canceled' });
    await told;
  });

  it.each<[string, ExecRequest, string, string]>([
    ['a pod that is not here', start({}, 'none'), 'NotFound', 'pod "default/none" not found'],
    ['another pod of the same name', { start: { namespace: 'default', pod: 'web', podUid: 'u2', options: {} } }, 'NotFound', 'not found'],
    ['a container that was never made', start({ container: 'side' }), 'NotFound', 'container not found ("side")'],
    ['a container that does not run', start({ container: 'ended' }), 'BadRequest', 'container "ended" in pod "web" is not running'],
    ['a URL that was used already', start({ command: ['used'] }), 'Unavailable', 'no such token'],
    ['a first message that says nothing', { input: { stdinClosed: true } }, 'BadRequest', 'the first request must have start'],
  ])('says why it cannot: %s', async (_what, first, reason, message) => {
    await expect(command('exec', [first])).rejects.toMatchObject({ reason, message: expect.stringContaining(message) });
  });

  it('forwards no port of a pod without a sandbox', async () => {
    const requests = new Pipe<PortForwardRequest>();
    await requests.push({ start: { namespace: 'default', pod: 'starting' } });
    await expect(channel.bidi(KubeletServiceService.portForward, requests).next()).rejects.toMatchObject({ reason: 'BadRequest' });
  });

  it('answers only those who may ask', async () => {
    peer = undefined;
    await expect(command('exec', [start({ command: ['cat'] })])).rejects.toMatchObject({ reason: 'Unauthorized' });
  });
});
