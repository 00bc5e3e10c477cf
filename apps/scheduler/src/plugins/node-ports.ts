import { Action, type ClusterEvent, type EventRegistration, type QueueingHint } from '../framework/cluster-event';
import type { CycleState } from '../framework/cycle-state';
import { pass, unschedulable, type EnqueueExtensions, type FilterPlugin, type PreFilterPlugin, type SignPlugin, type Verdict } from '../framework/plugin';
import { portsConflict } from '../snapshot/host-ports';
import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';

/** Keeps two pods that want the same host port off one node. */
export class NodePorts implements PreFilterPlugin, FilterPlugin, SignPlugin, EnqueueExtensions {
  readonly name = 'NodePorts';

  sign(info: PodInfo): string {
    return info.hostPorts.length === 0 ? '' : JSON.stringify(info.hostPorts);
  }

  preFilter(_state: CycleState, info: PodInfo): 'skip' | undefined {
    return info.hostPorts.length === 0 ? 'skip' : undefined;
  }

  filter(_state: CycleState, info: PodInfo, nodes: NodeTable, row: number): Verdict {
    return nodes.usedPorts(row)?.conflictsWith(info.hostPorts) ? unschedulable : pass;
  }

  explain(): readonly string[] {
    return ["node(s) didn't have free ports for the requested pod ports"];
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [{ resource: 'AssignedPod', actions: Action.delete, hint: afterPodDelete }, { resource: 'Node', actions: Action.add }];
  }
}

/** A pod that left helps only where it held one of the wanted ports. */
function afterPodDelete(pod: PodInfo, event: ClusterEvent): QueueingHint {
  if (event.resource !== 'AssignedPod' || !event.old) return 'queue';
  const freed = event.old.hostPorts;
  return pod.hostPorts.some((wanted) => freed.some((port) => portsConflict(port, wanted))) ? 'queue' : 'skip';
}
