import { findUntoleratedTaint, tolerates } from '@navarch/api';
import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import { Action, type ClusterEvent, type EventRegistration, type QueueingHint } from '../framework/cluster-event';
import type { CycleState} from '../framework/cycle-state';
import { StateKey } from '../framework/cycle-state';
import {
  pass, unresolvable, type EnqueueExtensions, type FilterPlugin, type NormalizeScorePlugin, type PreFilterPlugin, type PreScorePlugin, type SignPlugin, type Verdict,
} from '../framework/plugin';
import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';
import { normalizeToHundred } from './normalize';

/** Answers by taint set id: nodes with the same taints are judged once. */
type BySet = (number | undefined)[];

const filterKey = new StateKey<BySet>('PreFilter/TaintToleration');
const scoreKey = new StateKey<BySet>('PreScore/TaintToleration');
const hard = ['NoSchedule', 'NoExecute'] as const;

/** Keeps pods off nodes whose taints they do not tolerate; prefers nodes with fewer untolerated PreferNoSchedule taints. */
export class TaintToleration implements PreFilterPlugin, FilterPlugin, PreScorePlugin, NormalizeScorePlugin, SignPlugin, EnqueueExtensions {
  readonly name = 'TaintToleration';

  sign(info: PodInfo): string {
    const tolerations = info.pod.spec?.tolerations;
    return tolerations ? JSON.stringify(tolerations) : '';
  }

  preFilter(state: CycleState): undefined {
    state.set(filterKey, []);
  }

  filter(state: CycleState, info: PodInfo, nodes: NodeTable, row: number): Verdict {
    const set = nodes.taintSet[row] as number;
    if (set === 0) return pass;
    const known = state.get(filterKey);
    return (known[set] ??= judge(nodes, set, info)) as Verdict;
  }

  explain(_state: CycleState, info: PodInfo, nodes: NodeTable, row: number): readonly string[] {
    const taint = findUntoleratedTaint(nodes.taintSets[nodes.taintSet[row] ?? 0], info.pod.spec?.tolerations, hard);
    return [`node(s) had untolerated taint {${taint?.key ?? ''}: ${taint?.value ?? ''}}`];
  }

  preScore(state: CycleState): undefined {
    state.set(scoreKey, []);
  }

  /** How many PreferNoSchedule taints the pod does not tolerate; `normalize` turns it round. */
  score(state: CycleState, info: PodInfo, nodes: NodeTable, row: number): number {
    const set = nodes.taintSet[row] as number;
    if (set === 0) return 0;
    const known = state.get(scoreKey);
    return (known[set] ??= intolerable(nodes, set, info));
  }

  normalize(scores: Int32Array, count: number): void {
    normalizeToHundred(scores, count, true);
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      { resource: 'Node', actions: Action.add | Action.updateNodeTaint, hint: afterNodeChange },
      { resource: 'UnscheduledPod', actions: Action.updatePodToleration, hint: afterOwnChange },
    ];
  }
}

function judge(nodes: NodeTable, set: number, info: PodInfo): Verdict {
  return findUntoleratedTaint(nodes.taintSets[set], info.pod.spec?.tolerations, hard) ? unresolvable : pass;
}

function intolerable(nodes: NodeTable, set: number, info: PodInfo): number {
  const tolerations = (info.pod.spec?.tolerations ?? []).filter(({ effect }) => !effect || effect === 'PreferNoSchedule');
  return (nodes.taintSets[set] ?? []).filter((taint) => taint.effect === 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint))).length;
}

function afterNodeChange(pod: PodInfo, event: ClusterEvent): QueueingHint {
  if (event.resource !== 'Node') return 'queue';
  const refused = (node: Node | undefined): boolean => !node || findUntoleratedTaint(node.spec?.taints, pod.pod.spec?.tolerations, hard) !== undefined;
  return refused(event.old) && !refused(event.node) ? 'queue' : 'skip';
}

/** Only the pod's own new tolerations help it. */
function afterOwnChange(pod: PodInfo, event: ClusterEvent): QueueingHint {
  return event.resource === 'UnscheduledPod' && event.pod?.uid !== pod.uid ? 'skip' : 'queue';
}
