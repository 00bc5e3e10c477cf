import type { Socket } from 'node:net';

/**
 * Two sockets as one connection: what ends one ends the other, and neither is read faster than the other is written. A side that only
 * ends its half is still answered, where both were made with allowHalfOpen. `failed` hears the errors of `target`; those of `client` are its own
 * affair. Both are in `open` while they are open.
 */
export function joinSockets(client: Socket, target: Socket, open: Set<Socket>, failed: (error: Error) => void): void {
  for (const [one, other] of [[client, target], [target, client]] as const) {
    open.add(one);
    one.setNoDelay(true);
    one.on('error', (error) => {
      if (one === target) failed(error);
    });
    one.on('close', () => {
      open.delete(one);
      other.destroySoon();
    });
    one.pipe(other);
  }
}
