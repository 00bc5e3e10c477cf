import type { DaemonSet, DaemonSetSpec, DaemonSetUpdateStrategy, RollingUpdateDaemonSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { setTemplateDefaults } from '../../pod/template';
import type { FieldError } from '../../resource';
import { intOrString, intOrStringValue } from '../../scalars/int-or-string';
import { notDecremented, validateCounts } from '../../validation/counts';
import { invalid, nonNegative, notSupported, required } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { isNone, notMoreThanWhole, positiveIntOrPercent } from '../../validation/int-or-percent';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { isEmptySelector, validateEndless, validatePodTemplate, validateSelectsTemplate } from '../../validation/pod-template';
import { validateLabelSelector } from '../../validation/scheduling';
import { ageColumn, nameColumn } from '../columns';
import { containersColumn, imagesColumn, labelsCell, selectorColumn } from '../workload-columns';

const meta = { namespaced: true, name: subdomainName };
/** Where apps/v1 keeps what was a field of older versions: how often the template has changed. */
const templateGeneration = 'deprecated.daemonset.template.generation';
const lifecycle = countedGeneration<DaemonSet>();

function setDefaults(daemonSet: DaemonSet): void {
  const spec = (daemonSet.spec ??= {});
  setTemplateDefaults(spec);
  spec.revisionHistoryLimit ??= 10;
  const strategy = (spec.updateStrategy ??= {});
  strategy.type ??= 'RollingUpdate';
  if (strategy.type !== 'RollingUpdate') return;
  const rolling = (strategy.rollingUpdate ??= {});
  rolling.maxUnavailable ??= intOrString(1);
  rolling.maxSurge ??= intOrString(0);
}

function prepareForCreate(daemonSet: DaemonSet): void {
  lifecycle.prepareForCreate(daemonSet);
  setTemplateGeneration(daemonSet, 1);
}

function prepareForUpdate(next: DaemonSet, previous: DaemonSet): void {
  const generation = Number(previous.metadata?.annotations?.[templateGeneration] ?? 0);
  const changed = !deepEqual(next.spec?.template, previous.spec?.template);
  if (Number.isSafeInteger(generation) && (changed || generation > 0)) setTemplateGeneration(next, changed ? generation + 1 : generation);
  lifecycle.prepareForUpdate(next, previous);
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  if (metadata) metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) };
}

function validateRolling({ maxUnavailable, maxSurge }: RollingUpdateDaemonSet, field: string): FieldError[] {
  const errors = [
    ...positiveIntOrPercent(`${field}.maxUnavailable`, maxUnavailable), ...positiveIntOrPercent(`${field}.maxSurge`, maxSurge),
    ...notMoreThanWhole(`${field}.maxUnavailable`, maxUnavailable), ...notMoreThanWhole(`${field}.maxSurge`, maxSurge),
  ];
  const [noneUnavailable, noSurge] = [isNone(maxUnavailable), isNone(maxSurge)];
  if (!noneUnavailable && !noSurge) errors.push(invalid(`${field}.maxSurge`, intOrStringValue(maxSurge), 'may not be set when maxUnavailable is non-zero'));
  if (noneUnavailable && noSurge) errors.push(required(`${field}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
  return errors;
}

function validateStrategy({ type, rollingUpdate }: DaemonSetUpdateStrategy, field: string): FieldError[] {
  switch (type) {
    case 'OnDelete': return [];
    case 'RollingUpdate': return rollingUpdate ? validateRolling(rollingUpdate, `${field}.rollingUpdate`) : [required(`${field}.rollingUpdate`)];
    default: return [notSupported(field, type, ['RollingUpdate', 'OnDelete'])];
  }
}

function validateSpec({ selector, template, minReadySeconds, updateStrategy = {}, revisionHistoryLimit }: DaemonSetSpec): FieldError[] {
  return [
    ...validateLabelSelector(selector, 'spec.selector'),
    ...validateSelectsTemplate(selector, template, 'spec.template'),
    ...(selector && isEmptySelector(selector) ? [invalid('spec.selector', selector, 'empty selector is invalid for daemonset')] : []),
    ...validatePodTemplate(template, 'spec.template'), ...validateEndless(template?.spec, 'spec.template', 'DaemonSet'),
    ...nonNegative('spec.minReadySeconds', minReadySeconds),
    ...validateStrategy(updateStrategy, 'spec.updateStrategy'), ...nonNegative('spec.revisionHistoryLimit', revisionHistoryLimit),
  ];
}

function validateStatus(next: DaemonSet, previous: DaemonSet): FieldError[] {
  return [
    ...validateMetaUpdate(next, previous, meta),
    ...validateCounts(next.status, 'status', [
      'currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady', 'observedGeneration', 'updatedNumberScheduled',
      'numberAvailable', 'numberUnavailable', 'collisionCount',
    ]),
    ...notDecremented('status.collisionCount', next.status?.collisionCount, previous.status?.collisionCount),
  ];
}

const template = ({ spec }: DaemonSet) => spec?.template;

export const daemonSets = defineResource<DaemonSet>({
  group: 'apps', version: 'v1', kind: 'DaemonSet', plural: 'daemonsets', shortNames: ['ds'], categories: ['all'], namespaced: true,
  subresources: ['status'],
  codec: codecFor<DaemonSet>('k8s.io.api.apps.v1.DaemonSet'),
  setDefaults, prepareForCreate, prepareForUpdate,
  validateCreate: (daemonSet) => [...validateMeta(daemonSet, meta), ...validateSpec(daemonSet.spec ?? {})],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validateSpec(next.spec ?? {}), ...unchanged('spec.selector', next.spec?.selector, previous.spec?.selector),
  ],
  status: statusStrategy(validateStatus),
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'Nodes that should run a pod of it.', value: ({ status }) => status?.desiredNumberScheduled ?? 0 },
    { name: 'Current', type: 'integer', description: 'Nodes that run one and should.', value: ({ status }) => status?.currentNumberScheduled ?? 0 },
    { name: 'Ready', type: 'integer', description: 'Nodes on which it is ready.', value: ({ status }) => status?.numberReady ?? 0 },
    { name: 'Up-to-date', type: 'integer', description: 'Nodes whose pod is made from the present template.', value: ({ status }) => status?.updatedNumberScheduled ?? 0 },
    { name: 'Available', type: 'integer', description: 'Nodes whose pod has been ready for minReadySeconds.', value: ({ status }) => status?.numberAvailable ?? 0 },
    { name: 'Node Selector', type: 'string', description: 'Labels that a node must have.', value: ({ spec }) => labelsCell(spec?.template?.spec?.nodeSelector) },
    ageColumn, containersColumn(template), imagesColumn(template), selectorColumn(({ spec }) => spec?.selector),
  ],
});
