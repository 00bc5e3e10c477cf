import type { ReplicaSet, ReplicaSetSpec } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { setTemplateDefaults } from '../../pod/template';
import type { FieldError } from '../../resource';
import { selectorText } from '../../selectors/selector-text';
import { validateCounts, validateParts } from '../../validation/counts';
import { nonNegative } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateEndless, validateOwnSelector, validatePodTemplate, validateSelectsTemplate } from '../../validation/pod-template';
import { ageColumn, nameColumn } from '../columns';
import { replicasScale } from '../scale';
import { containersColumn, imagesColumn, selectorColumn } from '../workload-columns';

const meta = { namespaced: true, name: subdomainName };

function setDefaults(replicaSet: ReplicaSet): void {
  const spec = (replicaSet.spec ??= {});
  setTemplateDefaults(spec);
  spec.replicas ??= 1;
}

/** Kubernetes' complaint about an empty selector speaks of a deployment here, too. */
function validateSpec({ replicas, minReadySeconds, selector, template }: ReplicaSetSpec): FieldError[] {
  return [
    ...nonNegative('spec.replicas', replicas), ...nonNegative('spec.minReadySeconds', minReadySeconds),
    ...validateOwnSelector(selector, 'spec.selector', 'deployment'),
    ...validateSelectsTemplate(selector, template, 'spec.template'),
    ...validatePodTemplate(template, 'spec.template'), ...validateEndless(template?.spec, 'spec.template', 'ReplicaSet'),
  ];
}

function validateStatus(next: ReplicaSet, previous: ReplicaSet): FieldError[] {
  const { status } = next;
  return [
    ...validateMetaUpdate(next, previous, meta),
    ...validateCounts(status, 'status', ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration']),
    ...validateParts(status, 'status', ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', 'status.replicas'),
    ...validateParts(status, 'status', ['availableReplicas'], 'readyReplicas', 'readyReplicas'),
  ];
}

const template = ({ spec }: ReplicaSet) => spec?.template;

export const replicaSets = defineResource<ReplicaSet>({
  group: 'apps', version: 'v1', kind: 'ReplicaSet', plural: 'replicasets', shortNames: ['rs'], categories: ['all'], namespaced: true,
  subresources: ['scale', 'status'],
  codec: codecFor<ReplicaSet>('k8s.io.api.apps.v1.ReplicaSet'),
  setDefaults,
  ...countedGeneration<ReplicaSet>(),
  validateCreate: (replicaSet) => [...validateMeta(replicaSet, meta), ...validateSpec(replicaSet.spec ?? {})],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validateSpec(next.spec ?? {}), ...unchanged('spec.selector', next.spec?.selector, previous.spec?.selector),
  ],
  status: statusStrategy(validateStatus),
  scale: replicasScale(({ spec }) => selectorText(spec?.selector)),
  fieldSelectors: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'Pods wanted.', value: ({ spec }) => spec?.replicas ?? 0 },
    { name: 'Current', type: 'integer', description: 'Pods that are there.', value: ({ status }) => status?.replicas ?? 0 },
    { name: 'Ready', type: 'integer', description: 'Pods that are ready.', value: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn, containersColumn(template), imagesColumn(template), selectorColumn(({ spec }) => spec?.selector),
  ],
});
