import type { Duplex } from 'node:stream';

import type { JsonObject } from '@navarch/api';

import { drained } from './drained';
import type { CommandCaller, CommandStreams, RunningCommand, TerminalSize } from './remote-command';
import { SpdyConnection, type SpdyStream } from './spdy-connection';

/** The protocol of exec and attach over SPDY: one stream each for errors and whatever standard streams are in use. */
export const spdyCommandProtocol = 'v4.channel.k8s.io';

type StreamType = 'error' | 'stdin' | 'stdout' | 'stderr' | 'resize';

function wantedStreams({ stdin, stdout, stderr, tty }: CommandStreams): StreamType[] {
  const flags: readonly (readonly [StreamType, boolean])[] = [['error', true], ['stdin', stdin], ['stdout', stdout], ['stderr', stderr && !tty], ['resize', tty]];
  return flags.filter(([, wanted]) => wanted).map(([type]) => type);
}

async function* nothing(): AsyncGenerator<never, void, undefined> {}

function bytesOf(stream: SpdyStream | undefined): AsyncIterable<Buffer> {
  return stream ? (stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) : nothing();
}

async function write(stream: SpdyStream | undefined, data: Buffer): Promise<void> {
  if (!stream || stream.destroyed) return;
  if (!stream.write(data)) await drained(stream);
}

async function finish(stream: SpdyStream | undefined): Promise<void> {
  if (!stream || stream.destroyed || stream.writableEnded) return;
  await new Promise<void>((resolve) => stream.end(resolve));
}

/** JSON documents one after the other, each on a line. */
async function* sizes(stream: SpdyStream | undefined): AsyncGenerator<TerminalSize> {
  let text = '';
  for await (const data of bytesOf(stream)) {
    text += data.toString();
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      try {
        const { Width: width, Height: height } = JSON.parse(text.slice(0, end + 1)) as { Width: number; Height: number };
        if (Number.isInteger(width) && Number.isInteger(height)) yield { width, height };
      } catch {
        // A size that cannot be read is not worth the session.
      }
      text = text.slice(end + 1);
    }
    if (text.length > 4_096) return;
  }
}

/** A caller that opened its streams over SPDY. Resolves when all that it asked for are there. */
export async function spdyCaller(transport: Duplex, wanted: CommandStreams, timeoutMs: number): Promise<CommandCaller> {
  const missing = new Set(wantedStreams(wanted));
  const streams = new Map<StreamType, SpdyStream>();
  let onComplete = (): void => undefined;
  const complete = new Promise<void>((resolve) => { onComplete = resolve; });
  const connection = new SpdyConnection({
    transport, side: 'server',
    onStream(stream) {
      const type = stream.headers['streamtype'] as StreamType;
      if (!missing.delete(type)) return false;
      streams.set(type, stream);
      stream.on('error', () => undefined);
      if (missing.size === 0) onComplete();
      return true;
    },
  });
  const gone = new AbortController();
  void connection.closed.then(() => gone.abort(new Error('the caller has gone')));
  await within(timeoutMs, complete, connection.closed, () => `the caller opened no stream for ${[...missing].join(', ')}`, () => transport.destroy());
  return {
    gone: gone.signal, stdin: bytesOf(streams.get('stdin')), resizes: sizes(streams.get('resize')),
    stdout: (data) => write(streams.get('stdout'), data),
    stderr: (data) => write(streams.get('stderr'), data),
    async finish(status: JsonObject) {
      // Success is an empty error stream; anything else is its Status.
      if (status['status'] !== 'Success') await write(streams.get('error'), Buffer.from(JSON.stringify(status)));
      await Promise.all(['stdout', 'stderr', 'error'].map((type) => finish(streams.get(type as StreamType))));
      await connection.close();
    },
  };
}

async function within(timeoutMs: number, done: Promise<void>, ended: Promise<void>, message: () => string, onFailure: () => void): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(new Error(message())), timeoutMs); });
  try {
    await Promise.race([done, late, ended.then(() => { throw new Error('the connection ended before its streams were open'); })]);
  } catch (error) {
    onFailure();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Starts a command at a streaming server (containerd's) to which `transport` has been upgraded. */
export async function spdyCommand(transport: Duplex, wanted: CommandStreams): Promise<RunningCommand> {
  const connection = new SpdyConnection({ transport, side: 'client' });
  const streams = new Map<StreamType, SpdyStream>();
  for (const type of wantedStreams(wanted)) {
    const stream = await connection.open({ streamtype: type });
    stream.on('error', () => undefined);
    streams.set(type, stream);
  }
  const status = readStatus(streams.get('error'));
  // Whoever waits for it hears of a failure; nobody has to wait.
  status.catch(() => undefined);
  return {
    status, stdout: bytesOf(streams.get('stdout')), stderr: bytesOf(streams.get('stderr')),
    stdin: (data) => write(streams.get('stdin'), data),
    endStdin: () => finish(streams.get('stdin')),
    resize: ({ width, height }) => write(streams.get('resize'), Buffer.from(`${JSON.stringify({ Width: width, Height: height })}\n`)),
    close: () => void connection.close(),
  };
}

async function readStatus(stream: SpdyStream | undefined): Promise<JsonObject> {
  const parts: Buffer[] = [];
  for await (const data of bytesOf(stream)) parts.push(data);
  const text = Buffer.concat(parts).toString();
  if (text === '') return { metadata: {}, status: 'Success' };
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return { metadata: {}, status: 'Failure', reason: 'InternalError', message: text, code: 500 };
  }
}
