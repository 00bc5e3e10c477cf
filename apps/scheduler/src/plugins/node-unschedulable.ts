import { tolerates } from '@navarch/api';

import { Action, type ClusterEvent, type EventRegistration, type QueueingHint } from '../framework/cluster-event';
import type { CycleState } from '../framework/cycle-state';
import { pass, unresolvable, type EnqueueExtensions, type FilterPlugin, type SignPlugin, type Verdict } from '../framework/plugin';
import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';

const cordoned = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Keeps pods off cordoned nodes (spec.unschedulable), unless they tolerate the taint that stands for it. */
export class NodeUnschedulable implements FilterPlugin, SignPlugin, EnqueueExtensions {
  readonly name = 'NodeUnschedulable';

  sign(info: PodInfo): string {
    return toleratesCordon(info) ? 't' : '';
  }

  filter(_state: CycleState, info: PodInfo, nodes: NodeTable, row: number): Verdict {
    return nodes.unschedulable[row] === 0 || toleratesCordon(info) ? pass : unresolvable;
  }

  explain(): readonly string[] {
    return ['node(s) were unschedulable'];
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [
      { resource: 'Node', actions: Action.add | Action.updateNodeTaint, hint: afterNodeChange },
      { resource: 'UnscheduledPod', actions: Action.updatePodToleration, hint: afterOwnChange },
    ];
  }
}

function toleratesCordon(info: PodInfo): boolean {
  return (info.pod.spec?.tolerations ?? []).some((toleration) => tolerates(toleration, cordoned));
}

function afterNodeChange(_pod: PodInfo, event: ClusterEvent): QueueingHint {
  if (event.resource !== 'Node') return 'queue';
  const wasOpen = event.old !== undefined && !event.old.spec?.unschedulable;
  return !wasOpen && !event.node?.spec?.unschedulable ? 'queue' : 'skip';
}

function afterOwnChange(pod: PodInfo, event: ClusterEvent): QueueingHint {
  return event.resource === 'UnscheduledPod' && event.pod?.uid === pod.uid && toleratesCordon(event.pod) ? 'queue' : 'skip';
}
