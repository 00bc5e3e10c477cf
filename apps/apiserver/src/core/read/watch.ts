import { randomInt, type Clock, type Random } from '@navarch/base';

import { initialItem } from '../cache/cache-event';
import type { KindCache } from '../cache/kind-cache';
import type { Selection } from '../cache/selection';
import { StoredObject } from '../cache/stored-object';
import type { WatchItem } from '../cache/watch-item';
import { Watcher } from '../cache/watchers';
import { badRequest } from '../errors';
import type { RequestOptions, WatchResponse } from '../request';

export interface WatchDependencies {
  readonly clock: Clock;
  readonly random: Random;
  /** Changes a watcher may be behind before it is cut off. */
  readonly queueCapacity: number;
  /** Milliseconds between bookmarks. */
  readonly bookmarkIntervalMs: number;
}

const initialEventsAnnotation = 'k8s.io/initial-events-end';

/** As in Kubernetes, a watch without a timeout of its own ends after 30 to 60 minutes, so that load spreads again. */
const defaultTimeoutSeconds = 1_800;

/** Kubernetes' rules on which watch options go together. */
export function checkWatchOptions({ resourceVersionMatch: match, sendInitialEvents }: RequestOptions): void {
  if (match && sendInitialEvents === undefined) {
    throw badRequest('resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  }
  if (match && match !== 'NotOlderThan') {
    throw badRequest(`resourceVersionMatch: Unsupported value: "${match}": supported values: "NotOlderThan"`);
  }
}

/** A BOOKMARK: an object of the kind with nothing but its version (and, ending the initial events, their annotation). */
export function bookmark(cache: KindCache, sequence: number, initialEventsEnd = false): WatchItem {
  const annotations = initialEventsEnd ? { [initialEventsAnnotation]: 'true' } : undefined;
  const { resource } = cache;
  const bytes = resource.codec.encode({ metadata: { resourceVersion: String(sequence), annotations } });
  const object = new StoredObject(resource, '', '', '', sequence, 0, bytes);
  return { type: 'BOOKMARK', object, sequence, commitTimeMs: 0, ...(initialEventsEnd && { initialEventsEnd }) };
}

/**
 * Begins a watch of a cache that is as fresh as the request asked for. Everything up to the return happens in one turn:
 * what the watch starts from and what it hears of afterwards leave no gap between them.
 */
export function watchCache(
  cache: KindCache, selection: Selection, options: RequestOptions, version: number | undefined,
  position: () => number, signal: AbortSignal, deps: WatchDependencies,
): WatchResponse {
  const first = startOf(cache, selection, options, version, position());
  const watcher = new Watcher(selection, options.allowWatchBookmarks ?? false, deps.queueCapacity);
  cache.watchers.add(watcher);
  const stop = endLater(cache, watcher, options, position, signal, deps);
  return { type: 'watch', items: follow(first, watcher, stop), cutOff: watcher.cutOff };
}

function startOf(cache: KindCache, selection: Selection, options: RequestOptions, version: number | undefined, position: number): Iterable<WatchItem> {
  const wantsState = options.sendInitialEvents ?? (version === undefined || version === 0);
  if (wantsState) return presentState(cache, selection, options.sendInitialEvents ? bookmark(cache, position, true) : undefined);
  if (options.sendInitialEvents === false && !version) return [];
  return cache.since(version ?? position).flatMap((event) => event.itemFor(selection) ?? []);
}

function presentState(cache: KindCache, selection: Selection, end: WatchItem | undefined): Iterable<WatchItem> {
  // Taken now, not when the reader comes: it must be the state at which the watcher was registered.
  const snapshot = [...cache.select(selection)];
  return (function* () {
    for (const object of snapshot) yield initialItem(object);
    if (end) yield end;
  })();
}

async function* follow(first: Iterable<WatchItem>, watcher: Watcher, stop: () => void): AsyncGenerator<WatchItem, void, undefined> {
  try {
    for (const item of first) {
      if (watcher.cutOff.aborted) break;
      yield item;
    }
    yield* watcher.queue;
  } finally {
    stop();
  }
}

/** Ends the watch with its signal, its reader or its time, whichever is first; bookmarks it on the way and, in time, at the end. */
function endLater(
  cache: KindCache, watcher: Watcher, options: RequestOptions, position: () => number, signal: AbortSignal, deps: WatchDependencies,
): () => void {
  const { clock, random } = deps;
  const seconds = options.timeoutSeconds || defaultTimeoutSeconds + randomInt(random, defaultTimeoutSeconds);
  const cancelEnd = clock.setTimer(seconds * 1_000, () => watcher.end(bookmark(cache, position())));
  let cancelBookmark = (): void => undefined;
  const scheduleBookmark = (): void => {
    cancelBookmark = clock.setTimer(deps.bookmarkIntervalMs, () => {
      watcher.push(bookmark(cache, position()));
      scheduleBookmark();
    });
  };
  if (watcher.wantsBookmarks) scheduleBookmark();
  const stop = (): void => {
    cancelEnd();
    cancelBookmark();
    cache.watchers.remove(watcher);
    signal.removeEventListener('abort', onAbort);
  };
  const onAbort = (): void => {
    watcher.end();
    stop();
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return stop;
}
