import type { StoredObject } from './stored-object';
import type { Selection } from './selection';
import type { WatchItem, WatchItemType } from './watch-item';

/** One change of one object. The (at most three) forms that watchers may see are made once and shared. */
export class CacheEvent {
  private readonly items = new Map<WatchItemType, WatchItem>();

  constructor(
    readonly sequence: number,
    readonly key: string,
    /** The state after; absent when it was deleted. */
    readonly live: StoredObject | undefined,
    /** The state before; absent when there was none. */
    readonly previous: StoredObject | undefined,
    /** Of a delete: the last state, under the delete's own version. */
    readonly last: StoredObject | undefined,
  ) {}

  get timeMs(): number {
    return (this.live ?? this.last)?.timeMs ?? 0;
  }

  /** Kubernetes' rule: what stops matching is DELETED to this watcher, what starts matching ADDED. */
  itemFor(selection: Selection): WatchItem | undefined {
    const before = this.previous !== undefined && selection.matches(this.previous);
    const after = this.live !== undefined && selection.matches(this.live);
    if (after) return this.item(before ? 'MODIFIED' : 'ADDED');
    return before ? this.item('DELETED') : undefined;
  }

  private item(type: WatchItemType): WatchItem {
    const known = this.items.get(type);
    if (known) return known;
    const wrote = this.live ?? this.last;
    const shown = type === 'DELETED' ? (this.last ?? this.previous?.at(this.sequence)) : this.live;
    if (!shown || !wrote) throw new Error(`event ${this.sequence} of ${this.key} has no state to show`);
    const item: WatchItem = {
      type, object: shown, sequence: this.sequence, commitTimeMs: wrote.timeMs, traceparent: wrote.traceparent, origin: wrote.origin,
    };
    this.items.set(type, item);
    return item;
  }
}

const initialItems = new WeakMap<StoredObject, WatchItem>();

/** A present object as the ADDED event that a watch with initial events begins with; shared like live events. */
export function initialItem(object: StoredObject): WatchItem {
  let item = initialItems.get(object);
  if (!item) {
    const { sequence, timeMs: commitTimeMs, traceparent, origin } = object;
    item = { type: 'ADDED', object, sequence, commitTimeMs, traceparent, origin };
    initialItems.set(object, item);
  }
  return item;
}
