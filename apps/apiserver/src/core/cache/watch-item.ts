import type { TraceHeaders } from '@navarch/base';

import type { StoredObject } from './stored-object';

export type WatchItemType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';

/**
 * What a watcher gets. Items of live changes are shared by all watchers of a kind, so a door may keep what it made of
 * one beside it (a WeakMap): each is encoded once however many watch.
 */
export interface WatchItem extends TraceHeaders {
  readonly type: WatchItemType;
  /** On BOOKMARK only metadata.resourceVersion and annotations are set. */
  readonly object: StoredObject;
  readonly sequence: number;
  /** When the log took the write, milliseconds since 1970; 0 where there was none. */
  readonly commitTimeMs: number;
  /** On the BOOKMARK that ends the initial events. */
  readonly initialEventsEnd?: boolean;
}
