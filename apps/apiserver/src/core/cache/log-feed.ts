import { ApiError, toError, type Logger } from '@navarch/base';
import type { LogEntry, LogEvent, ObjectLog } from '@navarch/store';

import type { KindCache } from './kind-cache';
import { VersionWaiters } from './version-waiters';

export type FeedState =
  | { readonly type: 'loading' }
  | { readonly type: 'serving' }
  /** The log refuses to serve (it went backwards, or an entry is corrupt): nothing is answered from this cache any more. */
  | { readonly type: 'failed'; readonly error: Error };

export interface LogFeedOptions {
  readonly name: string;
  readonly log: ObjectLog;
  readonly logger: Logger;
  /** Hears of every change of state. */
  readonly onState?: (state: FeedState) => void;
}

/**
 * The one ordered reader of an object log. It hands every entry to its kind's cache in log order, and knows how far the
 * caches are: since there is one reader for all kinds, a position is a version of each of them.
 */
export class LogFeed {
  private readonly kinds = new Map<string, KindCache>();
  private readonly waiters = new VersionWaiters();
  private feedState: FeedState = { type: 'loading' };
  private seen = 0;
  private restart = new AbortController();

  constructor(private readonly options: LogFeedOptions) {}

  get log(): ObjectLog {
    return this.options.log;
  }

  get state(): FeedState {
    return this.feedState;
  }

  /** Every write up to this sequence is in the caches. */
  get position(): number {
    return this.seen;
  }

  caches(): Iterable<KindCache> {
    return this.kinds.values();
  }

  /** Takes a kind in. One that comes while the feed runs is loaded by reading the state anew. */
  add(cache: KindCache): void {
    this.kinds.set(kindKey(cache.resource.group, cache.resource.plural), cache);
    if (this.feedState.type === 'serving') this.reload();
  }

  remove(cache: KindCache): void {
    this.kinds.delete(kindKey(cache.resource.group, cache.resource.plural));
    cache.endWatches();
  }

  /** Runs until the signal aborts or the log refuses to serve; then every waiter gets the reason. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.restart = new AbortController();
      try {
        await this.follow(AbortSignal.any([signal, this.restart.signal]));
      } catch (error) {
        // The log reconnects by itself: what it throws is a refusal for good.
        if (!signal.aborted) return this.fail(toError(error));
      }
    }
    this.waiters.fail(new ApiError('Unavailable', 'the apiserver is shutting down'));
  }

  /** Resolves when the caches have `sequence`. */
  async waitFor(sequence: number, signal: AbortSignal): Promise<void> {
    if (this.feedState.type === 'failed') throw refusal(this.options.name, this.feedState.error);
    if (this.seen >= sequence && this.feedState.type === 'serving') return;
    await this.waiters.wait(sequence, signal);
  }

  private reload(): void {
    this.become({ type: 'loading' });
    this.restart.abort();
  }

  private async follow(signal: AbortSignal): Promise<void> {
    for await (const event of this.log.watchFrom(undefined, { signal })) {
      if (signal.aborted) return;
      this.take(event);
    }
  }

  private take(event: LogEvent): void {
    switch (event.type) {
      case 'snapshot': return this.reset(event.entries, event.sequence, event.floor);
      case 'entry': {
        const { group, resource } = event.entry.key;
        this.kinds.get(kindKey(group, resource))?.apply(event.entry);
        return this.advance(event.entry.sequence);
      }
      case 'progress': return this.advance(event.sequence);
      case 'floor':
        for (const cache of this.kinds.values()) cache.raiseFloor(event.sequence);
    }
  }

  private reset(entries: readonly LogEntry[], sequence: number, floor: number): void {
    const byKind = new Map<string, LogEntry[]>();
    for (const entry of entries) {
      const key = kindKey(entry.key.group, entry.key.resource);
      const list = byKind.get(key);
      if (list) list.push(entry);
      else byKind.set(key, [entry]);
    }
    for (const [key, cache] of this.kinds) {
      cache.reset(byKind.get(key) ?? [], sequence, this.seen);
      cache.raiseFloor(floor);
    }
    if (this.feedState.type !== 'serving') this.become({ type: 'serving' });
    this.advance(sequence);
  }

  private advance(sequence: number): void {
    this.seen = Math.max(this.seen, sequence);
    this.waiters.advance(this.seen);
  }

  private become(state: FeedState): void {
    this.feedState = state;
    this.options.onState?.(state);
  }

  private fail(error: Error): void {
    this.options.logger.error('object log refuses to serve', { log: this.options.name, error: error.message });
    this.become({ type: 'failed', error });
    this.waiters.fail(refusal(this.options.name, error));
    for (const cache of this.kinds.values()) cache.endWatches();
  }
}

const kindKey = (group: string, plural: string): string => `${plural}.${group}`;

const refusal = (name: string, error: Error): ApiError =>
  new ApiError('Unavailable', `the ${name} log is not served: ${error.message}`, {}, { cause: error });
