import { setMaxListeners } from 'node:events';

import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import type { ApiObject, Resource } from '@navarch/api';
import { backoffDelayMs, deferred, isExpired, sleep, toError, type Clock, type Logger, type Random, type TraceHeaders } from '@navarch/base';

import type { ResourceClient, WatchEvent } from './api-client';
import { cacheKey, ObjectCache, type IndexFunction } from './object-cache';
import { compareVersions, VersionWaiters } from './version-waiters';

/** What travels with a watch event beside the object. */
export interface EventHeaders extends TraceHeaders {
  /** When the log took the write, milliseconds since 1970; 0 where unknown. */
  readonly commitTimeMs: number;
}

export interface ObjectChange<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The present state; of a delete, the last. */
  readonly object: T;
  /** What the cache had before; absent on ADDED. */
  readonly old?: T;
  readonly headers: EventHeaders;
  /** It was there before this informer (or its relist) looked: not something that happens now. */
  readonly initial: boolean;
}

/** A local copy of one kind's objects that follows the server. Objects are shared: never change them. */
export interface Informer<T extends ApiObject> {
  readonly resource: Resource<T>;
  /** Starts once; follows until the signal aborts. Watch with initial events, resumes, relists on Expired. */
  start(signal: AbortSignal): void;
  /** Resolves at the end of the first initial events; never rejects (see `waitForSync`). */
  readonly synced: Promise<void>;
  readonly hasSynced: boolean;
  get(namespace: string, name: string): T | undefined;
  list(namespace?: string): readonly T[];
  by(index: string, value: string): readonly T[];
  /** The trace headers and commit time of the event that brought the object's present state. */
  headers(namespace: string, name: string): EventHeaders | undefined;
  /**
   * Called for each change after the cache has it; must not block. What it throws is logged and stops nothing. Hears
   * of changes from now on: what is there already is in `list()`. Answers how to stop.
   */
  onChange(handler: (change: ObjectChange<T>) => void): () => void;
  /**
   * Resolves when the cache has seen this version of this informer's kind; rejects with the signal's reason when it aborts.
   * With selectors, name only versions of objects that match: others arrive with the next bookmark.
   */
  waitFor(resourceVersion: string, signal?: AbortSignal): Promise<void>;
}

export interface InformerOptions<T extends ApiObject> {
  readonly client: ResourceClient<T>;
  readonly resource: Resource<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Asks for, and keeps, only metadata. */
  readonly metadataOnly?: boolean;
}

const rewatchBackoff = { initialMs: 100, maxMs: 30_000, jitter: 0.5 };

class WatchInformer<T extends ApiObject> implements Informer<T> {
  readonly resource: Resource<T>;
  private readonly cache: ObjectCache<T, EventHeaders>;
  private readonly handlers = new Set<(change: ObjectChange<T>) => void>();
  private readonly ready = deferred<void>();
  private readonly waiters = new VersionWaiters();
  private readonly logger: Logger;
  private started = false;
  /** Where to resume; undefined: the present state must be read. */
  private version: string | undefined;
  /** Keys named by the initial events under way. */
  private seen: Set<string> | undefined;
  hasSynced = false;

  constructor(private readonly options: InformerOptions<T>) {
    this.resource = options.resource;
    this.cache = new ObjectCache(options.indexes ?? {});
    this.logger = options.logger.child({ informer: options.resource.plural });
  }

  get synced(): Promise<void> {
    return this.ready.promise;
  }

  start(signal: AbortSignal): void {
    if (this.started) return;
    this.started = true;
    // One signal often stops many informers; Node warns from 11 listeners on.
    setMaxListeners(0, signal);
    // The watch outlives whoever starts it: it belongs to no trace.
    void context.with(ROOT_CONTEXT, () => this.follow(signal));
  }

  get(namespace: string, name: string): T | undefined {
    return this.cache.get(cacheKey(namespace, name))?.object;
  }

  list(namespace?: string): readonly T[] {
    return this.cache.list(namespace);
  }

  by(index: string, value: string): readonly T[] {
    return this.cache.by(index, value);
  }

  headers(namespace: string, name: string): EventHeaders | undefined {
    return this.cache.get(cacheKey(namespace, name))?.headers;
  }

  onChange(handler: (change: ObjectChange<T>) => void): () => void {
    this.handlers.add(handler);
    return () => this.handlers.delete(handler);
  }

  waitFor(resourceVersion: string, signal?: AbortSignal): Promise<void> {
    return this.waiters.waitFor(resourceVersion, signal);
  }

