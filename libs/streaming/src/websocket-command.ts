import type { JsonObject } from '@navarch/api';
import type { WebSocket } from 'ws';

import { pieceQueue } from './byte-queue';
import type { CommandCaller, TerminalSize } from './remote-command';

/** The sub-protocols served, best first: version 5 is version 4 with a way to close stdin. */
export const commandProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;
export type CommandProtocol = (typeof commandProtocols)[number];

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const highWaterBytes = 1024 * 1024;

/** A caller over a WebSocket: each binary message is a channel's number and its bytes (KEP-4006). */
export function webSocketCaller(socket: WebSocket, protocol: CommandProtocol): CommandCaller {
  const gone = new AbortController();
  const stdin = pieceQueue<Buffer>();
  const resizes = pieceQueue<TerminalSize>();
  const end = (): void => {
    stdin.end();
    resizes.end();
    gone.abort(new Error('the caller has gone'));
  };
  socket.on('close', end);
  socket.on('error', end);
  socket.on('message', (message: Buffer) => {
    const [channel] = message;
    const data = message.subarray(1);
    if (channel === channels.stdin) {
      // The transport has no window of its own: a sender faster than the command is held by TCP.
      if (!stdin.push(data)) socket.close(1009, 'too much input waits for the command');
      else if (stdin.size > 512) holdUntilRead(socket, stdin);
    } else if (channel === channels.resize) {
      const size = readSize(data);
      if (size) resizes.push(size);
    } else if (channel === channels.close && protocol === 'v5.channel.k8s.io' && data[0] === channels.stdin) stdin.end();
  });
  const send = (channel: number, data: Buffer): Promise<void> => sendMessage(socket, Buffer.concat([Buffer.from([channel]), data]));
  return {
    stdin, resizes, gone: gone.signal,
    stdout: (data) => send(channels.stdout, data),
    stderr: (data) => send(channels.stderr, data),
    async finish(status: JsonObject) {
      await send(channels.error, Buffer.from(JSON.stringify(status)));
      socket.close(1000);
    },
  };
}

function holdUntilRead(socket: WebSocket, queue: { readonly size: number }): void {
  if (socket.isPaused) return;
  socket.pause();
  const timer = setInterval(() => {
    if (queue.size > 64 && socket.readyState === socket.OPEN) return;
    clearInterval(timer);
    socket.resume();
  }, 5);
}

/** A string goes as text. Resolves when the message is on its way and not too much waits before it. */
export function sendMessage(socket: WebSocket, message: Buffer | string): Promise<void> {
  if (socket.readyState !== socket.OPEN) return Promise.reject(new Error('the caller has gone'));
  return new Promise((resolve, reject) => {
    const waits = socket.bufferedAmount > highWaterBytes;
    socket.send(message, { binary: typeof message !== 'string' }, (error) => {
      if (error) reject(error);
      else if (waits) resolve();
    });
    if (!waits) resolve();
  });
}

function readSize(data: Buffer): TerminalSize | undefined {
  try {
    const { Width: width, Height: height } = JSON.parse(data.toString()) as { Width?: unknown; Height?: unknown };
    return isDimension(width) && isDimension(height) ? { width, height } : undefined;
  } catch {
    return undefined;
  }
}

function isDimension(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}
