import { deferred, type Clock, type Deferred } from '@navarch/base';

import type { PodInfo } from '../snapshot/pod-info';
import type { WaitingPod } from './plugin';

/** Why a waiting pod was refused, and by whom. */
export interface PermitRefusal {
  readonly plugin: string;
  readonly reason: string;
}

class HeldPod implements WaitingPod {
  private readonly outcome: Deferred<PermitRefusal | undefined> = deferred();
  private readonly timers = new Map<string, () => void>();

  constructor(readonly info: PodInfo, readonly nodeName: string, clock: Clock, waits: ReadonlyMap<string, number>) {
    for (const [plugin, waitMs] of waits) {
      this.timers.set(plugin, clock.setTimer(waitMs, () => this.reject(plugin, `timed out after waiting ${waitMs} ms`)));
    }
  }

  get done(): Promise<PermitRefusal | undefined> {
    return this.outcome.promise;
  }

  allow(pluginName: string): void {
    this.timers.get(pluginName)?.();
    this.timers.delete(pluginName);
    if (this.timers.size === 0) this.outcome.resolve(undefined);
  }

  reject(plugin: string, reason: string): void {
    for (const cancel of this.timers.values()) cancel();
    this.timers.clear();
    this.outcome.resolve({ plugin, reason });
  }
}

/** The pods that Permit holds back until plugins allow them, one refuses, or time runs out. */
export class WaitingPods {
  private readonly held = new Map<string, HeldPod>();

  constructor(private readonly clock: Clock) {}

  get size(): number {
    return this.held.size;
  }

  /** Resolves when the pod may go on (undefined) or may not. `waits`: milliseconds by plugin. */
  async wait(info: PodInfo, nodeName: string, waits: ReadonlyMap<string, number>): Promise<PermitRefusal | undefined> {
    const pod = new HeldPod(info, nodeName, this.clock, waits);
    this.held.set(info.uid, pod);
    try {
      return await pod.done;
    } finally {
      this.held.delete(info.uid);
    }
  }

  get(uid: string): WaitingPod | undefined {
    return this.held.get(uid);
  }

  all(): Iterable<WaitingPod> {
    return this.held.values();
  }
}
