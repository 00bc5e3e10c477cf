import { microTimeToMs, timeToMs } from '@navarch/api';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';
import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Heartbeat } from './plan-conditions';

/**
 * When each node last gave a sign of life, by our own clock: what a Lease or a condition says of the time is only compared with what it
 * said before, for the node's clock may be wrong.
 */
export class Heartbeats {
  private readonly signs = new Map<string, { readonly sign: string; readonly seenMs: number }>();

  /** Takes what is known now; the time is `nowMs` if it differs from what was known. */
  see(node: Node, lease: Lease | undefined, nowMs: number): Heartbeat {
    const name = node.metadata?.name ?? '';
    const sign = signOf(node, lease);
    const known = this.signs.get(name);
    if (known?.sign === sign) return known;
    const seen = { sign, seenMs: nowMs };
    this.signs.set(name, seen);
    return seen;
  }

  forget(name: string): void {
    this.signs.delete(name);
  }
}

function signOf({ metadata, status }: Node, lease: Lease | undefined): string {
  const heartbeat = status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
  const renewal = lease?.spec?.renewTime;
  return [metadata?.uid, heartbeat && timeToMs(heartbeat), renewal && microTimeToMs(renewal)].join(' ');
}
