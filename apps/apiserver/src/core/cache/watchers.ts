import { ApiError, BoundedQueue } from '@navarch/base';

import type { CacheEvent } from './cache-event';
import type { Selection } from './selection';
import type { StoredObject } from './stored-object';
import type { WatchItem } from './watch-item';

/** One watch: what it selects, and the bounded queue between the dispatcher, which never waits, and its reader. */
export class Watcher {
  readonly queue: BoundedQueue<WatchItem>;
  private readonly cut = new AbortController();
  private done = false;

  constructor(readonly selection: Selection, readonly wantsBookmarks: boolean, capacity: number) {
    this.queue = new BoundedQueue(capacity);
  }

  get cutOff(): AbortSignal {
    return this.cut.signal;
  }

  offer(event: CacheEvent): void {
    const item = event.itemFor(this.selection);
    if (item) this.push(item);
  }

  /** Cut off when its reader is too slow: what waits is let go, and the client resumes from the last version it has seen. */
  push(item: WatchItem): void {
    if (this.done || this.queue.push(item)) return;
    this.done = true;
    this.queue.fail(new ApiError('Unavailable', 'the watch was too slow to read and has been cut off; watch again from the last version seen'), true);
    this.cut.abort();
  }

  end(bookmark?: WatchItem): void {
    if (bookmark && this.wantsBookmarks) this.queue.push(bookmark);
    this.done = true;
    this.queue.end();
  }
}

type FieldValue = (object: StoredObject) => string;

/**
 * The watchers of a kind, each in the one bucket that tells most about it: a change only meets those it may concern.
 * A watch with spec.nodeName=X costs nothing when another node's pod changes.
 */
export class WatcherSet {
  private readonly all = new Set<Watcher>();
  private readonly everywhere = new Set<Watcher>();
  private readonly byNamespace = new Map<string, Set<Watcher>>();
  private readonly byName = new Map<string, Set<Watcher>>();
  private readonly byField: ReadonlyMap<string, { readonly value: FieldValue; readonly watchers: Map<string, Set<Watcher>> }>;

  constructor(indexed: ReadonlyMap<string, FieldValue>) {
    this.byField = new Map([...indexed].map(([field, value]) => [field, { value, watchers: new Map() }]));
  }

  get size(): number {
    return this.all.size;
  }

  [Symbol.iterator](): Iterator<Watcher> {
    return this.all.values();
  }

  add(watcher: Watcher): void {
    this.all.add(watcher);
    const { bucket, key } = this.place(watcher.selection);
    if (!bucket) this.everywhere.add(watcher);
    else if (bucket.has(key)) bucket.get(key)?.add(watcher);
    else bucket.set(key, new Set([watcher]));
  }

  remove(watcher: Watcher): void {
    this.all.delete(watcher);
    this.everywhere.delete(watcher);
    const { bucket, key } = this.place(watcher.selection);
    const set = bucket?.get(key);
    set?.delete(watcher);
    if (set?.size === 0) bucket?.delete(key);
  }

  dispatch(event: CacheEvent): void {
    if (this.all.size === 0) return;
    const state = event.live ?? event.last;
    offerAll(this.everywhere, event);
    offerAll(this.byNamespace.get(state?.namespace ?? ''), event);
    offerAll(this.byName.get(state?.name ?? ''), event);
    for (const { value, watchers } of this.byField.values()) {
      if (watchers.size === 0) continue;
      const before = event.previous && value(event.previous);
      const after = event.live && value(event.live);
      if (before !== undefined) offerAll(watchers.get(before), event);
      if (after !== undefined && after !== before) offerAll(watchers.get(after), event);
    }
  }

  private place(selection: Selection): { bucket?: Map<string, Set<Watcher>>; key: string } {
    if (selection.name !== undefined) return { bucket: this.byName, key: selection.name };
    if (selection.indexed) return { bucket: this.byField.get(selection.indexed.field)?.watchers, key: selection.indexed.value };
    return selection.namespace === undefined ? { key: '' } : { bucket: this.byNamespace, key: selection.namespace };
  }
}

function offerAll(watchers: Set<Watcher> | undefined, event: CacheEvent): void {
  if (watchers) for (const watcher of watchers) watcher.offer(event);
}
