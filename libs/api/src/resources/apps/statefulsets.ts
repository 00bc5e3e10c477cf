import type { StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PodTemplateSpec, Volume } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { setTemplateDefaults } from '../../pod/template';
import type { FieldError } from '../../resource';
import { intOrStringValue } from '../../scalars/int-or-string';
import { selectorText } from '../../selectors/selector-text';
import { notDecremented, validateCounts, validateParts } from '../../validation/counts';
import { forbidden, invalid, invalidEach, nonNegative, notSupported, required } from '../../validation/field-error';
import { isNone, notMoreThanWhole, positiveIntOrPercent } from '../../validation/int-or-percent';
import { dnsLabel } from '../../validation/names';
import { labelName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateEndless, validateOwnSelector, validatePodTemplate, validateSelectsTemplate } from '../../validation/pod-template';
import { ageColumn, nameColumn } from '../columns';
import { replicasScale } from '../scale';
import { containersColumn, imagesColumn } from '../workload-columns';

const meta = { namespaced: true, name: labelName };

function setDefaults(statefulSet: StatefulSet): void {
  const spec = (statefulSet.spec ??= {});
  setTemplateDefaults(spec);
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  spec.podManagementPolicy ??= 'OrderedReady';
  const strategy = (spec.updateStrategy ??= {});
  strategy.type ??= 'RollingUpdate';
  if (strategy.type === 'RollingUpdate') (strategy.rollingUpdate ??= {}).partition ??= 0;
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {});
  retention.whenDeleted ??= 'Retain';
  retention.whenScaled ??= 'Retain';
  for (const claim of spec.volumeClaimTemplates ?? []) {
    (claim.spec ??= {}).volumeMode ??= 'Filesystem';
    (claim.status ??= {}).phase ??= 'Pending';
  }
}

function validateStrategy(strategy: StatefulSetUpdateStrategy, field: string): FieldError[] {
  const { type, rollingUpdate } = strategy;
  switch (type) {
    case undefined: return [required(field)];
    case 'OnDelete': return rollingUpdate ? [invalid(`${field}.rollingUpdate`, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")] : [];
    case 'RollingUpdate': break;
    default: return [invalid(field, strategy, "must be 'RollingUpdate' or 'OnDelete'")];
  }
  const { partition, maxUnavailable } = rollingUpdate ?? {};
  const at = `${field}.rollingUpdate.maxUnavailable`;
  return [
    ...nonNegative(`${field}.rollingUpdate.partition`, partition),
    ...(maxUnavailable ? [
      ...positiveIntOrPercent(at, maxUnavailable),
      ...(isNone(maxUnavailable) ? [invalid(at, intOrStringValue(maxUnavailable), 'cannot be 0')] : []),
      ...notMoreThanWhole(at, maxUnavailable),
    ] : []),
  ];
}

function validateManagement(policy: string | undefined): FieldError[] {
  if (!policy) return [required('spec.podManagementPolicy')];
  return ['OrderedReady', 'Parallel'].includes(policy) ? [] : [invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'")];
}

function validateRetention({ persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec): FieldError[] {
  if (!policy) return [];
  return (['whenDeleted', 'whenScaled'] as const).flatMap((when) => (['Retain', 'Delete'].includes(policy[when] ?? '') ? []
    : [notSupported(`spec.persistentVolumeClaimRetentionPolicy.${when}`, policy[when], ['Retain', 'Delete'])]));
}

/** The template as its pods will be: the claims stand in for volumes of their names. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  const claims = volumeClaimTemplates.map(({ metadata }): Volume => ({ name: metadata?.name, volumeSource: { persistentVolumeClaim: { claimName: 'claim' } } }));
  const claimed = new Set(claims.map(({ name }) => name));
  const volumes = (template?.spec?.volumes ?? []).filter(({ name }) => !claimed.has(name));
  return { ...template, spec: { ...template?.spec, volumes: [...volumes, ...claims] } };
}

function validateSpec(spec: StatefulSetSpec): FieldError[] {
  const { selector, template, serviceName, minReadySeconds, ordinals, replicas, revisionHistoryLimit } = spec;
  return [
    ...validateManagement(spec.podManagementPolicy),
    ...validateStrategy(spec.updateStrategy ?? {}, 'spec.updateStrategy'),
    ...validateRetention(spec),
    ...nonNegative('spec.replicas', replicas), ...nonNegative('spec.minReadySeconds', minReadySeconds),
    ...nonNegative('spec.ordinals.start', ordinals?.start), ...nonNegative('spec.revisionHistoryLimit', revisionHistoryLimit),
    ...(serviceName ? invalidEach('spec.serviceName', serviceName, dnsLabel(serviceName)) : []),
    ...validateOwnSelector(selector, 'spec.selector', 'statefulset'),
    ...validateSelectsTemplate(selector, template, 'spec.template'),
    ...validatePodTemplate(withClaims(spec), 'spec.template'), ...validateEndless(template?.spec, 'spec.template', 'StatefulSet'),
  ];
}

const mutable = ['replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy', 'minReadySeconds'] as const;
const mutableText = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit',"
  + " 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

function validateUpdate(next: StatefulSet, previous: StatefulSet): FieldError[] {
  const before = previous.spec ?? {};
  const kept = { ...next.spec, ...Object.fromEntries(mutable.map((member) => [member, before[member]])) };
  return [
    ...validateMetaUpdate(next, previous, meta), ...validateSpec(next.spec ?? {}),
    ...(deepEqual(kept, before) ? [] : [forbidden('spec', mutableText)]),
  ];
}

function validateStatus(next: StatefulSet, previous: StatefulSet): FieldError[] {
  const { status } = next;
  return [
    ...validateCounts(status, 'status', ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas', 'observedGeneration', 'collisionCount']),
    ...validateParts(status, 'status', ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'], 'replicas', 'status.replicas'),
    ...validateParts(status, 'status', ['availableReplicas'], 'readyReplicas', 'status.readyReplicas'),
    ...validateMetaUpdate(next, previous, meta),
    ...notDecremented('status.collisionCount', status?.collisionCount, previous.status?.collisionCount),
  ];
}

const template = ({ spec }: StatefulSet) => spec?.template;

/** Its name becomes part of its pods' host names, so it is a label. */
export const statefulSets = defineResource<StatefulSet>({
  group: 'apps', version: 'v1', kind: 'StatefulSet', plural: 'statefulsets', shortNames: ['sts'], categories: ['all'], namespaced: true,
  subresources: ['scale', 'status'],
  codec: codecFor<StatefulSet>('k8s.io.api.apps.v1.StatefulSet'),
  setDefaults,
  ...countedGeneration<StatefulSet>(),
  validateCreate: (statefulSet) => [...validateMeta(statefulSet, meta), ...validateSpec(statefulSet.spec ?? {})],
  validateUpdate,
  status: statusStrategy(validateStatus),
  scale: replicasScale(({ spec }) => selectorText(spec?.selector)),
  columns: [
    nameColumn,
    { name: 'Ready', type: 'string', description: 'Number of the pod with ready state', value: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}` },
    ageColumn, containersColumn(template), imagesColumn(template),
  ],
});
