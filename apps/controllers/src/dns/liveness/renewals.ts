import { microTimeToMs } from '@navarch/api';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';

/** For a server whose Lease says nothing, or that has none yet. */
const defaultLeaseSeconds = 20;

/** When each server's Lease was last seen to change, by our own monotonic clock: the server's may be wrong. */
export class Renewals {
  private readonly seen = new Map<string, { readonly sign: string; readonly atMs: number }>();

  /** Milliseconds until the server counts as gone; 0 and less: it does. */
  leftMs(server: string, lease: Lease | undefined, nowMs: number): number {
    const { renewTime, leaseDurationSeconds = defaultLeaseSeconds } = lease?.spec ?? {};
    const sign = `${lease?.metadata?.uid} ${renewTime && microTimeToMs(renewTime)}`;
    const known = this.seen.get(server);
    const renewal = known?.sign === sign ? known : { sign, atMs: nowMs };
    this.seen.set(server, renewal);
    return renewal.atMs + leaseDurationSeconds * 1_000 - nowMs;
  }

  forget(server: string): void {
    this.seen.delete(server);
  }
}
