import { BoundedQueue } from '@navarch/base';

/** How many pieces wait for a reader that does not read before the sender is told to stop. */
const capacity = 1_024;

/** A queue for what a peer sends; too much without a reader ends it. */
export function pieceQueue<T>(): BoundedQueue<T> {
  return new BoundedQueue<T>(capacity);
}
