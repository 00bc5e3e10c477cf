import { context, ROOT_CONTEXT } from '@opentelemetry/api';

import type { Clock, Logger } from '@navarch/base';
import type { EventRecorder } from '@navarch/client';
import type { ObjectReference } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Diagnosis } from '../cycle/diagnosis';
import type { QueuedPod } from '../queue/queued-pod';
import type { PodInfo } from '../snapshot/pod-info';
import type { ConditionWriter } from './condition-writer';
import type { Diagnoses } from './diagnoses';

/** Tells people what became of a pod: condition, event, diagnosis, log. */
export class Outcomes {
  constructor(private readonly deps: {
    readonly recorder: EventRecorder; readonly conditions: ConditionWriter; readonly diagnoses: Diagnoses; readonly clock: Clock; readonly logger: Logger;
  }) {}

  scheduled({ info }: QueuedPod, nodeName: string): void {
    this.forget(info);
    this.record(info, 'Normal', 'Scheduled', `Successfully assigned ${info.namespace}/${info.name} to ${nodeName}`);
  }

  unschedulable(pod: QueuedPod, diagnosis: Diagnosis, message: string, nominatedNode?: string): void {
    this.pending(pod, message, diagnosis);
    this.deps.conditions.set(pod.info, { reason: 'Unschedulable', message, ...(nominatedNode !== undefined && { nominatedNode }) });
  }

  failed(pod: QueuedPod, message: string): void {
    this.deps.logger.warn('scheduling attempt failed', { namespace: pod.info.namespace, pod: pod.info.name, attempts: pod.attempts, message });
    this.pending(pod, message);
    this.deps.conditions.set(pod.info, { reason: 'SchedulerError', message });
  }

  forget({ uid, namespace, name }: PodInfo): void {
    this.deps.conditions.drop(uid);
    this.deps.diagnoses.drop(namespace, name);
  }

  private pending(pod: QueuedPod, message: string, diagnosis?: Diagnosis): void {
    const { uid, namespace, name } = pod.info;
    pod.lastFailure = message;
    this.deps.diagnoses.set({ uid, namespace, name, message, attempts: pod.attempts, triedAtMs: this.deps.clock.now(), ...(diagnosis && { diagnosis }) });
    this.record(pod.info, 'Warning', 'FailedScheduling', message);
  }

  private record(info: PodInfo, type: 'Normal' | 'Warning', reason: string, message: string): void {
    context.with(ROOT_CONTEXT, () => this.deps.recorder.event(referenceTo(info), type, reason, message));
  }
}

function referenceTo({ pod, uid, namespace, name }: PodInfo): ObjectReference {
  const resourceVersion = pod.metadata?.resourceVersion;
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, uid, ...(resourceVersion !== undefined && { resourceVersion }) };
}
