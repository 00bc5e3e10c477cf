import type { JsonObject } from '@navarch/api';

/** A terminal's size in characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** Which of the three standard streams a command is connected with. */
export interface CommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/**
 * A caller of exec or attach, whatever protocol it speaks: what it sends, and where its answers go. `stdin` ends when the
 * caller half-closes, or goes.
 */
export interface CommandCaller {
  readonly stdin: AsyncIterable<Buffer>;
  readonly resizes: AsyncIterable<TerminalSize>;
  /** Resolves when there is room for more. */
  stdout(data: Buffer): Promise<void>;
  stderr(data: Buffer): Promise<void>;
  /** The outcome (a Kubernetes Status), then the end. */
  finish(status: JsonObject): Promise<void>;
  /** Aborts when the caller has gone. */
  readonly gone: AbortSignal;
}

/** A command that runs, seen from where it was started. */
export interface RunningCommand {
  readonly stdout: AsyncIterable<Buffer>;
  readonly stderr: AsyncIterable<Buffer>;
  stdin(data: Buffer): Promise<void>;
  /** No more input. */
  endStdin(): Promise<void>;
  resize(size: TerminalSize): Promise<void>;
  /** Settles after the last output: a Kubernetes Status. */
  readonly status: Promise<JsonObject>;
  close(): void;
}

/** The end of a command as Kubernetes tells it: Success, or NonZeroExitCode with the code as a cause. */
export function exitStatus(exitCode: number): JsonObject {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {}, status: 'Failure', reason: 'NonZeroExitCode', message: `command terminated with non-zero exit code: error executing command, exit code ${exitCode}`,
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

/** A failure before or beside the command itself. */
export function failureStatus(message: string, reason = 'InternalError', code = 500): JsonObject {
  return { metadata: {}, status: 'Failure', reason, message, code };
}

/** Joins a caller with a command until the command ends or the caller goes. */
export async function joinCommand(caller: CommandCaller, command: RunningCommand): Promise<void> {
  const ended = new AbortController();
  caller.gone.addEventListener('abort', () => command.close(), { once: true });
  if (caller.gone.aborted) command.close();
  const forward = async (): Promise<void> => {
    for await (const data of caller.stdin) {
      if (ended.signal.aborted) return;
      await command.stdin(data);
    }
    if (!ended.signal.aborted) await command.endStdin();
  };
  const resize = async (): Promise<void> => {
    for await (const size of caller.resizes) {
      if (ended.signal.aborted) return;
      await command.resize(size);
    }
  };
  // What the caller sends may end at any time, also by failing: the command's own end is what counts.
  void forward().catch(() => undefined);
  void resize().catch(() => undefined);
  const copy = async (from: AsyncIterable<Buffer>, to: (data: Buffer) => Promise<void>): Promise<void> => {
    for await (const data of from) await to(data);
  };
  try {
    await Promise.all([copy(command.stdout, (data) => caller.stdout(data)), copy(command.stderr, (data) => caller.stderr(data))]);
    await caller.finish(await command.status);
  } catch (error) {
    await caller.finish(failureStatus(error instanceof Error ? error.message : String(error))).catch(() => undefined);
  } finally {
    ended.abort();
    command.close();
  }
}
