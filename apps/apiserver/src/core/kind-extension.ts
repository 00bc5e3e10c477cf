import type { ApiObject, FieldVersions, Resource } from '@navarch/api';
import type { Random } from '@navarch/base';

import type { KindCache } from './cache/kind-cache';
import type { Deadline } from './deadline';
import type { ApiRequest, ApiResponse, Verb } from './request';
import type { StoredObject } from './cache/stored-object';
import type { Decision } from './write/mutate';
import type { UpdateStrategy } from './write/update';
import type { WriteContext } from './write/writer';

/** What a subresource may ask of the core. */
export interface SubresourceContext {
  readonly resource: Resource;
  /** The parent's other forms, for field ownership. */
  readonly versions: FieldVersions;
  readonly namespace: string;
  readonly name: string;
  readonly deadline: Deadline;
  readonly nowMs: number;
  readonly random: Random;
  /** The parent object, current; NotFound where there is none. `name` where the request's says more than a name. */
  find(name?: string): Promise<StoredObject>;
  /** Read-modify-write of the parent, with everything a write gets (trace headers, dry run, retries). */
  mutate(decide: (current: StoredObject) => Decision | Promise<Decision>, options?: { readonly dryRun?: boolean }): Promise<StoredObject>;
  /** The same for another object, of the parent's namespace. */
  mutateObject(
    kind: Pick<Resource, 'group' | 'plural'>, name: string, decide: (current: StoredObject) => Decision | Promise<Decision>, options?: { readonly dryRun?: boolean },
  ): Promise<StoredObject>;
  /** Another kind's objects in the parent's namespace (all of a kind without namespaces); none where the kind is not served. As current as the last `find`. */
  objectsIn(group: string, plural: string): readonly StoredObject[];
  /** Another kind's cache. */
  cache(group: string, plural: string): KindCache;
}

/** A subresource that is not a view of its parent: binding, log … */
export interface Subresource {
  readonly verbs: readonly Verb[];
  handle(request: ApiRequest, context: SubresourceContext): Promise<ApiResponse>;
}

/** What a write has taken beyond its own object. None of these may fail: what cannot be given back is left to repair. */
export interface Reservation {
  /** Right before the write; throws where the reservation is too old to rely on. */
  confirm(): void;
  /** It is written: gives back what the object no longer needs. */
  commit(written: StoredObject): Promise<void>;
  /** It is not written; where `error` does not say so for certain, nothing is given back. */
  abandon(error?: unknown): Promise<void>;
}

/**
 * What the server does differently for one kind, beyond what its Resource says. Everything else is generic; a kind without
 * such behaviour needs nothing here.
 */
export interface KindExtension {
  readonly group: string;
  readonly plural: string;
  readonly subresources?: Readonly<Record<string, Subresource>>;
  /** Subresources that update the object under rules of their own, such as a namespace's finalize. */
  readonly views?: Readonly<Record<string, UpdateStrategy>>;
  /** Takes the place of the generic deletion where it answers; may refuse by throwing. */
  planDeletion?(current: ApiObject, nowMs: number): Decision | undefined;
  /** A condition besides the generic one for an update to remove the object. */
  mayRelease?(object: ApiObject): boolean;
  /** Fields that depend on what the cluster has; after the kind's own preparation, before admission. May refuse by throwing. */
  prepare?(next: ApiObject, previous?: ApiObject): void;
  /** Takes, after validation, what the object needs and nobody else may have, and fills it in. When it throws, nothing is left taken. */
  reserve?(next: ApiObject, previous: ApiObject | undefined, ctx: WriteContext): Promise<Reservation>;
  /** The object is gone: gives back what it had. Must not fail. */
  removed?(last: ApiObject, ctx: WriteContext): Promise<void>;
}
