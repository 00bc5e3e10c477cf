import { microTimeFromMs } from '@navarch/api';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';

/**
 * Whether `identity` may take the lease: it is free, its own, or has not changed for its whole duration. `observedMs` is when
 * we first saw this very state of the lease, `nowMs` is now, both by our own monotonic clock.
 */
export function mayTake(lease: Lease, identity: string, observedMs: number, nowMs: number, ownDurationMs: number): boolean {
  const { holderIdentity, leaseDurationSeconds } = lease.spec ?? {};
  if (!holderIdentity || holderIdentity === identity) return true;
  const durationMs = leaseDurationSeconds === undefined ? ownDurationMs : leaseDurationSeconds * 1000;
  return nowMs >= observedMs + durationMs;
}

/** The lease as held by `identity` from `nowMs`; a renewal keeps acquireTime, a change of holder counts as a transition. */
export function leaseTaken(lease: Lease, identity: string, durationMs: number, nowMs: number): Lease {
  const { holderIdentity, acquireTime, leaseTransitions } = lease.spec ?? {};
  const renewal = holderIdentity === identity;
  const now = microTimeFromMs(nowMs);
  const transitions = (leaseTransitions ?? 0) + (renewal || lease.spec === undefined ? 0 : 1);
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(durationMs / 1000),
      acquireTime: (renewal ? acquireTime : undefined) ?? now,
      renewTime: now,
      leaseTransitions: transitions,
    },
  };
}

/** The lease without a holder, as client-go leaves it: one second, so that old clients do not wait either. */
export function leaseReleased(lease: Lease, nowMs: number): Lease {
  const { leaseTransitions } = lease.spec ?? {};
  const now = microTimeFromMs(nowMs);
  return { ...lease, spec: { leaseDurationSeconds: 1, acquireTime: now, renewTime: now, ...(leaseTransitions !== undefined && { leaseTransitions }) } };
}
