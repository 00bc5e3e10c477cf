import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import { findCondition, pods, setCondition } from '@navarch/api';
import { hasReason, toError, type Clock, type Logger } from '@navarch/base';
import type { ApiClient, Informer, ResourceClient } from '@navarch/client';
import type { Pod, PodCondition } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { PodInfo } from '../snapshot/pod-info';

/** Why a pod is not scheduled, as its condition PodScheduled=False says it. */
export interface PendingReason {
  readonly reason: 'Unschedulable' | 'SchedulerError';
  readonly message: string;
  readonly nominatedNode?: string;
}

interface Wish {
  readonly info: PodInfo;
  readonly pending: PendingReason;
}

const maxInFlight = 16;
const maxTries = 5;

/**
 * Brings PodScheduled=False to the pods' status: only where it says something new, the latest wish per pod, a bounded
 * number at a time. Compare-and-set on what the informer shows, so a binding is never overwritten.
 */
export class ConditionWriter {
  private readonly client: ResourceClient<Pod>;
  private readonly wishes = new Map<string, Wish>();
  private readonly writing = new Set<string>();

  constructor(
    client: ApiClient, private readonly informer: Informer<Pod>, private readonly clock: Clock, private readonly logger: Logger, private readonly signal: AbortSignal,
  ) {
    this.client = client.resource(pods);
  }

  set(info: PodInfo, pending: PendingReason): void {
    this.wishes.set(info.uid, { info, pending });
    this.next();
  }

  /** The pod is gone or has a node: nothing to explain any more. */
  drop(uid: string): void {
    this.wishes.delete(uid);
  }

  private next(): void {
    for (const [uid, wish] of this.wishes) {
      if (this.writing.size >= maxInFlight) return;
      if (this.writing.has(uid)) continue;
      this.wishes.delete(uid);
      this.writing.add(uid);
      // Status writes are nobody's child: they only report.
      void context.with(ROOT_CONTEXT, () => this.write(wish)).finally(() => {
        this.writing.delete(uid);
        this.next();
      });
    }
  }

  private async write({ info, pending }: Wish): Promise<void> {
    for (let tries = 1; !this.signal.aborted; tries++) {
      const current = this.informer.get(info.namespace, info.name);
      if (!current || current.metadata?.uid !== info.uid || current.spec?.nodeName) return;
      const next = withPending(current, pending, this.clock.now());
      if (!next) return;
      try {
        await this.client.updateStatus(next, { signal: this.signal });
        return;
      } catch (thrown) {
        if (hasReason(thrown, 'NotFound') || this.signal.aborted) return;
        if (!hasReason(thrown, 'Conflict') || tries === maxTries) {
          // The next attempt to schedule the pod finds the condition still to be written.
          this.logger.warn('condition PodScheduled not written', { error: toError(thrown), namespace: info.namespace, pod: info.name });
          return;
        }
        await this.caughtUp(info, current);
      }
    }
  }

  /** Waits (1 s at most) until the informer shows something newer than what the write failed on. */
  private caughtUp(info: PodInfo, stale: Pod): Promise<void> {
    if (this.informer.get(info.namespace, info.name) !== stale) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        stop();
        resolve();
      };
      const cancel = this.clock.setTimer(1_000, done);
      const stop = this.informer.onChange(({ object }) => {
        if (object.metadata?.uid === info.uid) done();
      });
    });
  }
}

/** A copy of the pod that says why it waits; undefined where it says so already. */
export function withPending(pod: Pod, { reason, message, nominatedNode }: PendingReason, nowMs: number): Pod | undefined {
  const present = findCondition(pod.status?.conditions, 'PodScheduled');
  const told = present?.status === 'False' && present.reason === reason && present.message === message;
  if (told && (nominatedNode === undefined || pod.status?.nominatedNodeName === nominatedNode)) return undefined;
  const condition: PodCondition = {
    type: 'PodScheduled', status: 'False', reason, message,
    ...(pod.metadata?.generation !== undefined && { observedGeneration: pod.metadata.generation }),
  };
  const next = structuredClone(pod);
  next.status = {
    ...next.status, conditions: setCondition(next.status?.conditions, condition, nowMs),
    ...(nominatedNode !== undefined && { nominatedNodeName: nominatedNode }),
  };
  return next;
}
