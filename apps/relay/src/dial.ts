import { connect, type Socket } from 'node:net';

import { randomInt, sleep, type Clock, type Random } from '@navarch/base';

export interface DialOptions {
  readonly port: number;
  /** Where to try; asked again in each round, for nodes come and go. */
  addresses(): readonly string[];
  /** Whether the Service has endpoints, so that a node that refuses is behind. */
  isServed(): boolean;
  /** Whether someone still waits for the connection. */
  isWanted(): boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a node may be silent before the next is tried, milliseconds. */
  readonly timeoutMs?: number;
  /** How long rounds over all nodes go on while the Service has endpoints, milliseconds. */
  readonly patienceMs?: number;
}

const firstPauseMs = 20;
const longestPauseMs = 500;

/**
 * Connects to the port at one of the addresses, each as often first as another; a node that is silent is passed over. One that refuses speaks for the
 * Service where that has no endpoint. Where it has, the node is behind (its proxy restarts, or has not heard of a change), and as nothing was sent yet, the others
 * are asked, round after round. Throws the last error, or says that there is no node.
 */
export async function dial(options: DialOptions): Promise<Socket> {
  const { addresses, isServed, isWanted, clock, random, patienceMs = 10_000 } = options;
  const endMs = clock.monotonic() + patienceMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const all = addresses();
    const first = all.length > 0 ? randomInt(random, all.length) : 0;
    const outcome = await dialOneOf([...all.slice(first), ...all.slice(0, first)], options);
    if ('socket' in outcome) return outcome.socket;
    if (!isServed() || !isWanted() || clock.monotonic() + pauseMs > endMs) throw outcome.failure;
    await sleep(clock, pauseMs);
  }
}

async function dialOneOf(addresses: readonly string[], { port, isServed, clock, timeoutMs = 1_000 }: DialOptions): Promise<{ readonly socket: Socket } | { readonly failure: Error }> {
  let failure = new Error('no node is ready to answer at this port');
  for (const address of addresses) {
    try {
      return { socket: await connectTo(address, port, clock, timeoutMs) };
    } catch (error) {
      failure = error as NodeJS.ErrnoException;
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED' && !isServed()) break;
    }
  }
  return { failure };
}

function connectTo(host: string, port: number, clock: Clock, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    const cancel = clock.setTimer(timeoutMs, () => socket.destroy(new Error(`${host} does not answer within ${timeoutMs} ms`)));
    const failed = (error: Error): void => {
      cancel();
      reject(error);
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      cancel();
      socket.off('error', failed);
      resolve(socket);
    });
  });
}
