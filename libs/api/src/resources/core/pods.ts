import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource, statusStrategy } from '../../define-resource';
import { isConditionTrue } from '../../meta/conditions';
import { setPodDefaults } from '../../pod/defaults';
import { qosClassOf } from '../../pod/qos';
import { isPodTerminal, podSummary } from '../../pod/status-text';
import type { Resource } from '../../resource';
import { validatePod } from '../../validation/pod';
import { validatePodStatusUpdate, validatePodUpdate } from '../../validation/pod-update';
import { ageColumn, nameColumn } from '../columns';

const defaultGraceSeconds = 30;

/** A new pod is pending, whatever its creator says of its status. */
function prepareForCreate(pod: Pod): void {
  pod.metadata = { ...pod.metadata, generation: 1 };
  pod.status = { phase: 'Pending', qosClass: qosClassOf(pod.spec ?? {}) };
}

function prepareForUpdate(next: Pod, previous: Pod): void {
  next.status = previous.status;
  const generation = previous.metadata?.generation ?? 1;
  next.metadata = { ...next.metadata, generation: deepEqual(next.spec, previous.spec) ? generation : generation + 1 };
}

/** None for a pod that no node runs. */
function gracePeriodSeconds(pod: Pod): number {
  if (!pod.spec?.nodeName || isPodTerminal(pod)) return 0;
  const seconds = pod.spec.terminationGracePeriodSeconds ?? defaultGraceSeconds;
  return seconds < 0 ? 1 : seconds;
}

function gatesText({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  return `${gates.filter(({ conditionType = '' }) => isConditionTrue(status?.conditions, conditionType)).length}/${gates.length}`;
}

const columns: Resource<Pod>['columns'] = [
  nameColumn,
  { name: 'Ready', type: 'string', description: 'The aggregate readiness state of this pod for accepting traffic.', value: (pod, nowMs) => podSummary(pod, nowMs).ready },
  { name: 'Status', type: 'string', description: 'The aggregate status of the containers in this pod.', value: (pod, nowMs) => podSummary(pod, nowMs).status },
  { name: 'Restarts', type: 'string', description: 'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.', value: (pod, nowMs) => podSummary(pod, nowMs).restarts },
  ageColumn,
  { name: 'IP', type: 'string', priority: 1, description: 'IP address allocated to the pod.', value: ({ status }) => status?.podIPs?.[0]?.ip ?? '<none>' },
  { name: 'Node', type: 'string', priority: 1, description: 'Node the pod is assigned to.', value: ({ spec }) => spec?.nodeName ?? '<none>' },
  { name: 'Nominated Node', type: 'string', priority: 1, description: 'Node the pod may get once others have left it.', value: ({ status }) => status?.nominatedNodeName ?? '<none>' },
  { name: 'Readiness Gates', type: 'string', priority: 1, description: 'Further conditions that the pod waits for to be ready.', value: gatesText },
];

export const pods = defineResource<Pod>({
  group: '', version: 'v1', kind: 'Pod', plural: 'pods', shortNames: ['po'], categories: ['all'], namespaced: true,
  subresources: ['attach', 'binding', 'ephemeralcontainers', 'eviction', 'exec', 'log', 'portforward', 'proxy', 'resize', 'status'],
  codec: codecFor<Pod>('k8s.io.api.core.v1.Pod'),
  setDefaults: setPodDefaults, prepareForCreate, prepareForUpdate,
  validateCreate: validatePod,
  validateUpdate: validatePodUpdate,
  status: statusStrategy<Pod>(validatePodStatusUpdate),
  gracePeriodSeconds,
  fieldSelectors: {
    'spec.nodeName': ({ spec }) => spec?.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec?.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec?.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec?.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec?.hostNetwork === true),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIP ?? '',
    'status.podIPs': ({ status }) => status?.podIP ?? '',
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  indexedFields: ['spec.nodeName'],
  columns,
});
