/**
 * What controllers of pods share (ReplicaSet, ReplicationController, StatefulSet, DaemonSet, Job):
 *
 *   owned.ts              who controls what: the index `controllerUid`, candidates for a claim, the keys that an event wakes
 *   claim.ts              `claimObjects`: adopts orphans that match, lets go of what no longer does
 *   pod-from-template.ts  `podFromTemplate`, `createOwned` (survives a lost answer), `underRequest` (one trace, or one per pod)
 *   pod-state.ts          `isActive`, `isAvailable`, `msUntilAvailable`
 *   deletion-order.ts     which pods go first
 *   slow-start.ts         1, 2, 4, … at a time, until one fails
 */
import { apiVersionOf, controllerOf, type ApiObject, type LabelMatcher, type Resource } from '@navarch/api';
import type { Informer, Request } from '@navarch/client';
import type { ObjectReference } from '@navarch/proto/k8s/io/api/core/v1/core';

/** One object of a kind, as its dependents name it. */
export interface Owner<O extends ApiObject = ApiObject> {
  readonly resource: Pick<Resource<O>, 'group' | 'version' | 'kind'>;
  readonly object: O;
}

const orphansOf = (namespace: string): string => `orphans/${namespace}`;

/** The index `controllerUid` for informers: by the controller's uid, or as one of the namespace's orphans. */
export const controllerUid = (object: ApiObject): readonly string[] => [controllerOf(object)?.uid ?? orphansOf(object.metadata?.namespace ?? '')];

/** What the owner controls, from the cache. The informer needs the index `controllerUid`. */
export function ownedBy<T extends ApiObject>(informer: Informer<T>, owner: ApiObject): readonly T[] {
  return informer.by('controllerUid', owner.metadata?.uid ?? '');
}

/** What the owner controls, and what in its namespace nobody does. */
export function ownedOrOrphaned<T extends ApiObject>(informer: Informer<T>, owner: ApiObject): readonly T[] {
  return [...ownedBy(informer, owner), ...informer.by('controllerUid', orphansOf(owner.metadata?.namespace ?? ''))];
}

export const keyOf = ({ metadata }: ApiObject): Request => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });

/** The owner of this kind that controls the object, if the cache has the very one (its uid) that the reference means. */
export function controllingOwner<O extends ApiObject>(owners: Informer<O>, object: ApiObject): O | undefined {
  const reference = controllerOf(object);
  if (!reference || reference.kind !== owners.resource.kind || reference.apiVersion?.split('/').slice(0, -1).join('/') !== owners.resource.group) return undefined;
  const owner = owners.get(object.metadata?.namespace ?? '', reference.name ?? '');
  return owner?.metadata?.uid === reference.uid ? owner : undefined;
}

/**
 * The keys of the owners that a change to a dependent concerns: its controller, or for an orphan all that select it. For
 * the `keys` of a watch, which is asked for the old state as well: an owner that lost its dependent hears of it.
 */
export function ownersOf<O extends ApiObject>(owners: Informer<O>, selectorOf: (owner: O) => LabelMatcher): (object: ApiObject) => readonly Request[] {
  return (object) => {
    const owner = controllingOwner(owners, object);
    if (owner) return [keyOf(owner)];
    if (controllerOf(object) || object.metadata?.deletionTimestamp) return [];
    return owners.list(object.metadata?.namespace ?? '').filter((each) => selectorOf(each).matches(object.metadata?.labels)).map(keyOf);
  };
}

/** What events on an object are about. */
export function objectReference<O extends ApiObject>({ resource, object: { metadata } }: Owner<O>): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata ?? {};
  return {
    kind: resource.kind, apiVersion: apiVersionOf(resource),
    ...(namespace !== undefined && { namespace }), ...(name !== undefined && { name }), ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }),
  };
}
