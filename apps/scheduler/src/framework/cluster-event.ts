import { deepEqual } from '@navarch/api';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { PodInfo } from '../snapshot/pod-info';

/** What happened to an object, as bits: one update can be several of these. */
export const Action = {
  add: 1,
  delete: 2,
  updateNodeAllocatable: 4,
  updateNodeLabel: 8,
  updateNodeTaint: 16,
  updateNodeCondition: 32,
  updateNodeAnnotation: 64,
  updatePodLabel: 128,
  updatePodScaleDown: 256,
  updatePodToleration: 512,
  updatePodSchedulingGatesEliminated: 1024,
  all: 2047,
} as const;

/**
 * Something happened that may let a rejected pod be scheduled. AssignedPod: a pod that holds (held) a place on a node.
 * UnscheduledPod: a pod that waits for one. Volume: a claim, a volume or a storage class. Any: all of it (a start, a flush).
 */
export type ClusterEvent =
  | { readonly resource: 'Node'; readonly actions: number; readonly old?: Node; readonly node?: Node }
  | { readonly resource: 'AssignedPod' | 'UnscheduledPod'; readonly actions: number; readonly old?: PodInfo; readonly pod?: PodInfo }
  | { readonly resource: 'Volume' | 'Any'; readonly actions: number };

/** What a plugin says of an event and a pod that it rejected: try again, or it does not help. */
export type QueueingHint = 'queue' | 'skip';

/** One kind of event that can undo a plugin's rejection. Without a hint every such event does. */
export interface EventRegistration {
  readonly resource: 'Node' | 'AssignedPod' | 'UnscheduledPod' | 'Volume';
  /** Bits of `Action`. */
  readonly actions: number;
  /** Pure. A hint that throws counts as `queue`. */
  hint?(pod: PodInfo, event: ClusterEvent): QueueingHint;
}

export function eventMatches(registration: EventRegistration, event: ClusterEvent): boolean {
  return event.resource === 'Any' || (event.resource === registration.resource && (event.actions & registration.actions) !== 0);
}

/** What changed between two versions of a node, as far as scheduling cares; 0 for a mere heartbeat. */
export function nodeActions(old: Node, node: Node): number {
  return (deepEqual(old.status?.allocatable, node.status?.allocatable) ? 0 : Action.updateNodeAllocatable)
    | (deepEqual(old.metadata?.labels, node.metadata?.labels) ? 0 : Action.updateNodeLabel)
    | (deepEqual(old.spec?.taints, node.spec?.taints) && (old.spec?.unschedulable ?? false) === (node.spec?.unschedulable ?? false) ? 0 : Action.updateNodeTaint)
    | (deepEqual(conditionStates(old), conditionStates(node)) ? 0 : Action.updateNodeCondition)
    | (deepEqual(old.metadata?.annotations, node.metadata?.annotations) ? 0 : Action.updateNodeAnnotation);
}

/** What changed between two versions of a pod, as far as scheduling cares. */
export function podActions(old: PodInfo, next: PodInfo): number {
  return (deepEqual(old.pod.metadata?.labels, next.pod.metadata?.labels) ? 0 : Action.updatePodLabel)
    | (scaledDown(old, next) ? Action.updatePodScaleDown : 0)
    | (deepEqual(old.pod.spec?.tolerations, next.pod.spec?.tolerations) ? 0 : Action.updatePodToleration)
    | (gateCount(old.pod) > 0 && gateCount(next.pod) === 0 ? Action.updatePodSchedulingGatesEliminated : 0);
}

function scaledDown(old: PodInfo, next: PodInfo): boolean {
  if (old.requests === next.requests) return false;
  return old.requests.ids.some((id, i) => {
    const at = next.requests.ids.indexOf(id);
    return at < 0 || (next.requests.amounts[at] ?? 0) < (old.requests.amounts[i] ?? 0);
  });
}

function gateCount(pod: Pod): number {
  return pod.spec?.schedulingGates?.length ?? 0;
}

function conditionStates(node: Node): Record<string, string | undefined> {
  return Object.fromEntries((node.status?.conditions ?? []).map(({ type, status }) => [type, status]));
}
