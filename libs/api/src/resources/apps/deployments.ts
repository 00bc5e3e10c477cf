import type { Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { setTemplateDefaults } from '../../pod/template';
import type { FieldError } from '../../resource';
import { intOrString, intOrStringValue } from '../../scalars/int-or-string';
import { selectorText } from '../../selectors/selector-text';
import { notDecremented, validateCounts, validateParts } from '../../validation/counts';
import { forbidden, invalid, nonNegative, notSupported, required } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { isNone, notMoreThanWhole, positiveIntOrPercent } from '../../validation/int-or-percent';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateEndless, validateOwnSelector, validatePodTemplate, validateSelectsTemplate } from '../../validation/pod-template';
import { ageColumn, nameColumn } from '../columns';
import { replicasScale } from '../scale';
import { containersColumn, imagesColumn, selectorColumn } from '../workload-columns';

const meta = { namespaced: true, name: subdomainName };

function setDefaults(deployment: Deployment): void {
  const spec = (deployment.spec ??= {});
  setTemplateDefaults(spec);
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  const strategy = (spec.strategy ??= {});
  strategy.type ??= 'RollingUpdate';
  if (strategy.type !== 'RollingUpdate') return;
  const rolling = (strategy.rollingUpdate ??= {});
  rolling.maxUnavailable ??= intOrString('25%');
  rolling.maxSurge ??= intOrString('25%');
}

function validateRolling({ maxUnavailable, maxSurge }: RollingUpdateDeployment, field: string): FieldError[] {
  return [
    ...positiveIntOrPercent(`${field}.maxUnavailable`, maxUnavailable), ...positiveIntOrPercent(`${field}.maxSurge`, maxSurge),
    ...(isNone(maxUnavailable) && isNone(maxSurge) ? [invalid(`${field}.maxUnavailable`, intOrStringValue(maxUnavailable), 'may not be 0 when `maxSurge` is 0')] : []),
    ...notMoreThanWhole(`${field}.maxUnavailable`, maxUnavailable),
  ];
}

function validateStrategy({ type, rollingUpdate }: DeploymentStrategy, field: string): FieldError[] {
  switch (type) {
    case 'Recreate': return rollingUpdate ? [forbidden(`${field}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")] : [];
    case 'RollingUpdate': return rollingUpdate ? validateRolling(rollingUpdate, `${field}.rollingUpdate`) : [required(`${field}.rollingUpdate`, 'this should be defaulted and never be nil')];
    default: return [notSupported(field, type, ['Recreate', 'RollingUpdate'])];
  }
}

function validateSpec(spec: DeploymentSpec): FieldError[] {
  const { replicas, selector, template, strategy = {}, minReadySeconds = 0, revisionHistoryLimit, progressDeadlineSeconds } = spec;
  const stalled = progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds;
  return [
    ...nonNegative('spec.replicas', replicas),
    ...validateOwnSelector(selector, 'spec.selector', 'deployment'),
    ...validateSelectsTemplate(selector, template, 'spec.template'),
    ...validatePodTemplate(template, 'spec.template'), ...validateEndless(template?.spec, 'spec.template', 'ReplicaSet'),
    ...validateStrategy(strategy, 'spec.strategy'),
    ...nonNegative('spec.minReadySeconds', minReadySeconds), ...nonNegative('spec.revisionHistoryLimit', revisionHistoryLimit),
    ...nonNegative('spec.progressDeadlineSeconds', progressDeadlineSeconds),
    ...(stalled ? [invalid('spec.progressDeadlineSeconds', progressDeadlineSeconds, 'must be greater than minReadySeconds')] : []),
  ];
}

function validateStatus(next: Deployment, previous: Deployment): FieldError[] {
  const { status } = next;
  return [
    ...validateMetaUpdate(next, previous, meta),
    ...validateCounts(status, 'status', ['observedGeneration', 'replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas', 'unavailableReplicas', 'collisionCount']),
    ...validateParts(status, 'status', ['updatedReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', 'status.replicas'),
    ...validateParts(status, 'status', ['availableReplicas'], 'readyReplicas', 'readyReplicas'),
    ...notDecremented('status.collisionCount', status?.collisionCount, previous.status?.collisionCount),
  ];
}

const template = ({ spec }: Deployment) => spec?.template;

/** Annotations count as wanted, because they are handed on to the replica sets. */
export const deployments = defineResource<Deployment>({
  group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', shortNames: ['deploy'], categories: ['all'], namespaced: true,
  subresources: ['scale', 'status'],
  codec: codecFor<Deployment>('k8s.io.api.apps.v1.Deployment'),
  setDefaults,
  ...countedGeneration<Deployment>(({ spec, metadata }) => ({ spec, annotations: metadata?.annotations })),
  validateCreate: (deployment) => [...validateMeta(deployment, meta), ...validateSpec(deployment.spec ?? {})],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validateSpec(next.spec ?? {}), ...unchanged('spec.selector', next.spec?.selector, previous.spec?.selector),
  ],
  status: statusStrategy(validateStatus),
  scale: replicasScale(({ spec }) => selectorText(spec?.selector)),
  columns: [
    nameColumn,
    { name: 'Ready', type: 'string', description: 'Number of the pod with ready state', value: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}` },
    { name: 'Up-to-date', type: 'string', description: 'Pods made from the present template.', value: ({ status }) => status?.updatedReplicas ?? 0 },
    { name: 'Available', type: 'string', description: 'Pods that have been ready for minReadySeconds.', value: ({ status }) => status?.availableReplicas ?? 0 },
    ageColumn, containersColumn(template), imagesColumn(template), selectorColumn(({ spec }) => spec?.selector),
  ],
});
