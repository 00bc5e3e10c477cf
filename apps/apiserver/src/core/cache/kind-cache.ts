import type { Resource } from '@navarch/api';
import type { LogEntry } from '@navarch/store';
import BTree from 'sorted-btree';

import { tooOld } from '../errors';
import { CacheEvent } from './cache-event';
import { defaultWindowLimits, EventWindow, type WindowLimits } from './event-window';
import { FieldIndex } from './field-index';
import type { Selection } from './selection';
import { storedFromEntry, type StoredObject } from './stored-object';
import type { WatchItem } from './watch-item';
import { WatcherSet } from './watchers';

export type ObjectTree = BTree<string, StoredObject>;

/** Snapshots that continue tokens point at, kept so that a long list costs no undoing. */
const keptSnapshots = 16;

const compareKeys = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** '/' sorts a namespace's objects together; names are ASCII, so that this is etcd's order. */
export const treeKey = (namespace: string, name: string): string => `${namespace}/${name}`;

/**
 * Everything a replica knows of one kind: the present objects in a copy-on-write tree, the recent changes, and who
 * watches. Fed in log order by one LogFeed; nothing here waits, so what a caller sees within one turn is atomic.
 */
export class KindCache {
  readonly watchers: WatcherSet;
  /** Another number after every change: for what is made of all objects and kept. */
  revision = 0;
  private tree: ObjectTree = new BTree(undefined, compareKeys);
  private readonly window: EventWindow;
  private readonly indexes: ReadonlyMap<string, FieldIndex>;
  private readonly tombstones = new Map<string, number>();
  private readonly snapshots = new Map<number, ObjectTree>();

  constructor(readonly resource: Resource, limits: WindowLimits = defaultWindowLimits) {
    this.window = new EventWindow(limits);
    this.indexes = new Map(resource.indexedFields.map((field) => [field, new FieldIndex(valueOfField(resource, field))]));
    this.watchers = new WatcherSet(new Map([...this.indexes].map(([field, index]) => [field, index.valueOf])));
  }

  get size(): number {
    return this.tree.size;
  }

  /** Every change after this version can still be replayed. */
  get oldest(): number {
    return this.window.start;
  }

  get(namespace: string, name: string): StoredObject | undefined {
    return this.tree.get(treeKey(namespace, name));
  }

  /** The sequence a create must expect: a tombstone's, or 0 for a name never used (as far as this replica knows). */
  tombstone(namespace: string, name: string): number {
    return this.tombstones.get(treeKey(namespace, name)) ?? 0;
  }

  /** Present objects with this value of an indexed field; undefined where the field has no index. */
  byField(field: string, value: string): StoredObject[] | undefined {
    return this.indexes.get(field)?.find(value);
  }

  /** The present objects, frozen in time: an O(1) copy-on-write clone. */
  snapshot(): ObjectTree {
    return this.tree.clone();
  }

  /** The objects as they were at `sequence`; throws Expired where the window no longer reaches back that far. */
  snapshotAt(sequence: number): ObjectTree {
    const kept = this.snapshots.get(sequence);
    if (kept) return kept;
    if (sequence < this.window.start) throw tooOld(sequence, this.window.start);
    const tree = this.tree.clone();
    for (const event of this.window.since(sequence).reverse()) {
      if (event.previous) tree.set(event.key, event.previous);
      else tree.delete(event.key);
    }
    this.keepSnapshot(sequence, tree);
    return tree;
  }

  keepSnapshot(sequence: number, tree: ObjectTree): void {
    this.snapshots.set(sequence, tree);
    for (const oldest of this.snapshots.keys()) {
      if (this.snapshots.size <= keptSnapshots) break;
      this.snapshots.delete(oldest);
    }
  }

  /** The changes after `sequence`; throws Expired where some are gone. */
  since(sequence: number): CacheEvent[] {
    if (sequence < this.window.start) throw tooOld(sequence, this.window.start);
    return this.window.since(sequence);
  }

