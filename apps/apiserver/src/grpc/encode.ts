import { appendItems, encodeFields } from './wire';
import type { StoredObject } from '../core/cache/stored-object';
import type { WatchItem } from '../core/cache/watch-item';
import type { ListResponse } from '../core/request';
import { jsonType, protobufType } from '../core/write/body';

/** In which form a caller gets objects. */
export type ObjectForm = 'protobuf' | 'metadata' | 'json';

export function bytesOf(object: StoredObject, form: ObjectForm): Uint8Array {
  switch (form) {
    case 'protobuf': return object.bytes;
    case 'metadata': return object.metadataBytes;
    case 'json': return object.json;
  }
}

export const contentTypeOf = (form: ObjectForm): string => (form === 'json' ? jsonType : protobufType);

/** PodList and its siblings: ListMeta is field 1, the items are field 2. The items are sent as the cache has them. */
export function encodeList(list: ListResponse): Uint8Array {
  const meta = encodeFields([[2, list.resourceVersion], [3, list.continue], [4, list.remainingItemCount]]);
  return appendItems(encodeFields([[1, meta]]), list.items.map(({ bytes }) => bytes));
}

/** navarch.meta.v1.ListObjectsResponse. */
export function encodeObjectList(list: ListResponse, form: ObjectForm): Uint8Array {
  const head = encodeFields([[1, contentTypeOf(form)], [3, list.resourceVersion], [4, list.continue], [5, list.remainingItemCount]]);
  return appendItems(head, list.items.map((object) => bytesOf(object, form)));
}

/** navarch.meta.v1.ObjectResponse. */
export function encodeObject(object: StoredObject, form: ObjectForm): Uint8Array {
  return encodeFields([[1, contentTypeOf(form)], [2, bytesOf(object, form)], [3, object.resourceVersion]]);
}

/** Encoded once per form, however many watch: the items of live changes are the same for all watchers of a kind. */
const encodedEvents: Readonly<Record<ObjectForm, WeakMap<WatchItem, Uint8Array>>> = {
  protobuf: new WeakMap(), metadata: new WeakMap(), json: new WeakMap(),
};

/** WatchPodResponse and its siblings; navarch.meta.v1.WatchObjectResponse has the same fields and reads it as well. */
export function encodeWatchItem(item: WatchItem, form: ObjectForm): Uint8Array {
  const known = encodedEvents[form].get(item);
  if (known) return known;
  const bytes = encodeFields([
    [1, item.type], [2, bytesOf(item.object, form)], [3, String(item.sequence)], [4, item.traceparent], [5, item.origin], [6, item.commitTimeMs],
  ]);
  encodedEvents[form].set(item, bytes);
  return bytes;
}
