import { storageOf, type ApiObject, type Resource } from '@navarch/api';

import type { Selection } from './cache/selection';
import { StoredObject } from './cache/stored-object';
import type { WatchItem } from './cache/watch-item';
import type { Deadline } from './deadline';
import type { ListResponse, WatchResponse } from './request';
import type { Decide, Decision, ObjectStore } from './write/mutate';
import type { WriteContext } from './write/writer';

/** Another form of a kind's objects, as `Resource.storedAs` says: how what is stored is shown, and what is written gets stored. */
export class View {
  private readonly objects = new WeakMap<StoredObject, StoredObject>();
  private readonly items = new WeakMap<WatchItem, WatchItem>();
  private readonly closing = new AbortController();

  constructor(readonly resource: Resource, private readonly stored: ObjectStore) {}

  /** Aborts when the view is served no longer. */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  close(): void {
    this.closing.abort();
  }

  /** Made at first use and kept beside the stored object: the same for every reader. */
  readonly shown = (object: StoredObject): StoredObject => {
    if (object.resource === this.resource) return object;
    let shown = this.objects.get(object);
    if (!shown) {
      const { namespace, name, uid, sequence, timeMs, traceparent, origin } = object;
      shown = new StoredObject(this.resource, namespace, name, uid, sequence, timeMs, this.resource.codec.encode(this.convert(object.object)), traceparent, origin);
      this.objects.set(object, shown);
    }
    return shown;
  };

  list(list: ListResponse): ListResponse {
    return { ...list, items: list.items.map(this.shown) };
  }

  watch({ items, ...watch }: WatchResponse): WatchResponse {
    return { ...watch, items: this.followed(items) };
  }

  /** What a request in this form selects, by its own selectors, among what is stored. */
  selection(selection: Selection): Selection {
    return { ...selection, matches: (object) => selection.matches(this.shown(object)) };
  }

  /** Reads and writes in this form; what is stored is the other. */
  readonly store: ObjectStore = {
    encode: (object: ApiObject) => this.stored.encode(this.toStored(object)),
    find: async (namespace: string, name: string, deadline: Deadline) => this.shown(await this.stored.find(namespace, name, deadline)),
    create: async (object: ApiObject, ctx: WriteContext) => this.shown(await this.stored.create(this.toStored(object), ctx)),
    mutate: async (namespace: string, name: string, decide: Decide, ctx: WriteContext) =>
      this.shown(await this.stored.mutate(namespace, name, async (current) => this.decided(await decide(this.shown(current))), ctx)),
  };

  private decided(decision: Decision): Decision {
    switch (decision.type) {
      case 'update': return { type: 'update', next: this.toStored(decision.next) };
      case 'remove': return { type: 'remove', last: this.toStored(decision.last) };
      case 'keep': return decision;
    }
  }

  private toStored(object: ApiObject): ApiObject {
    return this.resource.storedAs?.toStored(object) ?? object;
  }

  private convert(object: ApiObject): ApiObject {
    return this.resource.storedAs?.fromStored(object) ?? object;
  }

  private async *followed(items: AsyncIterable<WatchItem>): AsyncGenerator<WatchItem, void, undefined> {
    for await (const item of items) yield this.item(item);
  }

  private item(item: WatchItem): WatchItem {
    let shown = this.items.get(item);
    if (!shown) {
      shown = { ...item, object: this.shown(item.object) };
      this.items.set(item, shown);
    }
    return shown;
  }
}

/** Whether both are faces of one stored kind. */
export const sameStorage = (one: Resource, other: Resource): boolean => storageOf(one) === storageOf(other);
