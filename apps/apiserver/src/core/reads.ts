import type { Clock } from '@navarch/base';

import type { Selection } from './cache/selection';
import type { Deadline } from './deadline';
import { notFound } from './errors';
import type { Kind } from './kinds';
import { checkListOptions, listFromCache } from './read/list';
import { becomeFresh, parseVersion } from './read/freshness';
import { checkWatchOptions, watchCache, type WatchDependencies } from './read/watch';
import type { ApiRequest, ApiResponse, ListResponse, WatchResponse } from './request';

/** Get, list and watch: bring the cache to what the caller asks for, then answer from it within one turn. */
export class Reads {
  constructor(private readonly clock: Clock, private readonly watching: WatchDependencies) {}

  async get(kind: Kind, { target, options }: ApiRequest, deadline: Deadline): Promise<ApiResponse> {
    await becomeFresh(kind.feed, this.clock, parseVersion(options.resourceVersion), deadline);
    const object = kind.cache.get(target.namespace ?? '', target.name ?? '');
    if (!object) throw notFound(kind.resource, target.name ?? '');
    return { type: 'object', object: kind.view?.shown(object) ?? object };
  }

  async list(kind: Kind, { options }: ApiRequest, selection: Selection, deadline: Deadline): Promise<ListResponse> {
    checkListOptions(options);
    const version = parseVersion(options.resourceVersion);
    // A continued list shows the snapshot it began with: nothing newer is needed.
    await becomeFresh(kind.feed, this.clock, options.continue ? 0 : version, deadline);
    const exact = options.resourceVersionMatch === 'Exact' ? version : undefined;
    const list = listFromCache(kind.cache, selection, options, kind.feed.position, exact);
    return kind.view?.list(list) ?? list;
  }

  async watch(kind: Kind, request: ApiRequest, selection: Selection, deadline: Deadline): Promise<WatchResponse> {
    checkWatchOptions(request.options);
    const version = parseVersion(request.options.resourceVersion);
    await becomeFresh(kind.feed, this.clock, version, deadline);
    const signal = kind.view ? AbortSignal.any([request.signal, kind.view.closed]) : request.signal;
    const watch = watchCache(kind.cache, selection, request.options, version, () => kind.feed.position, signal, this.watching);
    return kind.view?.watch(watch) ?? watch;
  }
}
