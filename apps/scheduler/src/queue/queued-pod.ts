import type { EventHeaders } from '@navarch/client';

import type { PodInfo } from '../snapshot/pod-info';
import type { HeapItem } from './heap';

/** A pod that waits for a node, with the history of its attempts. */
export interface QueuedPod extends HeapItem {
  info: PodInfo;
  /** Of the write that made the pod what it is: where its trace hangs and since when it waits. */
  headers: EventHeaders;
  /** When it came into the queue this time; active pods of one priority go by it. */
  queuedAtMs: number;
  /** When it was first seen. */
  readonly addedAtMs: number;
  /** Breaks ties: order of arrival. */
  order: number;
  /** How often it was popped. */
  attempts: number;
  /** Attempts that failed one after the other: what back-off grows by. */
  failures: number;
  /** End of its back-off. */
  readyAtMs: number;
  /** The plugins that rejected it last; empty after an error. */
  rejectedBy: ReadonlySet<string>;
  /** One of them waits for an event, so that the pod skips its back-off when it comes. */
  pending: boolean;
  /** Held by PreEnqueue. */
  gated: boolean;
  /** What the last failed attempt said. */
  lastFailure: string | undefined;
  /** A failed outcome is in its trace already; repetitions do not lengthen it. */
  failureTraced: boolean;
  /** Its framework's signature: pods with one signature get one answer from a hint. */
  signature: string | undefined;
}
