import { Action, type ClusterEvent, type EventRegistration } from '../framework/cluster-event';
import type { CycleState } from '../framework/cycle-state';
import { pass, unresolvable, type EnqueueExtensions, type FilterPlugin, type PreFilterPlugin, type SignPlugin, type Verdict } from '../framework/plugin';
import type { NodeTable } from '../snapshot/node-table';
import type { PodInfo } from '../snapshot/pod-info';

/** A pod that names its node goes there or nowhere. */
export class NodeName implements PreFilterPlugin, FilterPlugin, SignPlugin, EnqueueExtensions {
  readonly name = 'NodeName';

  sign(info: PodInfo): string {
    return info.pod.spec?.nodeName ?? '';
  }

  preFilter(_state: CycleState, info: PodInfo): 'skip' | undefined {
    return info.pod.spec?.nodeName === undefined ? 'skip' : undefined;
  }

  filter(_state: CycleState, info: PodInfo, nodes: NodeTable, row: number): Verdict {
    return info.pod.spec?.nodeName === nodes.names[row] ? pass : unresolvable;
  }

  explain(): readonly string[] {
    return ["node(s) didn't match the requested node name"];
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [{
      resource: 'Node', actions: Action.add,
      hint: (pod: PodInfo, event: ClusterEvent) => (event.resource === 'Node' && event.node?.metadata?.name !== pod.pod.spec?.nodeName ? 'skip' : 'queue'),
    }];
  }
}
