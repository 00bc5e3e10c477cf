import { spawn } from 'node:child_process';

/** A command that ended with another code than 0, or could not be started. */
export class CommandError extends Error {
  constructor(readonly command: readonly string[], readonly code: number | string, readonly stderr: string) {
    super(`${command.join(' ')}: ${typeof code === 'number' ? `exit code ${code}` : code}${stderr ? `: ${stderr.trim()}` : ''}`);
    this.name = 'CommandError';
  }
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** The command is killed when it aborts. */
  readonly signal?: AbortSignal;
  /** 60,000 unless told. */
  readonly timeoutMs?: number;
}

/** Runs a command to its end; answers what it wrote to stdout. Throws CommandError. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const [file = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: options.env ?? process.env, stdio: ['pipe', 'pipe', 'pipe'], signal: options.signal,
      detached: true, // A Ctrl-C at the terminal is ours to act on: it must not end a command that cleans up.
    });
    // Not spawn's own timeout: its timer stays when the program does not exist.
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => undefined); // A command may end before it has read its input.
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(new CommandError(command, error.message, ''));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new CommandError(command, code ?? `ended by ${signal}`, Buffer.concat(err).toString()));
    });
    child.stdin.end(options.input ?? '');
  });
}
