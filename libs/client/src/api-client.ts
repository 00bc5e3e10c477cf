import type { ApiObject, JsonValue, Resource } from '@navarch/api';
import type { TraceHeaders } from '@navarch/base';
import type { TokenRequest, TokenRequestSpec } from '@navarch/proto/k8s/io/api/authentication/v1/authentication';
import type { Binding } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { DeleteOptions } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole call; 30,000 unless told. */
  readonly timeoutMs?: number;
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Absent: current; '0': whatever the server has. */
  readonly resourceVersion?: string;
}

export interface ListResult<T> {
  readonly items: T[];
  readonly resourceVersion: string;
}

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  /** Begin with an ADDED event per present object and a BOOKMARK with initialEventsEnd. */
  readonly sendInitialEvents?: boolean;
  /** Only metadata is looked at: objects may come without all else. */
  readonly metadataOnly?: boolean;
}

/** One change, with the trace context of the write behind it. Objects are shared: never change them. */
export interface WatchEvent<T> extends TraceHeaders {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** On BOOKMARK only metadata.resourceVersion is set. */
  readonly object: T;
  readonly resourceVersion: string;
  /** When the log took the write, milliseconds since 1970; 0 where unknown. */
  readonly commitTimeMs: number;
  /** On the BOOKMARK that ends the initial events. */
  readonly initialEventsEnd?: boolean;
}

export type PatchType = 'application/merge-patch+json' | 'application/json-patch+json' | 'application/strategic-merge-patch+json' | 'application/apply-patch+yaml';

/**
 * One kind's objects. Namespaces are '' for cluster-scoped kinds. Failures are ApiErrors. The active OpenTelemetry
 * context travels with every call.
 */
export interface ResourceClient<T extends ApiObject> {
  get(namespace: string, name: string, options?: CallOptions & { readonly resourceVersion?: string }): Promise<T>;
  /** All items, however many pages they take. */
  list(options?: ListOptions): Promise<ListResult<T>>;
  /** Ends when the server ends it (watch again from the last version); throws Expired when the version is too old. */
  watch(options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Namespace and name from metadata. */
  create(object: T, options?: CallOptions): Promise<T>;
  /**
   * Conflict where metadata.resourceVersion is set and stale. Subresource `finalize` (namespaces) takes over only
   * spec.finalizers; a terminating namespace without any is gone after it.
   */
  update(object: T, options?: CallOptions & { readonly subresource?: 'finalize' }): Promise<T>;
  updateStatus(object: T, options?: CallOptions): Promise<T>;
  patch(namespace: string, name: string, type: PatchType, patch: JsonValue, options?: CallOptions & { readonly subresource?: 'status' }): Promise<T>;
  /** The object's last known state: gone, or marked with a deletionTimestamp. */
  delete(namespace: string, name: string, options?: CallOptions & { readonly deleteOptions?: DeleteOptions }): Promise<T>;
}

/** The API as every part of Navarch uses it: over gRPC in production, in process in the simulation. */
export interface ApiClient {
  resource<T extends ApiObject>(resource: Resource<T>): ResourceClient<T>;
  /** Binds a pod to a node (the pods/binding subresource): Conflict where it is bound already. */
  bindPod(binding: Binding, options?: CallOptions): Promise<void>;
  /** A token of a service account (the serviceaccounts/token subresource); its end is in status.expirationTimestamp. */
  createToken(namespace: string, account: string, spec: TokenRequestSpec, options?: CallOptions): Promise<TokenRequest>;
  /**
   * A GET of an API that another server answers (an APIService's), as JSON. `path` is absolute and may have a query. NotFound where nobody serves it,
   * Unavailable where its server does not answer; other failures carry the far server's own status.
   */
  getForeign(path: string, options?: CallOptions): Promise<JsonValue>;
}
