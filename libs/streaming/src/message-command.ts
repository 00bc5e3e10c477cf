import { codecFor, type JsonObject } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Status } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import type { CommandInput, CommandOutput } from '@navarch/proto/navarch/meta/v1/session';

import { Pipe } from './pipe';
import type { CommandCaller, RunningCommand, TerminalSize } from './remote-command';

/** Longer pieces are cut, so that a message stays far below what gRPC takes. */
const maxPieceBytes = 256 * 1024;
const statusCodec = codecFor<Status>('k8s.io.apimachinery.pkg.apis.meta.v1.Status');

export interface MessageCaller {
  readonly caller: CommandCaller;
  /** What goes back to the caller; ends after the status. Begins with an empty message, which says that the command runs. */
  readonly outputs: AsyncIterable<CommandOutput>;
}

/** A caller that speaks in messages (gRPC): the server's side. `gone` aborts when the call is over. */
export function messageCaller(inputs: AsyncIterable<CommandInput>, gone: AbortSignal): MessageCaller {
  const [stdin, resizes, outputs] = [new Pipe<Buffer>(), new Pipe<TerminalSize>(), new Pipe<CommandOutput>()];
  const end = (): void => {
    for (const pipe of [stdin, resizes, outputs]) pipe.end();
  };
  gone.addEventListener('abort', end, { once: true });
  if (gone.aborted) end();
  void distribute(inputs, stdin, resizes);
  void outputs.push({});
  return {
    outputs,
    caller: {
      stdin, resizes, gone,
      stdout: (data) => inPieces(data, (piece) => outputs.push({ stdout: piece })),
      stderr: (data) => inPieces(data, (piece) => outputs.push({ stderr: piece })),
      async finish(status) {
        void outputs.push({ status: statusCodec.fromJson(status) });
        end();
        return Promise.resolve();
      },
    },
  };
}

async function distribute(inputs: AsyncIterable<CommandInput>, stdin: Pipe<Buffer>, resizes: Pipe<TerminalSize>): Promise<void> {
  try {
    for await (const { stdin: data, stdinClosed, resize } of inputs) {
      if (data) await stdin.push(Buffer.from(data));
      if (stdinClosed) stdin.end();
      if (resize) await resizes.push({ width: resize.width ?? 0, height: resize.height ?? 0 });
    }
  } catch {
    // A caller that breaks off has said its last; that it has gone is told by its signal.
  }
  stdin.end();
  resizes.end();
}

async function inPieces(data: Buffer, send: (piece: Buffer) => Promise<void>): Promise<void> {
  for (let at = 0; at < data.length; at += maxPieceBytes) await send(data.subarray(at, at + maxPieceBytes));
}

export interface CommandConversation {
  /** What is sent to where the command runs; ends when nothing more will be. */
  readonly inputs: AsyncIterable<CommandInput>;
  /** Resolves at the first answer: the command runs. Rejects as the call does. */
  start(outputs: AsyncIterable<CommandOutput>, close: () => void): Promise<RunningCommand>;
}

/** A command that runs at the other end of a call (gRPC): the client's side. */
export function commandConversation(): CommandConversation {
  const inputs = new Pipe<CommandInput>();
  return {
    inputs,
    async start(answers, close) {
      const iterator = answers[Symbol.asyncIterator]();
      const [stdout, stderr] = [new Pipe<Buffer>(), new Pipe<Buffer>()];
      const first = await iterator.next();
      if (first.done) throw new ApiError('Internal', 'the command was not started: the answer was empty');
      const status = collect(first.value, iterator, stdout, stderr);
      // Whoever waits for it hears of a failure; nobody has to wait.
      status.catch(() => undefined);
      return {
        stdout, stderr, status,
        stdin: (data) => inPieces(data, (piece) => inputs.push({ stdin: piece })),
        endStdin: () => inputs.push({ stdinClosed: true }),
        resize: (size) => inputs.push({ resize: size }),
        close() {
          inputs.end();
          close();
        },
      };
    },
  };
}

async function collect(first: CommandOutput, rest: AsyncIterator<CommandOutput>, stdout: Pipe<Buffer>, stderr: Pipe<Buffer>): Promise<JsonObject> {
  try {
    for (let output: CommandOutput | undefined = first; output; output = await next(rest)) {
      if (output.stdout) await stdout.push(Buffer.from(output.stdout));
      if (output.stderr) await stderr.push(Buffer.from(output.stderr));
      if (output.status) return statusCodec.toJson(output.status) as JsonObject;
    }
    throw new ApiError('Internal', 'the command ended without a status');
  } finally {
    stdout.end();
    stderr.end();
  }
}

async function next<T>(iterator: AsyncIterator<T>): Promise<T | undefined> {
  const { done, value } = await iterator.next();
  return done ? undefined : value;
}
