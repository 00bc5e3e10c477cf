import { Action, type EventRegistration } from '../framework/cluster-event';
import type { EnqueueExtensions, PreEnqueuePlugin, Rejection } from '../framework/plugin';
import type { PodInfo } from '../snapshot/pod-info';

/** Holds a pod back until its last scheduling gate is removed (KEP-3521). */
export class SchedulingGates implements PreEnqueuePlugin, EnqueueExtensions {
  readonly name = 'SchedulingGates';

  preEnqueue(info: PodInfo): Rejection | undefined {
    const gates = info.pod.spec?.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return { code: 'unresolvable', reasons: [`waiting for scheduling gates: [${gates.map(({ name }) => name).join(' ')}]`] };
  }

  eventsToRegister(): readonly EventRegistration[] {
    return [{
      resource: 'UnscheduledPod', actions: Action.updatePodSchedulingGatesEliminated,
      hint: (pod, event) => (event.resource === 'UnscheduledPod' && event.pod?.uid !== pod.uid ? 'skip' : 'queue'),
    }];
  }
}
