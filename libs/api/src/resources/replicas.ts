import type { ReplicaSetStatus } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { statusStrategy } from '../define-resource';
import { countedGeneration } from '../meta/spec-lifecycle';
import { setTemplateDefaults } from '../pod/template';
import type { ApiObject, Column } from '../resource';
import { validateCounts, validateParts } from '../validation/counts';
import { subdomainName, validateMetaUpdate } from '../validation/object-meta';
import { ageColumn, nameColumn } from './columns';
import { containersColumn, imagesColumn } from './workload-columns';

interface KeepsReplicas extends ApiObject {
  spec?: { replicas?: number | undefined; template?: PodTemplateSpec | undefined } | undefined;
  status?: ReplicaSetStatus | undefined;
}

export const replicasMeta = { namespaced: true, name: subdomainName };

/** What ReplicaSet and ReplicationController have in common: all but group, selector and validation of what is wanted. */
export function replicasKind<T extends KeepsReplicas>() {
  return {
    categories: ['all'], namespaced: true, subresources: ['scale', 'status'],
    ...countedGeneration<T>(),
    status: statusStrategy<T>((next, previous) => [
      ...validateMetaUpdate(next, previous, replicasMeta),
      ...validateCounts(next.status, 'status', ['replicas', 'fullyLabeledReplicas', 'readyReplicas', 'availableReplicas', 'observedGeneration']),
      ...validateParts(next.status, 'status', ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], 'replicas', 'status.replicas'),
      ...validateParts(next.status, 'status', ['availableReplicas'], 'readyReplicas', 'readyReplicas'),
    ]),
    fieldSelectors: { 'status.replicas': ({ status }: T) => String(status?.replicas ?? 0) },
  };
}

/** Their defaults, in place; answers the spec. */
export function setReplicasDefaults<S extends NonNullable<KeepsReplicas['spec']>>(spec: S): S {
  setTemplateDefaults(spec);
  spec.replicas ??= 1;
  return spec;
}

/** Their columns, before what each shows of its selector. */
export function replicasColumns<T extends KeepsReplicas>(): Column<T>[] {
  const template = ({ spec }: T) => spec?.template;
  return [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'Pods wanted.', value: ({ spec }) => spec?.replicas ?? 0 },
    { name: 'Current', type: 'integer', description: 'Pods that are there.', value: ({ status }) => status?.replicas ?? 0 },
    { name: 'Ready', type: 'integer', description: 'Pods that are ready.', value: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn, containersColumn(template), imagesColumn(template),
  ];
}
