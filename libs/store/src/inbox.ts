import { deferred, type Deferred } from '@navarch/base';

import type { StreamMessage } from './log-stream';

/** Hands messages over in batches from a stream's callback to one async reader; a failure comes after the messages before it. */
export class Inbox {
  private items: StreamMessage[] = [];
  private failure: { readonly error: Error } | undefined;
  private waiter: Deferred<void> | undefined;
  private limit = Infinity;

  /** From now on a reader that lies this far behind is cut off. */
  bound(limit: number): void {
    this.limit = limit;
  }

  push(message: StreamMessage): void {
    if (this.failure) return;
    if (this.items.length >= this.limit) {
      this.fail(new Error(`the reader lies ${this.limit} messages behind`));
      return;
    }
    this.items.push(message);
    this.wake();
  }

  fail(error: Error): void {
    this.failure ??= { error };
    this.wake();
  }

  async take(): Promise<readonly StreamMessage[]> {
    while (this.items.length === 0) {
      if (this.failure) throw this.failure.error;
      this.waiter = deferred<void>();
      await this.waiter.promise;
    }
    const items = this.items;
    this.items = [];
    return items;
  }

  private wake(): void {
    this.waiter?.resolve();
    this.waiter = undefined;
  }
}
