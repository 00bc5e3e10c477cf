/**
 * A hand-over with back-pressure from one pusher to one async reader: `push` resolves when there is room for more. A
 * reader that leaves lets every later push go through into nothing: who pushes learns of the end in other ways.
 */
export class Pipe<T> implements AsyncIterable<T> {
  private readonly items: T[] = [];
  private ended = false;
  private left = false;
  private failure: { readonly error: unknown } | undefined;
  private onItem: (() => void) | undefined;
  private onRoom: (() => void)[] = [];

  /** @param capacity items that may wait before a push does. */
  constructor(private readonly capacity = 4) {}

  async push(item: T): Promise<void> {
    if (this.ended || this.left) return;
    this.items.push(item);
    this.wakeReader();
    if (this.items.length >= this.capacity) await new Promise<void>((resolve) => this.onRoom.push(resolve));
  }

  /** No more items; those inside are still read. */
  end(): void {
    this.ended = true;
    this.wakeReader();
    this.wakePushers();
  }

  /** The reader gets `error` after the items already inside. */
  fail(error: unknown): void {
    if (!this.ended) this.failure = { error };
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    try {
      for (;;) {
        while (this.items.length > 0) {
          const item = this.items.shift() as T;
          if (this.items.length < this.capacity) this.wakePushers();
          yield item;
        }
        if (this.failure) throw this.failure.error;
        if (this.ended) return;
        await new Promise<void>((resolve) => { this.onItem = resolve; });
      }
    } finally {
      this.left = true;
      this.items.length = 0;
      this.wakePushers();
    }
  }

  private wakeReader(): void {
    this.onItem?.();
    this.onItem = undefined;
  }

  private wakePushers(): void {
    for (const wake of this.onRoom.splice(0)) wake();
  }
}
