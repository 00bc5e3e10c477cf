import { spawn } from 'node:child_process';
import { createServer, connect } from 'node:net';
import type { Readable } from 'node:stream';

import { ApiError, silentLogger } from '@navarch/base';
import { KubeletServiceService, type AttachStart, type DialStart, type ExecStart, type PortForwardStart } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import type { CommandInput, CommandOutput, PortForwardFrame } from '@navarch/proto/navarch/meta/v1/session';
import { createGrpcServer, grpcService } from '@navarch/service';
import {
  exitStatus, joinCommand, joinPortForward, messageCaller, messagePortForwardCaller, type RunningCommand, type TerminalSize,
} from '@navarch/streaming';

/** A kubelet whose "containers" are processes of this machine, behind real gRPC: what clients of exec see is real. */
export interface ProcessKubelet {
  /** host:port. */
  readonly address: string;
  readonly asked: { readonly method: string; readonly start: ExecStart | AttachStart | PortForwardStart | DialStart }[];
  readonly sizes: TerminalSize[];
  /** Commands under way. */
  readonly running: Set<RunningCommand>;
  close(): Promise<void>;
}

export async function startProcessKubelet(): Promise<ProcessKubelet> {
  const asked: ProcessKubelet['asked'] = [];
  const sizes: TerminalSize[] = [];
  const running = new Set<RunningCommand>();
  const remember = (method: string, start: ExecStart | AttachStart | PortForwardStart | DialStart | undefined): void => {
    if (!start) throw new ApiError('BadRequest', 'the first request must have start');
    asked.push({ method, start });
  };
  const converse = async function* (command: readonly string[], inputs: AsyncIterable<CommandInput>, signal: AbortSignal): AsyncGenerator<{ output: CommandOutput }> {
    if (command[0] === 'refused') throw new ApiError('NotFound', 'container not found ("main")');
    const started = runProcess(command, sizes);
    running.add(started);
    void started.status.finally(() => running.delete(started));
    const { caller, outputs } = messageCaller(inputs, signal);
    void joinCommand(caller, started);
    for await (const output of outputs) yield { output };
  };
  const forward = async function* (incoming: AsyncIterable<PortForwardFrame>, signal: AbortSignal): AsyncGenerator<{ frame: PortForwardFrame }> {
    const { caller, frames } = messagePortForwardCaller(incoming, signal);
    void joinPortForward(caller, localPorts());
    for await (const frame of frames) yield { frame };
  };
  const server = await createGrpcServer({
    listen: ['127.0.0.1:0'], tls: 'insecure', logger: silentLogger,
    services: [grpcService(KubeletServiceService, {
      async *containerLog() {},
      async stats() {
        return {};
      },
      async *exec(requests, { signal }) {
        const [first, rest] = await split(requests);
        remember('exec', first?.start);
        yield* converse(first?.start?.options?.command ?? [], rest((message) => message.input), signal);
      },
      async *attach(requests, { signal }) {
        const [first, rest] = await split(requests);
        remember('attach', first?.start);
        yield* converse(['sh', '-c', 'echo attached; cat'], rest((message) => message.input), signal);
      },
      async *portForward(requests, { signal }) {
        const [first, rest] = await split(requests);
        remember('portForward', first?.start);
        yield {};
        yield* forward(rest((message) => message.frame), signal);
      },
      async *dial(requests, { signal }) {
        const [first, rest] = await split(requests);
        remember('dial', first?.start);
        yield {};
        yield* forward(rest((message) => message.frame), signal);
      },
    })],
  });
  return { address: server.addresses[0] ?? '', asked, sizes, running, close: () => server.close(100) };
}

async function split<T>(requests: AsyncIterable<T>): Promise<[T | undefined, <Part>(part: (message: T) => Part | undefined) => AsyncIterable<Part>]> {
  const iterator = requests[Symbol.asyncIterator]();
  const { value, done } = await iterator.next();
  return [done ? undefined : value as T, async function* (part) {
    for await (const message of { [Symbol.asyncIterator]: () => iterator }) {
      const found = part(message);
      if (found) yield found;
    }
  }];
}

function runProcess([file = 'sh', ...args]: readonly string[], sizes: TerminalSize[]): RunningCommand {
  const child = spawn(file, args, { stdio: 'pipe' });
  child.stdin.on('error', () => undefined);
  return {
    stdout: child.stdout as AsyncIterable<Buffer>, stderr: child.stderr as AsyncIterable<Buffer>,
    stdin: (data) => new Promise((resolve) => child.stdin.write(data, () => resolve())),
    endStdin: () => new Promise((resolve) => child.stdin.end(() => resolve())),
    resize: (size) => { sizes.push(size); return Promise.resolve(); },
    status: new Promise((resolve) => {
      child.on('close', (code) => resolve(exitStatus(code ?? 137)));
      child.on('error', (error) => resolve({ metadata: {}, status: 'Failure', reason: 'InternalError', message: error.message, code: 500 }));
    }),
    close: () => { if (child.exitCode === null) child.kill('SIGKILL'); },
  };
}

/** Ports of this machine's loopback stand for the pod's. */
function localPorts(): Parameters<typeof joinPortForward>[1] {
  let settle: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => { settle = resolve; });
  return {
    closed, close: () => settle(),
    open: (port) => {
      const data = connect({ port, host: '127.0.0.1' });
      const failure = new Promise<string>((resolve) => {
        data.once('error', (error) => resolve(error.message));
        data.once('close', () => resolve(''));
      });
      return Promise.resolve({ data, failure });
    },
  };
}

/** Something that listens: answers each connection with what it sent, in capitals. */
export async function startShouter(): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    (socket as Readable).on('data', (data: Buffer) => socket.write(data.toString().toUpperCase()));
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as { port: number }).port, close: () => server.close() };
}
