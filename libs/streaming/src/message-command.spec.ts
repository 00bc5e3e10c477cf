import { CommandInput, CommandOutput } from '@navarch/proto/navarch/meta/v1/session';

import { commandConversation, messageCaller } from './message-command';
import { Pipe } from './pipe';
import { exitStatus, joinCommand, type RunningCommand, type TerminalSize } from './remote-command';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** As messages are after the wire. */
async function* overTheWire<T>(items: AsyncIterable<T>, codec: { encode(item: T): { finish(): Uint8Array }; decode(bytes: Uint8Array): T }): AsyncGenerator<T> {
  for await (const item of items) yield codec.decode(codec.encode(item).finish());
}

/** `cat`, which tells of what it got. */
function cat(exitCode: number): RunningCommand & { readonly sizes: TerminalSize[]; closed: boolean } {
  const [stdout, stderr] = [new Pipe<Buffer>(), new Pipe<Buffer>()];
  let settle: RunningCommand['status'] | ((value: Awaited<RunningCommand['status']>) => void) = () => undefined;
  const status: RunningCommand['status'] = new Promise((resolve) => { settle = resolve; });
  const command = {
    stdout, stderr, status, sizes: [] as TerminalSize[], closed: false,
    stdin: (data: Buffer) => stdout.push(data),
    async endStdin() {
      await stderr.push(Buffer.from('the end'));
      stdout.end();
      stderr.end();
      (settle as (value: Awaited<RunningCommand['status']>) => void)(exitStatus(exitCode));
    },
    resize: (size: TerminalSize) => { command.sizes.push(size); return Promise.resolve(); },
    close: () => { command.closed = true; },
  };
  return command;
}

describe('a command in messages', () => {
  it('carries input, its end, sizes, both outputs and the status from end to end', async () => {
    const far = cat(3);
    const life = new AbortController();
    const conversation = commandConversation();
    const { caller, outputs } = messageCaller(overTheWire(conversation.inputs, CommandInput), life.signal);
    const joined = joinCommand(caller, far);
    const near = await conversation.start(overTheWire(outputs, CommandOutput), () => undefined);
    const big = Buffer.alloc(1_000_000, 'x');
    const out: Buffer[] = [];
    const read = (async () => { for await (const piece of near.stdout) out.push(piece); })();
    const errors = (async () => { let text = ''; for await (const piece of near.stderr) text += piece.toString(); return text; })();
    await near.resize({ width: 80, height: 24 });
    await near.stdin(big);
    await near.endStdin();
    await read;
    expect(Buffer.concat(out).equals(big)).toBe(true);
    expect(await errors).toBe('the end');
    expect(await near.status).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '3' }] } });
    expect(far.sizes).toEqual([{ width: 80, height: 24 }]);
    await joined;
    expect(far.closed).toBe(true);
  });

  it('holds the command back while its caller does not read', async () => {
    const { caller, outputs } = messageCaller(new Pipe<CommandInput>(), new AbortController().signal);
    let sent = 0;
    void (async () => { for (; sent < 100; sent++) await caller.stdout(Buffer.from('x')); })();
    await turn();
    expect(sent).toBeLessThan(10);
    let read = 0;
    for await (const { stdout } of outputs) if (stdout && (read += 1) === 100) break;
    expect(sent).toBeGreaterThanOrEqual(99);
  });

  it('begins with an empty message, so that the caller knows that the command runs', async () => {
    const { outputs } = messageCaller(new Pipe<CommandInput>(), new AbortController().signal);
    expect(await outputs[Symbol.asyncIterator]().next()).toEqual({ done: false, value: {} });
  });

  it('ends stdin with the stream of messages, and everything with the call', async () => {
    const inputs = new Pipe<CommandInput>();
    const life = new AbortController();
    const { caller, outputs } = messageCaller(inputs, life.signal);
    inputs.end();
    expect((await caller.stdin[Symbol.asyncIterator]().next()).done).toBe(true);
    const far = cat(0);
    const joined = joinCommand(caller, far);
    life.abort(new Error('gone'));
    expect(far.closed).toBe(true);
    await far.endStdin();
    await joined;
    for await (const _ of outputs) { /* what was underway */ }
  });

  it('rejects the start as the call does, and a status that never comes', async () => {
    const refused = new Pipe<CommandOutput>();
    refused.fail(new Error('container not found'));
    await expect(commandConversation().start(refused, () => undefined)).rejects.toThrow('container not found');
    const cut = new Pipe<CommandOutput>();
    await cut.push({});
    cut.end();
    const command = await commandConversation().start(cut, () => undefined);
    await expect(command.status).rejects.toThrow('without a status');
    const empty = new Pipe<CommandOutput>();
    empty.end();
    await expect(commandConversation().start(empty, () => undefined)).rejects.toThrow('was not started');
  });
});
