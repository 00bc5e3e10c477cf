import type { ReplicationController, ReplicationControllerSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { setTemplateDefaults } from '../../pod/template';
import type { FieldError } from '../../resource';
import { labelsText } from '../../selectors/selector-text';
import { validateCounts, validateParts } from '../../validation/counts';
import { nonNegative, required } from '../../validation/field-error';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateEndless, validatePodTemplate, validateSelectsTemplate } from '../../validation/pod-template';
import { ageColumn, nameColumn } from '../columns';
import { replicasScale } from '../scale';
import { containersColumn, imagesColumn, labelsCell } from '../workload-columns';

const meta = { namespaced: true, name: subdomainName };
const isEmpty = (labels: object | undefined): boolean => Object.keys(labels ?? {}).length === 0;

/** Without a selector or labels of its own, the controller takes those of its template. */
function setDefaults(controller: ReplicationController): void {
  const spec = (controller.spec ??= {});
  setTemplateDefaults(spec);
  spec.replicas ??= 1;
  const labels = spec.template?.metadata?.labels;
  if (isEmpty(labels)) return;
  if (isEmpty(spec.selector)) spec.selector = { ...labels };
  if (isEmpty(controller.metadata?.labels)) controller.metadata = { ...controller.metadata, labels: { ...labels } };
}

function validateSpec({ minReadySeconds, selector, replicas, template }: ReplicationControllerSpec): FieldError[] {
  return [
    ...nonNegative('spec.minReadySeconds', minReadySeconds),
    ...(isEmpty(selector) ? [required('spec.selector')] : []),
    ...nonNegative('spec.replicas', replicas),
    ...validateSelectsTemplate({ matchLabels: selector }, template, 'spec.template'),
    ...validatePodTemplate(template, 'spec.template'), ...validateEndless(template?.spec, 'spec.template', 'ReplicationController'),
  ];
}

function validateStatus(next: ReplicationController, previous: ReplicationController): FieldError[] {
  const { status } = next;
  return [
    ...validateMetaUpdate(next, previous, meta),
    ...validateCounts(status, 'status', ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration']),
    ...validateParts(status, 'status', ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', 'status.replicas'),
    ...validateParts(status, 'status', ['availableReplicas'], 'readyReplicas', 'readyReplicas'),
  ];
}

const template = ({ spec }: ReplicationController) => spec?.template;

export const replicationControllers = defineResource<ReplicationController>({
  group: '', version: 'v1', kind: 'ReplicationController', plural: 'replicationcontrollers', shortNames: ['rc'], categories: ['all'], namespaced: true,
  subresources: ['scale', 'status'],
  codec: codecFor<ReplicationController>('k8s.io.api.core.v1.ReplicationController'),
  setDefaults,
  ...countedGeneration<ReplicationController>(),
  validateCreate: (controller) => [...validateMeta(controller, meta), ...validateSpec(controller.spec ?? {})],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateSpec(next.spec ?? {})],
  status: statusStrategy(validateStatus),
  scale: replicasScale(({ spec }) => labelsText(spec?.selector)),
  fieldSelectors: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'Pods wanted.', value: ({ spec }) => spec?.replicas ?? 0 },
    { name: 'Current', type: 'integer', description: 'Pods that are there.', value: ({ status }) => status?.replicas ?? 0 },
    { name: 'Ready', type: 'integer', description: 'Pods that are ready.', value: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn, containersColumn(template), imagesColumn(template),
    { name: 'Selector', type: 'string', priority: 1, description: 'Labels of the pods that are its own.', value: ({ spec }) => labelsCell(spec?.selector) },
  ],
});
