import { timeFromMs } from '@navarch/api';
import type { Node, NodeCondition } from '@navarch/proto/k8s/io/api/core/v1/core';

/** Whether and since when a node is silent, as far as we know. */
export interface Heartbeat {
  /** When we last saw a sign of life, by our own clock. */
  readonly seenMs: number;
}

/** What a kubelet reports, and what nobody knows any more when it falls silent. */
const reported = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

export type Readiness = 'True' | 'False' | 'Unknown';

export function readinessOf(node: Node): Readiness {
  const status = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  return status === 'True' || status === 'False' ? status : 'Unknown';
}

/** When the node counts as silent, milliseconds by the clock of `seenMs`. A node that never reported gets longer. */
export function silentAtMs(node: Node, { seenMs }: Heartbeat, grace: { readonly monitorMs: number; readonly startupMs: number }): number {
  const everReported = node.status?.conditions?.some(({ type }) => type === 'Ready') ?? false;
  return seenMs + (everReported ? grace.monitorMs : grace.startupMs);
}

/**
 * The conditions of a node that is silent: what its kubelet reported becomes Unknown, in Kubernetes' words. Undefined where they
 * say so already.
 */
export function conditionsOfSilent(node: Node, nowMs: number): NodeCondition[] | undefined {
  const conditions = node.status?.conditions ?? [];
  const now = timeFromMs(nowMs);
  const changed = conditions.map((condition): NodeCondition =>
    (reported as readonly (string | undefined)[]).includes(condition.type) && condition.status !== 'Unknown'
      ? { ...condition, status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.', lastTransitionTime: now }
      : condition);
  const missing = reported.filter((type) => !conditions.some((condition) => condition.type === type)).map((type): NodeCondition => ({
    type, status: 'Unknown', reason: 'NodeStatusNeverUpdated', message: 'Kubelet never posted node status.',
    lastHeartbeatTime: node.metadata?.creationTimestamp, lastTransitionTime: now,
  }));
  return missing.length > 0 || changed.some((condition, index) => condition !== conditions[index]) ? [...changed, ...missing] : undefined;
}
