import { backoffDelayMs, deferred, type CancelTimer, type Clock, type Deferred, type Random } from '@navarch/base';

/**
 * Keys that want work. A key waits at most once, is in one worker's hands at most once, and an add while it is in hand
 * brings it back after `done`. Levels, not events: what a key means is read again by whoever takes it.
 */
export interface WorkQueue<T> {
  /**
   * False where the queue is closed or full: the caller decides what that means; keys that wait already always fit. A key that has
   * failed `restlessAfter` times in a row is looked at once a second at most, whatever wakes it: its own doings may be what does.
   */
  add(item: T): boolean;
  /** Adds after `delayMs`; of several delays for one key the earliest counts. False as with `add`. */
  addAfter(item: T, delayMs: number): boolean;
  /** Adds after this key's back-off, which grows until `forget`; answers the delay, undefined as with `add`'s false. */
  retry(item: T): number | undefined;
  /** The key's work succeeded: its back-off starts anew. */
  forget(item: T): void;
  /** How often `retry` was called since the last `forget`. */
  failures(item: T): number;
  /** The next key, now in the caller's hands until `done`; undefined once closed and empty, or when the signal aborts. */
  take(signal?: AbortSignal): Promise<T | undefined>;
  done(item: T): void;
  /** Keys ready to be taken. */
  readonly size: number;
  /** Takes no more. Ready keys are still handed out (unless `discard`), delayed ones dropped; resolves when none is in hand. */
  close(options?: { readonly discard?: boolean }): Promise<void>;
}

export interface WorkQueueOptions<T> {
  readonly clock: Clock;
  readonly random: Random;
  /** What makes two items the same; the item as text unless told. */
  readonly id?: (item: T) => string;
  /** Most distinct keys that may wait (ready, delayed, or to come back); 100,000 unless told. */
  readonly capacity?: number;
  /** First delay of `retry` in milliseconds; 5 unless told. Doubles per failure, with 20 % jitter. */
  readonly initialBackoffMs?: number;
  /** Longest delay of `retry` in milliseconds; 300,000 unless told. */
  readonly maxBackoffMs?: number;
}

interface Delayed {
  readonly dueMs: number;
  readonly cancel: CancelTimer;
}

/** Failures in a row after which an event no longer cuts a key's back-off short; conflicts with other writers are over before. */
export const restlessAfter = 8;
/** Milliseconds. */
const restMs = 1_000;

class KeyedQueue<T> implements WorkQueue<T> {
  private readonly id: (item: T) => string;
  private readonly capacity: number;
  private order: string[] = [];
  private head = 0;
  private readonly ready = new Map<string, T>();
  private readonly inHand = new Set<string>();
  private readonly again = new Map<string, T>();
  private readonly delayed = new Map<string, Delayed>();
  private readonly failed = new Map<string, number>();
  private readonly takers = new Set<Deferred<void>>();
  private closing: Deferred<void> | undefined;

  constructor(private readonly options: WorkQueueOptions<T>) {
    this.id = options.id ?? String;
    this.capacity = options.capacity ?? 100_000;
  }

  get size(): number {
    return this.ready.size;
  }

  add(item: T): boolean {
    const id = this.id(item);
    if (!this.admits(id)) return false;
    if (this.failures(item) >= restlessAfter) return this.addAfter(item, restMs);
    this.dropDelay(id);
    this.makeReady(id, item);
    return true;
  }

  addAfter(item: T, delayMs: number): boolean {
    if (delayMs <= 0) return this.add(item);
    const id = this.id(item);
    if (!this.admits(id)) return false;
    const dueMs = this.options.clock.monotonic() + delayMs;
    const earlier = this.delayed.get(id);
    if (this.ready.has(id) || (earlier && earlier.dueMs <= dueMs)) return true;
    this.dropDelay(id);
    const cancel = this.options.clock.setTimer(delayMs, () => {
      this.delayed.delete(id);
      this.makeReady(id, item);
    });
    this.delayed.set(id, { dueMs, cancel });
    return true;
  }

  retry(item: T): number | undefined {
    const id = this.id(item);
    const failures = (this.failed.get(id) ?? 0) + 1;
    this.failed.set(id, failures);
    const { initialBackoffMs = 5, maxBackoffMs = 300_000, random } = this.options;
    const delayMs = backoffDelayMs(failures, { initialMs: initialBackoffMs, maxMs: maxBackoffMs, jitter: 0.2 }, random);
    return this.addAfter(item, delayMs) ? delayMs : undefined;
  }

  forget(item: T): void {
    this.failed.delete(this.id(item));
  }

  failures(item: T): number {
    return this.failed.get(this.id(item)) ?? 0;
  }

  async take(signal?: AbortSignal): Promise<T | undefined> {
    for (;;) {
      if (signal?.aborted) return undefined;
      const item = this.next();
      if (item || this.closing) return item?.value;
      await this.wait(signal);
    }
  }

  done(item: T): void {
    const id = this.id(item);
    if (!this.inHand.delete(id)) return;
    const next = this.again.get(id);
    if (next !== undefined) {
      this.again.delete(id);
      this.makeReady(id, next);
    }
    this.settle();
  }

  close(options: { readonly discard?: boolean } = {}): Promise<void> {
    this.closing ??= deferred<void>();
    for (const id of [...this.delayed.keys()]) this.dropDelay(id);
    if (options.discard) {
      this.ready.clear();
      this.again.clear();
    }
    for (const taker of this.takers) taker.resolve();
    this.settle();
    return this.closing.promise;
  }

  private admits(id: string): boolean {
    if (this.closing) return false;
    if (this.ready.has(id) || this.delayed.has(id) || this.again.has(id)) return true;
    return this.ready.size + this.delayed.size + this.again.size < this.capacity;
  }

  private makeReady(id: string, item: T): void {
    if (this.inHand.has(id)) {
      this.again.set(id, item);
      return;
    }
    if (!this.ready.has(id)) this.order.push(id);
    this.ready.set(id, item);
    const [taker] = this.takers;
    if (taker) {
      this.takers.delete(taker);
      taker.resolve();
    }
  }

  private next(): { readonly value: T } | undefined {
    while (this.head < this.order.length) {
      const id = this.order[this.head++] as string;
      if (this.head > 1024 && this.head * 2 > this.order.length) {
        this.order = this.order.slice(this.head);
        this.head = 0;
      }
      if (!this.ready.has(id)) continue;
      const value = this.ready.get(id) as T;
      this.ready.delete(id);
      this.inHand.add(id);
      return { value };
    }
    return undefined;
  }

  private async wait(signal?: AbortSignal): Promise<void> {
    const taker = deferred<void>();
    const wake = (): void => taker.resolve();
    this.takers.add(taker);
    signal?.addEventListener('abort', wake, { once: true });
    await taker.promise;
    signal?.removeEventListener('abort', wake);
    // Woken by its signal it may have been given a key's wake-up at the same time: pass that on.
    if (!this.takers.delete(taker) && signal?.aborted && this.ready.size > 0) this.takers.values().next().value?.resolve();
  }

  private dropDelay(id: string): void {
    this.delayed.get(id)?.cancel();
    this.delayed.delete(id);
  }

  private settle(): void {
    if (this.closing && this.inHand.size === 0 && this.ready.size === 0) this.closing.resolve();
  }
}

export function createWorkQueue<T>(options: WorkQueueOptions<T>): WorkQueue<T> {
  return new KeyedQueue(options);
}
