import type { PersistentVolume, PersistentVolumeSource } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { Resource } from '../../resource';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateVolumeSpec, validateVolumeUpdate } from '../../validation/persistent-volume';
import { ageColumn, nameColumn } from '../columns';
import { accessModesCell, phaseCell, storageClassCell } from '../storage-cells';

const meta = { namespaced: false, name: subdomainName };
const lifecycle = statusOnly<PersistentVolume>();

function setDefaults(volume: PersistentVolume): void {
  (volume.status ??= {}).phase ??= 'Pending';
  const spec = (volume.spec ??= {});
  spec.persistentVolumeReclaimPolicy ??= 'Retain';
  spec.volumeMode ??= 'Filesystem';
  if (spec.persistentVolumeSource) setSourceDefaults(spec.persistentVolumeSource);
}

function setSourceDefaults({ hostPath, iscsi, rbd, azureDisk, scaleIO }: PersistentVolumeSource): void {
  if (hostPath) hostPath.type ??= '';
  if (iscsi) iscsi.iscsiInterface ??= 'default';
  if (rbd) {
    rbd.pool ??= 'rbd';
    rbd.user ??= 'admin';
    rbd.keyring ??= '/etc/ceph/keyring';
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.kind ??= 'Shared';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
  }
  if (scaleIO) {
    scaleIO.storageMode ??= 'ThinProvisioned';
    scaleIO.fsType ??= 'xfs';
  }
}

function claimText({ spec }: PersistentVolume): string {
  return spec?.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '';
}

const columns: Resource<PersistentVolume>['columns'] = [
  nameColumn,
  { name: 'Capacity', type: 'string', description: 'How much it holds.', value: ({ spec }) => spec?.capacity?.['storage']?.string ?? '' },
  { name: 'Access Modes', type: 'string', description: 'Ways in which it can be mounted.', value: ({ spec }) => accessModesCell(spec?.accessModes) },
  { name: 'Reclaim Policy', type: 'string', description: 'What becomes of it when its claim is gone.', value: ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? '' },
  { name: 'Status', type: 'string', description: 'Whether it is available, bound or released.', value: phaseCell },
  { name: 'Claim', type: 'string', description: 'The claim it is bound to.', value: claimText },
  { name: 'StorageClass', type: 'string', description: 'Its storage class.', value: storageClassCell },
  { name: 'VolumeAttributesClass', type: 'string', description: 'The class of its changeable attributes.', value: ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>' },
  { name: 'Reason', type: 'string', description: 'Why it is in this status.', value: ({ status }) => status?.reason ?? '' },
  ageColumn,
  { name: 'VolumeMode', type: 'string', priority: 1, description: 'Block device or file system.', value: ({ spec }) => spec?.volumeMode ?? '<unset>' },
];

export const persistentVolumes = defineResource<PersistentVolume>({
  group: '', version: 'v1', kind: 'PersistentVolume', plural: 'persistentvolumes', shortNames: ['pv'], namespaced: false,
  subresources: ['status'],
  codec: codecFor<PersistentVolume>('k8s.io.api.core.v1.PersistentVolume'),
  setDefaults,
  prepareForCreate(volume) {
    volume.status = { phase: 'Pending' };
  },
  prepareForUpdate: lifecycle.prepareForUpdate,
  validateCreate: (volume) => [...validateMeta(volume, meta), ...validateVolumeSpec(volume.spec ?? {})],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateVolumeSpec(next.spec ?? {}), ...validateVolumeUpdate(next, previous)],
  status: statusStrategy((next, previous) => validateMetaUpdate(next, previous, meta)),
  fieldSelectors: { name: ({ metadata }) => metadata?.name ?? '' },
  columns,
});
