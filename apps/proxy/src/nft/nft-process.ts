import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';

import { deferred, type Clock, type Deferred } from '@navarch/base';

import { runProgram } from '../run-program';
import { NftError, nftErrorOf, type Nft } from './nft';

export interface NftProcessOptions {
  /** How to run nft; `['nft']` unless told. Tests enter a namespace with it. */
  readonly command?: readonly string[];
  readonly clock: Clock;
  /** How long one transaction may take before the process is given up; 60,000 ms unless told. */
  readonly timeoutMs?: number;
}

interface Waiting {
  readonly mark: string;
  readonly answer: Deferred<void>;
}

/** A transaction of more bytes is read by a process of its own in a third of the time: `nft -i` edits its lines. */
const bulkBytes = 32_000;
/** Bytes after which a fresh process takes over: nft keeps every line it was told as its history. */
const maxBytes = 16 << 20;

/**
 * nft by a long-lived `nft -i`, which costs a fraction of a millisecond per transaction where a process of its own costs ten. A line is a
 * transaction, large ones aside. After each comes a line that is none, whose complaint on stderr tells that everything before it is done.
 */
export function createNftProcess({ command = ['nft'], clock, timeoutMs = 60_000 }: NftProcessOptions): Nft {
  let session: Session | undefined;
  let order: Promise<unknown> = Promise.resolve();

  const load = async (commands: readonly string[], signal?: AbortSignal): Promise<void> => {
    const { stderr, code } = await runProgram([...command, '-f', '-'], `${commands.join('\n')}\n`, signal);
    if (code !== 0) throw nftErrorOf(stderr);
  };
  const run = async (commands: readonly string[]): Promise<void> => {
    if (session && (session.ended || session.bytes > maxBytes)) {
      await session.close();
      session = undefined;
    }
    session ??= new Session(command);
    const mine = session;
    const cancel = clock.setTimer(timeoutMs, () => mine.fail(new NftError(`nft did not answer within ${timeoutMs} ms`)));
    try {
      await mine.run(commands.join('; '));
    } finally {
      cancel();
    }
  };
  return {
    transaction: (commands, signal) => {
      signal?.throwIfAborted();
      if (commands.length === 0) return Promise.resolve();
      const isBulk = commands.reduce((bytes, { length }) => bytes + length, 0) > bulkBytes;
      const done = order.then(() => (isBulk ? load(commands, signal) : run(commands)));
      order = done.catch(() => undefined);
      return done;
    },
    ask: async (args, signal) => {
      const { stdout, stderr, code } = await runProgram([...command, ...args], '', signal);
      if (code !== 0) throw nftErrorOf(stderr);
      return stdout;
    },
    close: async () => {
      await order;
      await session?.close();
    },
  };
}

class Session {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly closed = deferred<void>();
  private stderr = '';
  private waiting: Waiting | undefined;
  private count = 0;
  private failure: Error | undefined;
  bytes = 0;

  constructor(command: readonly string[]) {
    const [program = '', ...args] = command;
    // Without a home it neither reads nor writes a history file.
    this.child = spawn(program, [...args, '-i'], { stdio: 'pipe', env: { ...process.env, HOME: '/nonexistent', LC_ALL: 'C' } });
    // It echoes what it reads.
    this.child.stdout.resume();
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => this.onText(text));
    this.child.on('error', (cause) => this.fail(new NftError(`cannot run ${program}`, undefined, { cause })));
    this.child.on('close', () => {
      this.fail(new NftError('nft ended'));
      this.closed.resolve();
    });
    this.child.stdin.on('error', () => undefined);
  }

  get ended(): boolean {
    return this.failure !== undefined;
  }

  run(line: string): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    const mark = `navarch-mark-${++this.count}-end`;
    this.bytes += line.length;
    this.stderr = '';
    this.waiting = { mark, answer: deferred<void>() };
    this.child.stdin.write(`${line}\n${mark}\n`);
    return this.waiting.answer.promise;
  }

  /** Ends the process; whoever waits hears why. */
  fail(error: Error): void {
    this.failure ??= error;
    this.waiting?.answer.reject(error);
    this.waiting = undefined;
    this.child.kill('SIGKILL');
  }

  async close(): Promise<void> {
    this.fail(new NftError('nft is closed'));
    await this.closed.promise;
  }

  private onText(text: string): void {
    this.stderr += text;
    if (!this.waiting) return;
    const { mark, answer } = this.waiting;
    const at = this.stderr.indexOf(`\n${mark}`);
    if (at < 0) return;
    // The line before the mark says what is wrong with the mark; what stands before that line is about the transaction.
    const said = this.stderr.slice(0, Math.max(0, this.stderr.lastIndexOf('\n', at - 1)));
    this.waiting = undefined;
    if (said.includes('Error:')) answer.reject(nftErrorOf(said));
    else answer.resolve();
  }
}
