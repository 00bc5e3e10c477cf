import { compareQuantity, timeToMs, type ApiObject } from '@navarch/api';
import type { PersistentVolumeClaim } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { StorageClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { forbidden } from '../errors';
import { creates, type AdmissionPlugin } from './admission';

export const defaultClassAnnotation = 'storageclass.kubernetes.io/is-default-class';
const finalizers: Readonly<Record<string, string>> = { persistentvolumeclaims: 'kubernetes.io/pvc-protection', persistentvolumes: 'kubernetes.io/pv-protection' };

/** Claims and volumes in use are not taken away: whoever deletes them waits until nobody uses them (Kubernetes' StorageObjectInUseProtection). */
export const storageProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  handles: (attributes) => creates(attributes, '', 'persistentvolumeclaims') || creates(attributes, '', 'persistentvolumes'),
  admit({ resource, object }) {
    const finalizer = finalizers[resource.plural] ?? '';
    const present = object?.metadata?.finalizers ?? [];
    if (object && !present.includes(finalizer)) object.metadata = { ...object.metadata, finalizers: [...present, finalizer] };
  },
};

/** The class of claims that name none: the newest of those marked as the default (Kubernetes' DefaultStorageClass). */
export function defaultStorageClass(all: () => readonly StorageClass[]): AdmissionPlugin {
  return {
    name: 'DefaultStorageClass',
    handles: (attributes) => creates(attributes, '', 'persistentvolumeclaims'),
    admit({ object }) {
      const claim = object as PersistentVolumeClaim;
      if (claim.spec?.storageClassName !== undefined || claim.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return;
      const name = defaultClass(all())?.metadata?.name;
      if (name !== undefined) claim.spec = { ...claim.spec, storageClassName: name };
    },
  };
}

export function defaultClass(all: readonly StorageClass[]): StorageClass | undefined {
  const madeMs = ({ metadata }: StorageClass): number => (metadata?.creationTimestamp ? timeToMs(metadata.creationTimestamp) : 0);
  return all.filter(({ metadata }) => metadata?.annotations?.[defaultClassAnnotation] === 'true')
    .sort((a, b) => madeMs(b) - madeMs(a) || ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))[0];
}

/** Claims grow only where their class says that its volumes can (Kubernetes' PersistentVolumeClaimResize). */
export function claimResize(find: (name: string, signal: AbortSignal) => Promise<StorageClass | undefined>): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    handles: ({ resource, operation, subresource }) => operation === 'UPDATE' && subresource === '' && resource.group === '' && resource.plural === 'persistentvolumeclaims',
    async validate({ resource, name, object, oldObject, signal }) {
      const [before, after] = [oldObject as PersistentVolumeClaim, object as PersistentVolumeClaim];
      if (compareQuantity(requested(after), requested(before)) <= 0) return;
      if (before.status?.phase !== 'Bound') throw forbidden(resource, name, 'Only bound persistent volume claims can be expanded');
      const className = before.spec?.storageClassName ?? '';
      const storageClass = className === '' ? undefined : await find(className, signal);
      if (!storageClass?.allowVolumeExpansion) throw forbidden(resource, name, 'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
    },
  };
}

const requested = (claim: ApiObject) => (claim as PersistentVolumeClaim).spec?.resources?.requests?.['storage'];