  /** Watches again and again; waits longer after each watch that brought nothing. */
  private async follow(signal: AbortSignal): Promise<void> {
    let fruitless = 0;
    while (!signal.aborted) {
      let events = 0;
      try {
        for await (const event of this.watch(signal)) {
          if (signal.aborted) return;
          events++;
          this.take(this.options.metadataOnly ? { ...event, object: { metadata: event.object.metadata } as T } : event);
        }
      } catch (thrown) {
        if (signal.aborted) return;
        this.onFailure(toError(thrown));
      }
      fruitless = events > 0 ? 1 : fruitless + 1;
      await sleep(this.options.clock, backoffDelayMs(fruitless, rewatchBackoff, this.options.random), signal).catch(() => undefined);
    }
  }

  private watch(signal: AbortSignal): AsyncIterable<WatchEvent<T>> {
    const { client, namespace, fieldSelector, labelSelector, metadataOnly } = this.options;
    const scope = { signal, ...(metadataOnly && { metadataOnly }), ...(namespace !== undefined && { namespace }), ...(fieldSelector && { fieldSelector }), ...(labelSelector && { labelSelector }) };
    this.seen = this.version === undefined ? new Set() : undefined;
    return client.watch(this.version === undefined ? { ...scope, sendInitialEvents: true } : { ...scope, resourceVersion: this.version });
  }

  private onFailure(error: Error): void {
    if (isExpired(error)) {
      this.version = undefined;
      this.logger.info('watch expired, reading the present state again');
    } else this.logger.warn('watch failed', { error });
  }

  private take(event: WatchEvent<T>): void {
    if (event.type === 'BOOKMARK') {
      if (event.initialEventsEnd) this.finishInitial();
      else if (this.seen) return;
      this.advance(event.resourceVersion);
      return;
    }
    if (this.seen) {
      this.seen.add(keyOf(event.object));
      this.apply(event, true);
      return;
    }
    // A server that repeats itself after a resume must not turn the cache back.
    if (this.version !== undefined && compareVersions(event.resourceVersion, this.version) <= 0) return;
    this.apply(event, false);
    this.advance(event.resourceVersion);
  }

  private apply(event: WatchEvent<T>, initial: boolean): void {
    const key = keyOf(event.object);
    const headers = headersOf(event);
    const known = this.cache.get(key)?.object;
    if (event.type === 'DELETED') {
      if (!known) return;
      this.cache.remove(key);
      this.tell({ type: 'DELETED', object: event.object, old: known, headers, initial });
      return;
    }
    if (known && initial && known.metadata?.resourceVersion === event.object.metadata?.resourceVersion) return;
    if (known && known.metadata?.uid !== event.object.metadata?.uid) {
      // Deleted and made again while nobody looked: two objects, two changes.
      this.cache.remove(key);
      this.tell({ type: 'DELETED', object: known, old: known, headers: { commitTimeMs: 0 }, initial });
      this.cache.put(key, event.object, headers);
      this.tell({ type: 'ADDED', object: event.object, headers, initial });
      return;
    }
    this.cache.put(key, event.object, headers);
    this.tell({ type: known ? 'MODIFIED' : 'ADDED', object: event.object, ...(known && { old: known }), headers, initial });
  }

  /** What the initial events did not name is gone; its DELETED is made up. */
  private finishInitial(): void {
    const seen = this.seen ?? new Set();
    this.seen = undefined;
    for (const key of this.cache.keys()) {
      if (seen.has(key)) continue;
      const object = this.cache.remove(key) as T;
      this.tell({ type: 'DELETED', object, old: object, headers: { commitTimeMs: 0 }, initial: true });
    }
    this.hasSynced = true;
    this.ready.resolve();
  }

  private advance(version: string): void {
    this.version = version;
    this.waiters.advance(version);
  }

  private tell(change: ObjectChange<T>): void {
    for (const handler of [...this.handlers]) {
      try {
        handler(change);
      } catch (thrown) {
        this.logger.error('change handler failed', { error: toError(thrown), type: change.type, object: keyOf(change.object) });
      }
    }
  }
}

function keyOf(object: ApiObject): string {
  return cacheKey(object.metadata?.namespace ?? '', object.metadata?.name ?? '');
}

function headersOf({ traceparent, origin, commitTimeMs }: WatchEvent<unknown>): EventHeaders {
  return { commitTimeMs, ...(traceparent !== undefined && { traceparent }), ...(origin !== undefined && { origin }) };
}

export function createInformer<T extends ApiObject>(options: InformerOptions<T>): Informer<T> {
  return new WatchInformer(options);
}

/** Waits until all have synced; false when the signal aborts first. */
export async function waitForSync(informers: readonly { readonly synced: Promise<void> }[], signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const aborted = deferred<false>();
  const onAbort = (): void => aborted.resolve(false);
  signal.addEventListener('abort', onAbort, { once: true });
  const all = Promise.all(informers.map(({ synced }) => synced)).then(() => true);
  const result = await Promise.race([all, aborted.promise]);
  signal.removeEventListener('abort', onAbort);
  return result;
}
