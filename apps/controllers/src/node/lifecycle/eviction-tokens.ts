/** One token per zone at most, refilled at a rate that may change: Kubernetes' token bucket of burst 1. */
export class EvictionTokens {
  private readonly zones = new Map<string, { readonly left: number; readonly atMs: number }>();

  /** Takes the zone's token if it has one. */
  take(zone: string, ratePerSecond: number, nowMs: number): boolean {
    const { left, atMs } = this.zones.get(zone) ?? { left: 1, atMs: nowMs };
    const filled = Math.min(1, left + ((nowMs - atMs) / 1000) * ratePerSecond);
    const allowed = ratePerSecond > 0 && filled >= 1;
    this.zones.set(zone, { left: allowed ? filled - 1 : filled, atMs: nowMs });
    return allowed;
  }
}
