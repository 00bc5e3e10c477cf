import { connect, type Socket } from 'node:net';

import { randomInt, type Clock, type Random } from '@navarch/base';

export interface DialOptions {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a node may be silent before the next is tried, milliseconds. */
  readonly timeoutMs?: number;
}

/**
 * Connects to the port at one of the addresses, each as often first as another; a node that is silent is passed over. One that refuses has spoken for
 * the Service: it has no endpoint, and all nodes would say so. Throws the last error, or says that there is no node.
 */
export async function dial({ addresses, port, clock, random, timeoutMs = 1_000 }: DialOptions): Promise<Socket> {
  const first = addresses.length > 0 ? randomInt(random, addresses.length) : 0;
  let failure = new Error('no node is ready to answer at this port');
  for (const address of [...addresses.slice(first), ...addresses.slice(0, first)]) {
    try {
      return await connectTo(address, port, clock, timeoutMs);
    } catch (error) {
      failure = error as NodeJS.ErrnoException;
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') break;
    }
  }
  throw failure;
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
