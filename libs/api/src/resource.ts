import type { Scale } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';
import type { ObjectMeta } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

/** Any Kubernetes object: its protobuf message as ts-proto types it. Absent fields are absent, never zero or empty. */
export interface ApiObject {
  metadata?: ObjectMeta | undefined;
}

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** How to treat fields a message does not have: Kubernetes' fieldValidation. */
export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** One message type's two wire forms. Driven by descriptors and facts; no codec is written by hand. */
export interface MessageCodec<T> {
  /** Full protobuf name, such as k8s.io.api.core.v1.Pod. */
  readonly message: string;
  encode(object: T): Uint8Array;
  /** Normalized: zero in a non-pointer field becomes absent. Throws ApiError BadRequest for malformed bytes. */
  decode(bytes: Uint8Array): T;
  /** What decode does after the wire: for messages that were decoded as part of a request. May change its argument; use what it returns. */
  normalize(object: T): T;
  /** Without apiVersion and kind. */
  toJson(object: T): JsonObject;
  /**
   * Throws ApiError BadRequest that names the field for wrong types and, when Strict, for unknown fields; `warn` hears of
   * them otherwise (default Warn). Duplicate keys are gone after JSON.parse: see findDuplicateFields. apiVersion and kind
   * are accepted and left out.
   */
  fromJson(json: JsonValue, options?: { readonly fieldValidation?: FieldValidation; readonly warn?: (message: string) => void }): T;
}

/** One validation failure, in Kubernetes' words. */
export interface FieldError {
  readonly type: 'Required' | 'Invalid' | 'NotSupported' | 'Forbidden' | 'Duplicate' | 'TooLong' | 'TooMany' | 'NotFound' | 'TypeInvalid';
  /** Path such as spec.containers[0].image. */
  readonly field: string;
  /** The whole message as Kubernetes prints it after the path: `Invalid value: "x": must …`. */
  readonly message: string;
}

export interface Column<T> {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly format?: 'name';
  /** 1: only with -o wide. */
  readonly priority?: 0 | 1;
  readonly description?: string;
  value(object: T, nowMs: number): string | number | boolean;
}

export interface StatusStrategy<T> {
  /** Takes over only status (and what else the subresource may change) from `next` into a copy of `previous`. */
  prepareForUpdate(next: T, previous: T): T;
  validateUpdate(next: T, previous: T): FieldError[];
}

/** A kind's size as the scale subresource shows it. Pure: neither changes its argument. */
export interface ScaleView<T> {
  read(object: T): Scale;
  write(object: T, replicas: number): T;
}

/**
 * How a kind is stored that is only another face of a stored one: another of its versions, or the same objects in another group. Pure; what they answer may share parts with
 * their argument. What one face shows, another can write back unchanged: nothing gets lost on the way through.
 */
export interface StoredAs<T extends ApiObject = ApiObject> {
  /** The stored kind; itself no view. */
  readonly resource: Resource;
  toStored(object: T): ApiObject;
  fromStored(object: ApiObject): T;
}

/** Everything there is to know of one kind. Written with `defineResource`; the whole system loops over the registry. */
export interface Resource<T extends ApiObject = ApiObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Names of the subresources served: status, binding, log, finalize … */
  readonly subresources: readonly string[];
  readonly codec: MessageCodec<T>;
  /** Which log holds it: Events have one of their own. */
  readonly log: 'objects' | 'events';
  /** Fills in Kubernetes' defaults in place; idempotent. */
  setDefaults(object: T): void;
  /** Clears what a creator may not set (status), sets generation; in place. */
  prepareForCreate(object: T): void;
  /** Keeps what an update may not change (status, generation rules); in place on `next`. */
  prepareForUpdate(next: T, previous: T): void;
  validateCreate(object: T): FieldError[];
  validateUpdate(next: T, previous: T): FieldError[];
  readonly status?: StatusStrategy<T>;
  /** Views have it: a kind without it is stored as it is served. */
  readonly storedAs?: StoredAs<T>;
  /** Kinds with a scale subresource have it. */
  readonly scale?: ScaleView<T>;
  /** Whether the write changed what is wanted (a spec, a binding), as opposed to what is: decides the trace origin. */
  changesWanted(next: T, previous: T): boolean;
  /** Field selectors besides metadata.name and metadata.namespace. */
  readonly fieldSelectors: Readonly<Record<string, (object: T) => string>>;
  /** Field selectors by which the watch cache indexes and dispatches, such as spec.nodeName for pods. */
  readonly indexedFields: readonly string[];
  readonly columns: readonly Column<T>[];
  /** Seconds of grace a delete gives by default (pods: spec.terminationGracePeriodSeconds); absent: deleted at once. */
  gracePeriodSeconds?(object: T): number;
}

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** The kinds served. It is live: resources can be added and removed while it runs. */
export interface ResourceRegistry {
  all(): readonly Resource[];
  find(ref: GroupVersionResource): Resource | undefined;
  findKind(group: string, version: string, kind: string): Resource | undefined;
  /** Plural, singular, short name, kind (any case), optionally with .group: as a person types it. */
  findName(name: string): Resource | undefined;
  add(resource: Resource): void;
  remove(ref: GroupVersionResource): void;
  /** Calls back on every add and remove; answers how to stop. */
  subscribe(listener: (change: { readonly type: 'added' | 'removed'; readonly resource: Resource }) => void): () => void;
}
