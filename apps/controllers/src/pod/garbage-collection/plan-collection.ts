import { timeToMs } from '@navarch/api';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { hasTaint, taintKeys } from '../../node/taints';
import { readinessOf } from '../../node/lifecycle/plan-conditions';

export type CollectionReason = 'terminated' | 'orphaned' | 'unscheduled' | 'out-of-service';

export interface Collection {
  readonly pod: Pod;
  readonly reason: CollectionReason;
}

export interface CollectionInput {
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  /** Nodes that are known to be gone, and have been for long enough. */
  readonly goneNodes: ReadonlySet<string>;
  /** 0: terminated pods stay. */
  readonly terminatedPodThreshold: number;
}

/** The pods that nobody will ever finish or miss, each once. */
export function planCollection({ pods, nodes, goneNodes, terminatedPodThreshold }: CollectionInput): Collection[] {
  const outOfService = new Set(nodes.filter((node) => readinessOf(node) !== 'True' && hasTaint(node, taintKeys.outOfService)).map(nameOf));
  const reasonOf = (pod: Pod): CollectionReason | undefined => {
    const node = pod.spec?.nodeName ?? '';
    const terminating = pod.metadata?.deletionTimestamp !== undefined;
    if (node !== '' && goneNodes.has(node)) return 'orphaned';
    if (terminating && node === '') return 'unscheduled';
    if (terminating && outOfService.has(node)) return 'out-of-service';
    return undefined;
  };
  const byState = pods.flatMap((pod): Collection[] => {
    const reason = reasonOf(pod);
    return reason ? [{ pod, reason }] : [];
  });
  const chosen = new Set(byState.map(({ pod }) => pod));
  return [...byState, ...tooManyTerminated(pods.filter((pod) => !chosen.has(pod)), terminatedPodThreshold)];
}

/** Names of nodes that pods are bound to and that do not exist. */
export function missingNodes(pods: readonly Pod[], nodes: readonly Node[]): Set<string> {
  const present = new Set(nodes.map(nameOf));
  return new Set(pods.flatMap(({ spec }) => (spec?.nodeName && !present.has(spec.nodeName) ? [spec.nodeName] : [])));
}

/** Evicted pods first, then the oldest. */
function tooManyTerminated(pods: readonly Pod[], threshold: number): Collection[] {
  if (threshold <= 0) return [];
  const terminated = pods.filter(isFinished);
  const evicted = ({ status }: Pod): number => (status?.phase === 'Failed' && status.reason === 'Evicted' ? 0 : 1);
  const created = ({ metadata }: Pod): number => (metadata?.creationTimestamp ? timeToMs(metadata.creationTimestamp) : 0);
  const byAge = [...terminated].sort((left, right) => evicted(left) - evicted(right) || created(left) - created(right) || (nameOf(left) < nameOf(right) ? -1 : 1));
  return byAge.slice(0, Math.max(0, terminated.length - threshold)).map((pod) => ({ pod, reason: 'terminated' }));
}

export const isFinished = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';
const nameOf = ({ metadata }: Pod | Node): string => metadata?.name ?? '';
