import type { PersistentVolumeClaim, PersistentVolumeClaimStatus } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { FieldError, Resource } from '../../resource';
import { compareQuantity } from '../../scalars/quantity';
import { invalid, notSupported } from '../../validation/field-error';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateClaimSpec, validateClaimUpdate } from '../../validation/persistent-volume';
import { ageColumn, nameColumn } from '../columns';
import { accessModesCell, phaseCell, storageClassCell } from '../storage-cells';

const meta = { namespaced: true, name: subdomainName };
const lifecycle = statusOnly<PersistentVolumeClaim>();
const resizeStatuses = ['ControllerResizeInProgress', 'ControllerResizeInfeasible', 'NodeResizePending', 'NodeResizeInProgress', 'NodeResizeInfeasible'];

function setDefaults(claim: PersistentVolumeClaim): void {
  (claim.status ??= {}).phase ??= 'Pending';
  (claim.spec ??= {}).volumeMode ??= 'Filesystem';
}

/** Clients of either of the two references to a source see it, unless it lies in another namespace, which only one of them can say. */
function prepareForCreate(claim: PersistentVolumeClaim): void {
  claim.status = { phase: 'Pending' };
  const spec = (claim.spec ??= {});
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef) spec.dataSourceRef = { ...dataSource };
  if (dataSourceRef && !dataSource && !dataSourceRef.namespace) {
    spec.dataSource = { apiGroup: dataSourceRef.apiGroup, kind: dataSourceRef.kind, name: dataSourceRef.name };
  }
}

function validateStatus({ capacity = {}, allocatedResources = {}, allocatedResourceStatuses = {} }: PersistentVolumeClaimStatus = {}): FieldError[] {
  const amounts = (list: typeof capacity, field: string): FieldError[] => Object.entries(list).flatMap(([name, amount]) =>
    (compareQuantity(amount, undefined) < 0 ? [invalid(`${field}[${name}]`, amount.string, 'must be a valid resource quantity')] : []));
  return [
    ...amounts(capacity, 'status.capacity'), ...amounts(allocatedResources, 'status.allocatedResources'),
    ...Object.entries(allocatedResourceStatuses).flatMap(([name, status]) =>
      (resizeStatuses.includes(status) ? [] : [notSupported('status.allocatedResourceStatus', name, [...resizeStatuses].sort())])),
  ];
}

/** Shown only of a volume that it has. */
const ifBound = (text: (claim: PersistentVolumeClaim) => string) => (claim: PersistentVolumeClaim): string => (claim.spec?.volumeName ? text(claim) : '');

const columns: Resource<PersistentVolumeClaim>['columns'] = [
  nameColumn,
  { name: 'Status', type: 'string', description: 'Whether it is bound to a volume.', value: phaseCell },
  { name: 'Volume', type: 'string', description: 'The volume it is bound to.', value: ({ spec }) => spec?.volumeName ?? '' },
  { name: 'Capacity', type: 'string', description: 'How much that volume holds.', value: ifBound(({ status }) => status?.capacity?.['storage']?.string ?? '') },
  { name: 'Access Modes', type: 'string', description: 'Ways in which that volume can be mounted.', value: ifBound(({ status }) => accessModesCell(status?.accessModes)) },
  { name: 'StorageClass', type: 'string', description: 'The storage class asked for.', value: storageClassCell },
  { name: 'VolumeAttributesClass', type: 'string', description: 'The class of its changeable attributes.', value: ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>' },
  ageColumn,
  { name: 'VolumeMode', type: 'string', priority: 1, description: 'Block device or file system.', value: ({ spec }) => spec?.volumeMode ?? '<unset>' },
];

export const persistentVolumeClaims = defineResource<PersistentVolumeClaim>({
  group: '', version: 'v1', kind: 'PersistentVolumeClaim', plural: 'persistentvolumeclaims', shortNames: ['pvc'], namespaced: true,
  subresources: ['status'],
  codec: codecFor<PersistentVolumeClaim>('k8s.io.api.core.v1.PersistentVolumeClaim'),
  setDefaults, prepareForCreate, prepareForUpdate: lifecycle.prepareForUpdate,
  validateCreate: (claim) => [...validateMeta(claim, meta), ...validateClaimSpec(claim.spec ?? {}, 'spec')],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateClaimSpec(next.spec ?? {}, 'spec'), ...validateClaimUpdate(next, previous)],
  status: statusStrategy((next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateStatus(next.status)]),
  fieldSelectors: { name: ({ metadata }) => metadata?.name ?? '' },
  columns,
});
