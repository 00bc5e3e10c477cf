import type { ApiObject } from '../resource';

/** A new object's spec is its first. */
export function startGeneration(object: ApiObject): void {
  object.metadata = { ...object.metadata, generation: 1 };
}

/** Counts the versions of what is wanted; to be called from prepareForUpdate, which knows what of the object that is. */
export function countGeneration(next: ApiObject, previous: ApiObject, changed: boolean): void {
  const generation = previous.metadata?.generation ?? 0;
  next.metadata = { ...next.metadata, generation: changed ? generation + 1 : previous.metadata?.generation };
}
