import type { CancelTimer, Clock } from '@navarch/base';

import type { PodInfo } from '../snapshot/pod-info';

/** Calls back for each bound pod some time after its bind, in order, with one timer for all. */
export class AssumedExpiry {
  private readonly waiting = new Map<string, { readonly info: PodInfo; readonly dueMs: number }>();
  private cancelTimer: CancelTimer | undefined;

  constructor(private readonly clock: Clock, private readonly afterMs: number, private readonly onExpired: (info: PodInfo) => void) {}

  get size(): number {
    return this.waiting.size;
  }

  add(info: PodInfo): void {
    this.waiting.delete(info.uid);
    this.waiting.set(info.uid, { info, dueMs: this.clock.now() + this.afterMs });
    this.arm();
  }

  /** The watch has shown it. */
  confirm(uid: string): void {
    this.waiting.delete(uid);
  }

  close(): void {
    this.waiting.clear();
    this.cancelTimer?.();
  }

  private arm(): void {
    const [first] = this.waiting.values();
    if (!first || this.cancelTimer) return;
    this.cancelTimer = this.clock.setTimer(first.dueMs - this.clock.now(), () => {
      this.cancelTimer = undefined;
      for (const [uid, { info, dueMs }] of this.waiting) {
        if (dueMs > this.clock.now()) break;
        this.waiting.delete(uid);
        this.onExpired(info);
      }
      this.arm();
    });
  }
}
