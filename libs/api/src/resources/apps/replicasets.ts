import type { ReplicaSet, ReplicaSetSpec } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { selectorText } from '../../selectors/selector-text';
import { nonNegative } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateEndless, validateOwnSelector, validatePodTemplate, validateSelectsTemplate } from '../../validation/pod-template';
import { replicasColumns, replicasKind, replicasMeta, setReplicasDefaults } from '../replicas';
import { replicasScale } from '../scale';
import { selectorColumn } from '../workload-columns';

/** Kubernetes' complaint about an empty selector speaks of a deployment here, too. */
function validateSpec({ replicas, minReadySeconds, selector, template }: ReplicaSetSpec): FieldError[] {
  return [
    ...nonNegative('spec.replicas', replicas), ...nonNegative('spec.minReadySeconds', minReadySeconds),
    ...validateOwnSelector(selector, 'spec.selector', 'deployment'),
    ...validateSelectsTemplate(selector, template, 'spec.template'),
    ...validatePodTemplate(template, 'spec.template'), ...validateEndless(template?.spec, 'spec.template', 'ReplicaSet'),
  ];
}

export const replicaSets = defineResource<ReplicaSet>({
  ...replicasKind<ReplicaSet>(),
  group: 'apps', version: 'v1', kind: 'ReplicaSet', plural: 'replicasets', shortNames: ['rs'],
  codec: codecFor<ReplicaSet>('k8s.io.api.apps.v1.ReplicaSet'),
  setDefaults: (replicaSet) => void setReplicasDefaults((replicaSet.spec ??= {})),
  validateCreate: (replicaSet) => [...validateMeta(replicaSet, replicasMeta), ...validateSpec(replicaSet.spec ?? {})],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, replicasMeta), ...validateSpec(next.spec ?? {}), ...unchanged('spec.selector', next.spec?.selector, previous.spec?.selector),
  ],
  scale: replicasScale(({ spec }) => selectorText(spec?.selector)),
  columns: [...replicasColumns<ReplicaSet>(), selectorColumn(({ spec }) => spec?.selector)],
});
