import type { OutgoingHttpHeaders } from 'node:http';
import type { ConnectionOptions } from 'node:tls';

import type { ApiObject, FieldValidation } from '@navarch/api';
import type { Status } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import type { CommandStreams, PortForwardTarget, RunningCommand } from '@navarch/streaming';

import type { StoredObject } from './cache/stored-object';
import type { WatchItem } from './cache/watch-item';

/**
 * What the core understands: a request is a value, whichever door it came through, and so is the answer. Options carry
 * Kubernetes' names and meanings, so that the REST door only parses a query string into them.
 */
export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  /** More that is known of it, such as the pod that a token was made for. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface RequestTarget {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  /** The plural name. */
  readonly resource: string;
  readonly subresource?: string;
  /** Absent for cluster-scoped kinds, and for all namespaces in list, watch and deletecollection. */
  readonly namespace?: string;
  readonly name?: string;
}

/** An object as the caller sent it: bytes of a content type, or (in process) decoded and owned by the core from now on. */
export type RequestBody =
  | { readonly contentType: string; readonly bytes: Uint8Array }
  | { readonly object: ApiObject };

export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export type PropagationPolicy = 'Orphan' | 'Background' | 'Foreground';

export interface RequestOptions {
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Most items in one answer; absent: all. */
  readonly limit?: number;
  /** Most bytes of items in one answer (the door's message size); the rest follows with `continue`. */
  readonly maxBytes?: number;
  readonly continue?: string;
  readonly sendInitialEvents?: boolean;
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  readonly dryRun?: readonly string[];
  readonly fieldManager?: string;
  readonly fieldValidation?: FieldValidation;
  readonly force?: boolean;
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: Preconditions;
  readonly propagationPolicy?: PropagationPolicy;
  readonly orphanDependents?: boolean;
  /** The request's namespace replaces the one in the object instead of having to equal it (the gRPC services' rule). */
  readonly namespaceOverrides?: boolean;
}

export interface ApiRequest {
  readonly verb: Verb;
  readonly target: RequestTarget;
  readonly body?: RequestBody;
  readonly options: RequestOptions;
  readonly user: User;
  /** The caller's W3C trace context. */
  readonly traceparent?: string;
  readonly signal: AbortSignal;
  /** Milliseconds for the whole request; 30,000 where absent. Watches and followed logs only use it to begin. */
  readonly timeoutMs?: number;
  /** Hears what the caller should be told beside the answer (HTTP Warning headers, gRPC metadata). */
  readonly warn?: (message: string) => void;
}

export interface ListResponse {
  readonly type: 'list';
  readonly items: readonly StoredObject[];
  readonly resourceVersion: string;
  readonly continue?: string;
  /** Absent where selectors are in play, as in Kubernetes. */
  readonly remainingItemCount?: number;
}

export interface WatchResponse {
  readonly type: 'watch';
  readonly items: AsyncIterable<WatchItem>;
  /** Aborts when the watcher was too slow and has been cut off: whoever waits for its reader to drain can let go. */
  readonly cutOff: AbortSignal;
}

/**
 * A conversation with a pod. `start` begins it, once: a door asks for that when it has found a protocol that the caller speaks. Whoever
 * got the answer calls `release` when the conversation is over, begun or not.
 */
export interface SessionResponse {
  readonly type: 'session';
  readonly session: Session;
  release(): void;
}

export type Session = Conversation | ProxySession;

export type Conversation =
  | { readonly kind: 'command'; readonly streams: CommandStreams; start(signal: AbortSignal): Promise<RunningCommand> }
  | { readonly kind: 'portForward'; /** What the caller named beforehand; may be none. */ readonly ports: readonly number[]; start(signal: AbortSignal): Promise<PortForwardTarget> };

/** HTTP requests to `port` behind a proxy subresource: each is a connection of what `start` reaches. */
export interface ProxySession {
  readonly kind: 'proxy';
  readonly scheme: 'http' | 'https';
  readonly port: number;
  /** The far server is an API's own: it gets the whole path and these headers, and must show the certificate that these options ask for. */
  readonly whole?: { readonly headers: OutgoingHttpHeaders; readonly tls: ConnectionOptions };
  start(signal: AbortSignal): Promise<PortForwardTarget>;
}

export type ApiResponse =
  | { readonly type: 'object'; readonly object: StoredObject; /** The request made it. */ readonly created?: boolean }
  | ListResponse
  | WatchResponse
  | { readonly type: 'stream'; readonly chunks: AsyncIterable<Uint8Array> }
  | SessionResponse
  | { readonly type: 'status'; readonly status: Status };
