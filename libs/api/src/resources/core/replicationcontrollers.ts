import type { ReplicationController, ReplicationControllerSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { labelsText } from '../../selectors/selector-text';
import { nonNegative, required } from '../../validation/field-error';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateEndless, validatePodTemplate, validateSelectsTemplate } from '../../validation/pod-template';
import { replicasColumns, replicasKind, replicasMeta, setReplicasDefaults } from '../replicas';
import { replicasScale } from '../scale';
import { labelsCell } from '../workload-columns';

const isEmpty = (labels: object | undefined): boolean => Object.keys(labels ?? {}).length === 0;

/** Without a selector or labels of its own, the controller takes those of its template. */
function setDefaults(controller: ReplicationController): void {
  const spec = setReplicasDefaults((controller.spec ??= {}));
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

export const replicationControllers = defineResource<ReplicationController>({
  ...replicasKind<ReplicationController>(),
  group: '', version: 'v1', kind: 'ReplicationController', plural: 'replicationcontrollers', shortNames: ['rc'],
  codec: codecFor<ReplicationController>('k8s.io.api.core.v1.ReplicationController'),
  setDefaults,
  validateCreate: (controller) => [...validateMeta(controller, replicasMeta), ...validateSpec(controller.spec ?? {})],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, replicasMeta), ...validateSpec(next.spec ?? {})],
  scale: replicasScale(({ spec }) => labelsText(spec?.selector)),
  columns: [
    ...replicasColumns<ReplicationController>(),
    { name: 'Selector', type: 'string', priority: 1, description: 'Labels of the pods that are its own.', value: ({ spec }) => labelsCell(spec?.selector) },
  ],
});
