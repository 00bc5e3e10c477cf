import { defineResource, type ResourceDefinition } from './define-resource';
import type { ApiObject, Resource, StatusStrategy } from './resource';

type OwnWords = 'setDefaults' | 'prepareForCreate' | 'prepareForUpdate' | 'validateCreate' | 'validateUpdate' | 'status' | 'changesWanted' | 'columns' | 'namespaced' | 'kind' | 'plural' | 'log';

export type ViewDefinition<T extends ApiObject, S extends ApiObject> = Omit<ResourceDefinition<T>, OwnWords | 'storedAs'> & Partial<Pick<ResourceDefinition<T>, 'kind' | 'plural' | 'validateCreate' | 'validateUpdate'>> & {
  toStored(object: T): S;
  fromStored(object: S): T;
};

/**
 * Another face of a kind: a version or group of its own under which the objects of `stored` are served. Rules, defaults and columns are the stored kind's, looked at through
 * the conversion, so that an object means the same whichever way it came; a face may have stricter rules of its own. Errors name the stored kind's fields, as in Kubernetes, which
 * validates its internal form.
 */
export function defineView<T extends ApiObject, S extends ApiObject>(stored: Resource<S>, { toStored, fromStored, ...definition }: ViewDefinition<T, S>): Resource<T> {
  const inPlace = (object: T, change: (object: S) => void): void => {
    const other = toStored(object);
    change(other);
    replaceContent(object, fromStored(other));
  };
  return defineResource<T>({
    kind: stored.kind, plural: stored.plural, namespaced: stored.namespaced, log: stored.log,
    setDefaults: (object) => inPlace(object, (other) => stored.setDefaults(other)),
    prepareForCreate: (object) => inPlace(object, (other) => stored.prepareForCreate(other)),
    prepareForUpdate: (next, previous) => inPlace(next, (other) => stored.prepareForUpdate(other, toStored(previous))),
    validateCreate: (object) => stored.validateCreate(toStored(object)),
    validateUpdate: (next, previous) => stored.validateUpdate(toStored(next), toStored(previous)),
    changesWanted: (next, previous) => stored.changesWanted(toStored(next), toStored(previous)),
    columns: stored.columns.map((column) => ({ ...column, value: (object: T, nowMs: number) => column.value(toStored(object), nowMs) })),
    ...(stored.status && { status: statusOf(stored.status, toStored, fromStored) }),
    ...definition,
    storedAs: { resource: stored as unknown as Resource, toStored, fromStored: fromStored as (object: ApiObject) => T },
  });
}

function statusOf<T extends ApiObject, S extends ApiObject>(status: StatusStrategy<S>, toStored: (object: T) => S, fromStored: (object: S) => T): StatusStrategy<T> {
  return {
    prepareForUpdate: (next, previous) => fromStored(status.prepareForUpdate(toStored(next), toStored(previous))),
    validateUpdate: (next, previous) => status.validateUpdate(toStored(next), toStored(previous)),
  };
}

function replaceContent<T extends object>(object: T, content: T): void {
  for (const key of Object.keys(object) as (keyof T)[]) delete object[key];
  Object.assign(object, content);
}

/** The kind under which a resource's objects are stored: itself, unless it is a view. */
export function storageOf(resource: Resource): Resource {
  return resource.storedAs?.resource ?? resource;
}

/** The object of `from` as `to` shows it; both must be faces of one kind. */
export function convertObject(object: ApiObject, from: Resource, to: Resource): ApiObject {
  if (from === to) return object;
  const stored = from.storedAs ? from.storedAs.toStored(object) : object;
  return to.storedAs ? to.storedAs.fromStored(stored) : stored;
}