  /** What of the present state a selection shows, in key order. */
  *select(selection: Selection): IterableIterator<StoredObject> {
    const indexed = selection.indexed && this.byField(selection.indexed.field, selection.indexed.value);
    if (indexed) {
      for (const object of indexed) if (selection.matches(object)) yield object;
      return;
    }
    for (const [, object] of selectFrom(this.snapshot(), selection, '')) yield object;
  }

  apply(entry: LogEntry): void {
    const key = treeKey(entry.key.namespace, entry.key.name);
    const previous = this.tree.get(key);
    const state = storedFromEntry(this.resource, entry);
    const event = entry.verb === 'delete'
      ? new CacheEvent(entry.sequence, key, undefined, previous, state)
      : new CacheEvent(entry.sequence, key, state, previous, undefined);
    this.take(event);
    this.window.push(event);
    this.watchers.dispatch(event);
  }

  /**
   * The history was lost: what watchers missed is made up from the difference. Nobody can resume from before
   * `sequence`, so made-up deletes may share the last version seen without anyone losing one between them.
   */
  reset(entries: readonly LogEntry[], sequence: number, lastSeen: number): void {
    const live = new Map<string, StoredObject>();
    for (const entry of entries) {
      if (entry.verb !== 'delete') live.set(treeKey(entry.key.namespace, entry.key.name), storedFromEntry(this.resource, entry));
    }
    const events = this.difference(live, lastSeen);
    this.window.restart(sequence);
    this.snapshots.clear();
    for (const event of events) {
      this.take(event);
      this.watchers.dispatch(event);
    }
    this.tombstones.clear();
    for (const entry of entries) {
      if (entry.verb === 'delete') this.tombstones.set(treeKey(entry.key.namespace, entry.key.name), entry.sequence);
    }
  }

  raiseFloor(floor: number): void {
    this.window.raise(floor);
    for (const sequence of this.snapshots.keys()) if (sequence < floor) this.snapshots.delete(sequence);
    for (const [key, sequence] of this.tombstones) if (sequence < floor) this.tombstones.delete(key);
  }

  /** Ends every watch (after a last bookmark where given): the server drains, or the kind is gone. */
  endWatches(bookmark?: WatchItem): void {
    for (const watcher of this.watchers) watcher.end(bookmark);
  }

  private take(event: CacheEvent): void {
    this.revision += 1;
    if (event.live) {
      this.tree.set(event.key, event.live);
      this.tombstones.delete(event.key);
    } else {
      this.tree.delete(event.key);
      this.tombstones.set(event.key, event.sequence);
    }
    for (const index of this.indexes.values()) index.replace(event.key, event.previous, event.live);
  }

  private difference(live: ReadonlyMap<string, StoredObject>, lastSeen: number): CacheEvent[] {
    const gone: CacheEvent[] = [];
    const changed: CacheEvent[] = [];
    for (const [key, previous] of this.tree.entries()) {
      const now = live.get(key);
      if (now?.uid !== previous.uid) gone.push(new CacheEvent(lastSeen, key, undefined, previous, previous.at(lastSeen)));
    }
    for (const [key, object] of live) {
      const previous = this.tree.get(key);
      if (previous?.sequence === object.sequence) continue;
      changed.push(new CacheEvent(object.sequence, key, object, previous?.uid === object.uid ? previous : undefined, undefined));
    }
    return [...gone, ...changed.sort((a, b) => a.sequence - b.sequence)];
  }
}

/** The selected part of a tree after key `after` ('' for the beginning), in order, with keys. */
export function* selectFrom(tree: ObjectTree, selection: Selection, after: string): IterableIterator<[string, StoredObject]> {
  const prefix = selection.namespace === undefined ? '' : `${selection.namespace}/`;
  for (const [key, object] of tree.entries(after > prefix ? after : prefix)) {
    if (!key.startsWith(prefix)) return;
    if (key !== after && selection.matches(object)) yield [key, object];
  }
}

function valueOfField(resource: Resource, field: string): (object: StoredObject) => string {
  const value = resource.fieldSelectors[field];
  if (!value) throw new Error(`${resource.plural} index ${field}, which is not one of their field selectors`);
  return (object) => value(object.object);
}
