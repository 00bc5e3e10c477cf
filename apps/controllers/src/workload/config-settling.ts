/** When a configuration that changes is calm enough to be rolled out. */
export interface SettlingLimits {
  /** It must not have changed for so long … */
  readonly quietMs: number;
  /** … unless it has been changing for so long. */
  readonly maxWaitMs: number;
}

interface Unrest {
  readonly digest: string;
  readonly sinceMs: number;
  readonly firstMs: number;
}

/** So that a storm of changes, or one change to several objects, makes one rollout. By owner's uid; forgets with `calm`. */
export class ConfigSettling {
  private readonly unrest = new Map<string, Unrest>();

  constructor(private readonly limits: SettlingLimits) {}

  /** This owner's configuration differs from that of its pods. Answers for how long still to wait: 0 means now. */
  wait(uid: string, digest: string, nowMs: number): number {
    const known = this.unrest.get(uid);
    const unrest = known?.digest === digest ? known : { digest, sinceMs: nowMs, firstMs: known?.firstMs ?? nowMs };
    this.unrest.set(uid, unrest);
    const { quietMs, maxWaitMs } = this.limits;
    return Math.max(0, Math.min(unrest.sinceMs + quietMs, unrest.firstMs + maxWaitMs) - nowMs);
  }

  /** Nothing differs, or it is being rolled out, or the owner is gone. */
  calm(uid: string): void {
    this.unrest.delete(uid);
  }
}
