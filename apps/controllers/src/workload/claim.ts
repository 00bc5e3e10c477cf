import { controllerOf, ownerReference, type ApiObject, type JsonValue, type LabelMatcher, type Resource } from '@navarch/api';
import { ApiError, hasReason } from '@navarch/base';
import type { ApiClient, Informer, ReconcileContext } from '@navarch/client';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { inChunks, valuesOf } from '../in-chunks';
import { ownedOrOrphaned } from './owned';

export interface Claim<O extends ApiObject, T extends ApiObject> {
  readonly client: ApiClient;
  readonly owner: { readonly resource: Resource<O>; readonly object: O };
  /** Of the kind that is claimed, with the index `controllerUid`. */
  readonly informer: Informer<T>;
  readonly selector: LabelMatcher;
  /** What else an object must be besides selected, such as bear a name of the owner's making. */
  readonly belongs?: (object: T) => boolean;
  readonly wrote: ReconcileContext['wrote'];
}

export interface ClaimPlan<T> {
  readonly kept: readonly T[];
  readonly adopted: readonly T[];
  readonly released: readonly T[];
}

/**
 * What becomes of each candidate. Another controller's are never touched; what is being deleted is neither adopted nor
 * let go; an owner that is being deleted adopts nothing and lets nothing go.
 */
export function planClaims<T extends ApiObject>(owner: ApiObject, candidates: readonly T[], mine: (object: T) => boolean): ClaimPlan<T> {
  const plan = { kept: [] as T[], adopted: [] as T[], released: [] as T[] };
  const ownerGoes = owner.metadata?.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const controller = controllerOf(object);
    const goes = object.metadata?.deletionTimestamp !== undefined;
    if (controller && controller.uid !== owner.metadata?.uid) continue;
    if (controller) {
      if (mine(object)) plan.kept.push(object);
      else if (!ownerGoes && !goes) plan.released.push(object);
    } else if (!ownerGoes && !goes && mine(object)) plan.adopted.push(object);
  }
  return plan;
}

const atOnce = 16;

/**
 * The objects that are the owner's, after adopting orphans that match and letting go of those that no longer do, as
 * Kubernetes' controllers do. Before it adopts it asks the API, not the cache, whether the owner is the same one still and
 * not being deleted, and fails with Conflict (hence backs off) where it is not. Every write is compare-and-set on what was
 * read, so that two owners never get one object.
 */
export async function claimObjects<O extends ApiObject, T extends ApiObject>(claim: Claim<O, T>): Promise<T[]> {
  const { owner, informer, selector, belongs = () => true } = claim;
  const candidates = ownedOrOrphaned(informer, owner.object);
  const { kept, adopted, released } = planClaims(owner.object, candidates, (object) => selector.matches(object.metadata?.labels) && belongs(object));
  if (adopted.length > 0) await mustStillOwn(claim);
  const reference = ownerReference(owner.resource, owner.object);
  const gained = await inChunks(adopted, atOnce, (object) => setOwners(claim, object, [...(object.metadata?.ownerReferences ?? []), reference]));
  const lost = await inChunks(released, atOnce, (object) => setOwners(claim, object, (object.metadata?.ownerReferences ?? []).filter(({ uid }) => uid !== reference.uid)));
  valuesOf(lost);
  return [...kept, ...valuesOf(gained).filter((object) => object !== undefined)];
}

/** Asks the API, not the cache, whether the owner is the same one still and not being deleted: Conflict or NotFound where it is not. */
export async function mustStillOwn<O extends ApiObject>({ client, owner: { resource, object } }: Pick<Claim<O, ApiObject>, 'client' | 'owner'>): Promise<void> {
  const { namespace = '', name = '', uid } = object.metadata ?? {};
  const { metadata } = await client.resource(resource).get(namespace, name);
  if (metadata?.uid === uid && metadata?.deletionTimestamp === undefined) return;
  throw new ApiError('Conflict', `${resource.kind} ${namespace}/${name} with uid ${uid} may own nothing more: it is ${metadata?.uid === uid ? 'being deleted' : `gone, another has its name (${metadata?.uid})`}`);
}

/** The object with these owners; undefined where it is gone. */
async function setOwners<O extends ApiObject, T extends ApiObject>({ client, informer, wrote }: Claim<O, T>, object: T, owners: readonly OwnerReference[]): Promise<T | undefined> {
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = object.metadata ?? {};
  const patch = { metadata: { uid, resourceVersion, ownerReferences: owners.length === 0 ? null : owners.map(asJson) } };
  try {
    const patched = await client.resource(informer.resource).patch(namespace, name, 'application/merge-patch+json', patch);
    await wrote(informer, patched);
    return patched;
  } catch (thrown) {
    if (hasReason(thrown, 'NotFound')) return undefined;
    throw thrown;
  }
}

const asJson = ({ apiVersion = '', kind = '', name = '', uid = '', controller, blockOwnerDeletion }: OwnerReference): JsonValue => ({
  apiVersion, kind, name, uid, ...(controller !== undefined && { controller }), ...(blockOwnerDeletion !== undefined && { blockOwnerDeletion }),
});
