import { deepEqual } from './deep-equal';
import type { ApiObject, FieldError, Resource, StatusStrategy } from './resource';

type Optional = 'singular' | 'shortNames' | 'categories' | 'subresources' | 'verbs' | 'log' | 'setDefaults' | 'prepareForCreate' | 'prepareForUpdate' | 'changesWanted' | 'fieldSelectors' | 'indexedFields';

export type ResourceDefinition<T extends ApiObject> = Omit<Resource<T>, Optional> & Partial<Pick<Resource<T>, Optional>>;

/** The verbs of an ordinary kind. */
export const allVerbs: readonly string[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

const nothing = (): void => undefined;

/** A kind from what is special about it; the rest is what most kinds have. */
export function defineResource<T extends ApiObject>(definition: ResourceDefinition<T>): Resource<T> {
  return {
    singular: definition.kind.toLowerCase(), shortNames: [], categories: [], subresources: [], verbs: allVerbs, log: 'objects',
    setDefaults: nothing, prepareForCreate: nothing, prepareForUpdate: nothing, changesWanted: contentChanged,
    fieldSelectors: {}, indexedFields: [],
    ...definition,
  };
}

/** Everything but status and the server's bookkeeping; labels count, for selectors act on them, and so does the wish to delete. */
export function contentChanged(next: ApiObject, previous: ApiObject): boolean {
  return !deepEqual(wantedOf(next), wantedOf(previous));
}

function wantedOf(object: ApiObject): unknown {
  const { metadata, status: _status, _unknownFields, ...content } = object as ApiObject & { status?: unknown; _unknownFields?: unknown };
  return { ...content, labels: metadata?.labels, deleting: metadata?.deletionTimestamp !== undefined };
}

/** The status subresource as most kinds have it: status, labels and annotations change, the rest stays. */
export function statusStrategy<T extends ApiObject & { status?: unknown }>(validateUpdate: (next: T, previous: T) => FieldError[]): StatusStrategy<T> {
  return {
    prepareForUpdate: (next, previous) => ({
      ...previous,
      metadata: { ...next.metadata, ownerReferences: previous.metadata?.ownerReferences },
      status: next.status,
    }),
    validateUpdate,
  };
}
