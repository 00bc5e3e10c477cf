import type { Node, Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

/** The taints that follow a node's state (Kubernetes' well-known taints). */
export const taintKeys = {
  notReady: 'node.kubernetes.io/not-ready',
  unreachable: 'node.kubernetes.io/unreachable',
  memoryPressure: 'node.kubernetes.io/memory-pressure',
  diskPressure: 'node.kubernetes.io/disk-pressure',
  pidPressure: 'node.kubernetes.io/pid-pressure',
  networkUnavailable: 'node.kubernetes.io/network-unavailable',
  unschedulable: 'node.kubernetes.io/unschedulable',
  outOfService: 'node.kubernetes.io/out-of-service',
} as const;

export const sameTaint = (left: Taint, right: Taint): boolean => left.key === right.key && left.effect === right.effect;

export function hasTaint(node: Node, key: string, effect?: string): boolean {
  return node.spec?.taints?.some((taint) => taint.key === key && (effect === undefined || taint.effect === effect)) ?? false;
}
