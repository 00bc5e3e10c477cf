import { pods as podResource } from '@navarch/api';
import { backoffDelayMs, deferred, isConflict, isNotFound, sleep, toError, type Clock, type Deferred, type Logger } from '@navarch/base';
import { compareVersions, type ResourceClient } from '@navarch/client';
import type { Pod, PodStatus } from '@navarch/proto/k8s/io/api/core/v1/core';

import { identityOf } from './identity';
import { ownConditions } from './pod-status';

export interface StatusWriterOptions {
  readonly client: ResourceClient<Pod>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The newest pod that the worker knows. */
  readonly currentPod: () => Pod;
}

const backoff = { initialMs: 200, maxMs: 10_000 };

/**
 * Tells the API a pod's status beside the worker's own doings: the newest one only, by compare and set on the whole pod, so that
 * conditions of other writers are never lost. Tries until it is told, superseded, or the pod is gone.
 */
export class StatusWriter {
  private wanted: PodStatus | undefined;
  private written: Pod | undefined;
  private busy = false;
  private readonly stop = new AbortController();
  private waiters: Deferred<void>[] = [];

  constructor(private readonly options: StatusWriterOptions) {}

  submit(status: PodStatus): void {
    this.wanted = status;
    if (!this.busy) void this.drain();
  }

  /** Resolves when the API has been told all that was submitted (or does not want to know); rejects when it is closed. */
  flushed(): Promise<void> {
    if (!this.busy && !this.wanted) return Promise.resolve();
    const waiter = deferred<void>();
    this.waiters.push(waiter);
    return waiter.promise;
  }

  /** The newest state of the pod: the worker's, or what the last write answered. */
  newest(): Pod {
    const pod = this.options.currentPod();
    if (!this.written || this.written.metadata?.uid !== pod.metadata?.uid) return pod;
    return compareVersions(this.written.metadata?.resourceVersion ?? '0', pod.metadata?.resourceVersion ?? '0') > 0 ? this.written : pod;
  }

  close(): void {
    this.stop.abort(new Error('closed'));
    this.settle((waiter) => waiter.reject(this.stop.signal.reason));
  }

  private settle(finish: (waiter: Deferred<void>) => void): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const waiter of waiters) {
      waiter.promise.catch(() => undefined);
      finish(waiter);
    }
  }

  private async drain(): Promise<void> {
    this.busy = true;
    let failures = 0;
    while (this.wanted && !this.stop.signal.aborted) {
      const status = this.wanted;
      try {
        await this.write(status);
        failures = 0;
        if (this.wanted === status) this.wanted = undefined;
      } catch (error) {
        failures += 1;
        this.options.logger.warn('pod status not written, trying again', { error: toError(error).message });
        await sleep(this.options.clock, backoffDelayMs(failures, backoff), this.stop.signal).catch(() => undefined);
      }
    }
    this.busy = false;
    if (!this.stop.signal.aborted) this.settle((waiter) => waiter.resolve());
  }

  private async write(status: PodStatus): Promise<void> {
    let base = this.newest();
    const { namespace, name, uid } = identityOf(base);
    for (;;) {
      const next: Pod = { ...base, status: merged(base, status) };
      if (sameStatus(base, next)) return;
      try {
        this.written = await this.options.client.updateStatus(next, { signal: this.stop.signal });
        return;
      } catch (error) {
        if (isNotFound(error)) return;
        if (!isConflict(error)) throw error;
        const fresh = await this.options.client.get(namespace, name, { signal: this.stop.signal }).catch((reason: unknown) => {
          if (isNotFound(reason)) return undefined;
          throw reason;
        });
        // Another pod of that name is none of this writer's business.
        if (fresh?.metadata?.uid !== uid) return;
        base = fresh;
      }
    }
  }
}

/** The kubelet's status on top of what others wrote meanwhile: their conditions and fields stay. */
function merged(base: Pod, status: PodStatus): PodStatus {
  const own = (status.conditions ?? []).filter((condition) => (ownConditions as readonly string[]).includes(condition.type ?? '')).map((condition) => {
    const before = base.status?.conditions?.find((entry) => entry.type === condition.type);
    return before?.status === condition.status && before?.lastTransitionTime ? { ...condition, lastTransitionTime: before.lastTransitionTime } : condition;
  });
  const foreign = (base.status?.conditions ?? []).filter((condition) => !(ownConditions as readonly string[]).includes(condition.type ?? ''));
  return { ...status, startTime: base.status?.startTime ?? status.startTime, conditions: [...own, ...foreign] };
}

/** Compared as the wire has it, where zero and absent are one. */
function sameStatus(a: Pod, b: Pod): boolean {
  const bytes = (pod: Pod): Buffer => Buffer.from(podResource.codec.encode(podResource.codec.decode(podResource.codec.encode({ status: pod.status }))));
  return bytes(a).equals(bytes(b));
}
