import { deferred, type Deferred } from './deferred';

/**
 * A bounded hand-over from a pusher that never waits to one async reader. `push` answers false when the queue is full
 * or ended: what that means (cut off, resync) is the pusher's decision; nothing is dropped silently.
 */
export class BoundedQueue<T> implements AsyncIterable<T> {
  private items: T[] = [];
  private head = 0;
  private waiter: Deferred<void> | undefined;
  private ended = false;
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly capacity: number) {}

  get size(): number {
    return this.items.length - this.head;
  }

  push(item: T): boolean {
    if (this.ended || this.size >= this.capacity) return false;
    this.items.push(item);
    this.wake();
    return true;
  }

  /** No more items; those inside are still read. */
  end(): void {
    this.ended = true;
    this.wake();
  }

  /** The reader gets `error` after the items already inside; with `discard`, at once. */
  fail(error: unknown, discard = false): void {
    if (this.ended) return;
    this.ended = true;
    this.failure = { error };
    if (discard) {
      this.items = [];
      this.head = 0;
    }
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        while (this.size > 0) yield this.take();
        if (this.failure) throw this.failure.error;
        if (this.ended) return;
        this.waiter = deferred<void>();
        await this.waiter.promise;
      }
    } finally {
      this.ended = true;
    }
  }

  private take(): T {
    const item = this.items[this.head] as T;
    this.items[this.head++] = undefined as T;
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  private wake(): void {
    this.waiter?.resolve();
    this.waiter = undefined;
  }
}
