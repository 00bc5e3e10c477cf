import { timeFromMs } from '@navarch/api';
import type { Node, Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

import { sameTaint, taintKeys } from '../taints';
import { readinessOf } from './plan-conditions';

/** Conditions that keep new pods away while they hold. */
const taintOfCondition: Readonly<Record<string, string>> = {
  MemoryPressure: taintKeys.memoryPressure,
  DiskPressure: taintKeys.diskPressure,
  PIDPressure: taintKeys.pidPressure,
  NetworkUnavailable: taintKeys.networkUnavailable,
};

const readinessKeys: readonly string[] = [taintKeys.notReady, taintKeys.unreachable];
const managedNoSchedule: readonly string[] = [...readinessKeys, ...Object.values(taintOfCondition), taintKeys.unschedulable];

export interface TaintPlan {
  /** The node's taints as they should be; the same array where nothing changes. */
  readonly taints: readonly Taint[];
  readonly changed: boolean;
  /** The node should be evicted from, but its zone's rate does not allow it now. */
  readonly evictionHeld: boolean;
}

/**
 * The taints that a node's conditions ask for. Those that keep pods away (NoSchedule) follow at once; the one that drives pods away
 * (NoExecute) starts only when `mayEvict` answers true, and ends at once. `stopEvictions`: all nodes are silent, so that it is likelier that
 * the control plane is cut off: nobody is driven away.
 */
export function planTaints(node: Node, nowMs: number, { mayEvict, stopEvictions }: { mayEvict: () => boolean; stopEvictions: boolean }): TaintPlan {
  const present = node.spec?.taints ?? [];
  const kept = present.filter((taint) => !isManaged(taint));
  const noSchedule = wantedNoSchedule(node).map((key): Taint => ({ key, effect: 'NoSchedule' }));
  const eviction = stopEvictions ? undefined : wantedEviction(node, nowMs);
  const evicting = present.some((taint) => taint.effect === 'NoExecute' && readinessKeys.includes(taint.key ?? ''));
  const evictionHeld = eviction !== undefined && !evicting && !mayEvict();
  const managed = [...noSchedule, ...(eviction && !evictionHeld ? [eviction] : [])]
    .map((taint) => present.find((known) => sameTaint(known, taint)) ?? taint);
  const taints = [...kept, ...managed];
  const changed = taints.length !== present.length || taints.some((taint) => !present.includes(taint));
  return { taints: changed ? taints : present, changed, evictionHeld };
}

function isManaged({ key = '', effect }: Taint): boolean {
  return effect === 'NoSchedule' ? managedNoSchedule.includes(key) : effect === 'NoExecute' && readinessKeys.includes(key);
}

function wantedNoSchedule(node: Node): string[] {
  const readiness = readinessOf(node);
  const byCondition = (node.status?.conditions ?? []).flatMap(({ type = '', status }) => (status === 'True' && taintOfCondition[type] ? [taintOfCondition[type]] : []));
  return [
    ...(readiness === 'False' ? [taintKeys.notReady] : readiness === 'Unknown' ? [taintKeys.unreachable] : []),
    ...byCondition,
    ...(node.spec?.unschedulable ? [taintKeys.unschedulable] : []),
  ];
}

function wantedEviction(node: Node, nowMs: number): Taint | undefined {
  const readiness = readinessOf(node);
  if (readiness === 'True') return undefined;
  return { key: readiness === 'False' ? taintKeys.notReady : taintKeys.unreachable, effect: 'NoExecute', timeAdded: timeFromMs(nowMs) };
}
