import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';

import { answersTo } from './raw-message';

export interface Upstream {
  readonly host: string;
  readonly port: number;
}

export type Exchange = (upstream: Upstream, query: Buffer, signal: AbortSignal) => Promise<Buffer>;

/**
 * One question by UDP, from a port of its own: whoever wants to forge an answer must guess port and id. What does not belong to the
 * question is passed over. Rejects when the signal aborts, or the other host refuses.
 */
export const exchangeUdp: Exchange = (upstream, query, signal) => new Promise((resolve, reject) => {
  const socket = createSocket(isIPv6(upstream.host) ? 'udp6' : 'udp4');
  const end = (): void => {
    signal.removeEventListener('abort', onAbort);
    socket.close();
  };
  const onAbort = (): void => {
    end();
    reject(signal.reason as Error);
  };
  if (signal.aborted) {
    socket.close();
    return reject(signal.reason as Error);
  }
  signal.addEventListener('abort', onAbort, { once: true });
  socket.on('error', (error) => {
    end();
    reject(error);
  });
  socket.on('message', (answer) => {
    if (!answersTo(query, answer)) return;
    end();
    resolve(answer);
  });
  // A connected socket hears of a port where nobody listens, and of answers from there only.
  socket.connect(upstream.port, upstream.host, () => socket.send(query));
});

/** One question by TCP (RFC 7766): two bytes of length before each message. */
export const exchangeTcp: Exchange = (upstream, query, signal) => new Promise((resolve, reject) => {
  const socket = connect({ host: upstream.host, port: upstream.port, signal });
  let received = Buffer.alloc(0);
  socket.on('error', reject);
  socket.on('close', () => reject(new Error(`${upstream.host} ended the connection without an answer`)));
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
    if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
    const answer = received.subarray(2, 2 + received.readUInt16BE(0));
    if (answersTo(query, answer)) resolve(Buffer.from(answer));
    else reject(new Error(`${upstream.host} answered something else`));
    socket.destroy();
  });
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  socket.write(Buffer.concat([length, query]));
});
