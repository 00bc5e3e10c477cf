import type {
  PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeSource, PersistentVolumeSpec, TypedLocalObjectReference, TypedObjectReference,
} from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import { unknownFieldsKey } from '../codec/plan';
import { deepEqual } from '../deep-equal';
import type { FieldError } from '../resource';
import { compareQuantity } from '../scalars/quantity';
import { forbidden, invalid, invalidEach, notSupported, oneOfIfSet, required } from './field-error';
import { unchanged } from './immutable';
import { dnsLabel, dnsSubdomain } from './names';
import { escapesDirectory } from './paths';
import { validateLabelSelector, validateNodeSelector } from './scheduling';
import { specDiff } from './spec-diff';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const volumeModes = ['Block', 'Filesystem'];

function validateModes(modes: readonly string[], field: string): FieldError[] {
  const known = modes.filter((mode) => accessModes.includes(mode));
  const mixed = known.includes('ReadWriteOncePod') && known.some((mode) => mode !== 'ReadWriteOncePod');
  return [
    ...modes.flatMap((mode) => (accessModes.includes(mode) ? [] : [notSupported(field, mode, accessModes)])),
    ...(mixed ? [forbidden(field, 'may not use ReadWriteOncePod with other access modes')] : []),
  ];
}

function positive(field: string, amount: Quantity): FieldError[] {
  return compareQuantity(amount, undefined) > 0 ? [] : [invalid(field, amount.string, 'must be greater than zero')];
}

const className = (field: string, name: string | undefined): FieldError[] => (name ? invalidEach(field, name, dnsSubdomain(name)) : []);

export function validateVolumeSpec(spec: PersistentVolumeSpec): FieldError[] {
  const { accessModes: modes = [], capacity = {}, persistentVolumeSource: source = {}, nodeAffinity, volumeAttributesClassName } = spec;
  const { storage } = capacity;
  const root = source.hostPath?.path?.replace(/\/+/g, '/') === '/' && spec.persistentVolumeReclaimPolicy === 'Recycle';
  return [
    ...(modes.length === 0 ? [required('spec.accessModes')] : validateModes(modes, 'spec.accessModes')),
    ...(Object.keys(capacity).length === 0 ? [required('spec.capacity')] : []),
    ...(Object.keys(capacity).some((name) => name !== 'storage') ? [notSupported('spec.capacity', capacity, ['storage'])] : []),
    ...(storage ? positive('spec.capacity[storage]', storage) : []),
    ...oneOfIfSet('spec.persistentVolumeReclaimPolicy', spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain']),
    ...(nodeAffinity ? validateNodeAffinity(nodeAffinity.required) : []),
    ...validateSource(source, nodeAffinity !== undefined),
    ...(root ? [forbidden('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'")] : []),
    ...className('spec.storageClassName', spec.storageClassName),
    ...oneOfIfSet('spec.volumeMode', spec.volumeMode, volumeModes),
    ...(volumeAttributesClassName === '' ? [required('spec.volumeAttributesClassName', 'an empty string is disallowed')] : className('spec.volumeAttributesClassName', volumeAttributesClassName)),
    ...(volumeAttributesClassName !== undefined && !source.csi ? [required('spec.csi', 'has to be specified when using volumeAttributesClassName')] : []),
  ];
}

function validateNodeAffinity(terms: Parameters<typeof validateNodeSelector>[0] | undefined): FieldError[] {
  return terms ? validateNodeSelector(terms, 'spec.nodeAffinity.required') : [required('spec.nodeAffinity.required', 'must specify required node constraints')];
}

/** Exactly one kind of volume, with what that kind cannot do without. */
function validateSource(source: PersistentVolumeSource, hasAffinity: boolean): FieldError[] {
  const kinds = Object.entries(source).filter(([name, value]) => value !== undefined && name !== unknownFieldsKey).map(([name]) => name);
  const needs = (field: string, value: string | undefined): FieldError[] => (value ? [] : [required(`spec.${field}`)]);
  const noBackstep = (field: string, path: string | undefined): FieldError[] => (path && escapesDirectory(path.replace(/^\/+/, '')) ? [invalid(`spec.${field}`, path, "must not contain '..'")] : []);
  const { hostPath, nfs, csi, local, iscsi, fc } = source;
  return [
    ...(kinds.length === 0 ? [required('spec', 'must specify a volume type')] : []),
    ...kinds.slice(1).map((kind) => forbidden(`spec.${kind}`, 'may not specify more than 1 volume type')),
    ...(hostPath ? [...needs('hostPath.path', hostPath.path), ...noBackstep('hostPath.path', hostPath.path)] : []),
    ...(nfs ? [...needs('nfs.server', nfs.server), ...needs('nfs.path', nfs.path), ...(nfs.path && !nfs.path.startsWith('/') ? [invalid('spec.nfs.path', nfs.path, 'must be an absolute path')] : [])] : []),
    ...(csi ? [...needs('csi.driver', csi.driver), ...needs('csi.volumeHandle', csi.volumeHandle)] : []),
    ...(iscsi ? [...needs('iscsi.targetPortal', iscsi.targetPortal), ...needs('iscsi.iqn', iscsi.iqn)] : []),
    ...(fc && !fc.targetWWNs?.length && !fc.wwids?.length ? [required('spec.fc.targetWWNs', 'must specify either targetWWNs or wwids')] : []),
    ...(local ? [...needs('local.path', local.path), ...noBackstep('local.path', local.path), ...(hasAffinity ? [] : [required('spec.nodeAffinity', 'Local volume requires node affinity')])] : []),
  ];
}

export function validateVolumeUpdate(next: PersistentVolume, previous: PersistentVolume): FieldError[] {
  const [after, before] = [next.spec ?? {}, previous.spec ?? {}];
  const errors: FieldError[] = [];
  // A secret for expansion may be added later.
  const late = before.persistentVolumeSource?.csi && !before.persistentVolumeSource.csi.controllerExpandSecretRef;
  const csi = after.persistentVolumeSource?.csi;
  const source = late && csi ? { ...after.persistentVolumeSource, csi: { ...csi, controllerExpandSecretRef: undefined } } : after.persistentVolumeSource;
  if (!deepEqual(source, before.persistentVolumeSource)) {
    const diff = specDiff(before.persistentVolumeSource ?? {}, source ?? {});
    errors.push(forbidden('spec.persistentvolumesource', `spec.persistentvolumesource is immutable after creation\n${diff}`));
  }
  errors.push(...unchanged('volumeMode', after.volumeMode, before.volumeMode));
  if (before.nodeAffinity) errors.push(...unchanged('nodeAffinity', after.nodeAffinity, before.nodeAffinity));
  if (before.volumeAttributesClassName !== undefined && after.volumeAttributesClassName === undefined) {
    errors.push(forbidden('spec.volumeAttributesClassName', 'update from non-nil value to nil is forbidden'));
  }
  return errors;
}

export function validateClaimSpec(spec: PersistentVolumeClaimSpec, field: string): FieldError[] {
  const { accessModes: modes = [], selector, resources, storageClassName, volumeMode, volumeAttributesClassName } = spec;
  const storage = resources?.requests?.['storage'];
  return [
    ...(modes.length === 0 ? [required(`${field}.accessModes`, 'at least 1 access mode is required')] : []),
    ...validateLabelSelector(selector, `${field}.selector`),
    ...validateModes(modes, `${field}.accessModes`),
    ...(storage ? positive(`${field}.resources[storage]`, storage) : [required(`${field}.resources[storage]`)]),
    ...className(`${field}.storageClassName`, storageClassName),
    ...oneOfIfSet(`${field}.volumeMode`, volumeMode, volumeModes),
    ...validateDataSources(spec, field),
    ...className(`${field}.volumeAttributesClassName`, volumeAttributesClassName),
  ];
}

function validateDataSources({ dataSource, dataSourceRef }: PersistentVolumeClaimSpec, field: string): FieldError[] {
  const errors = [...(dataSource ? validateReference(dataSource, `${field}.dataSource`) : []), ...(dataSourceRef ? validateReference(dataSourceRef, `${field}.dataSourceRef`) : [])];
  const namespace = dataSourceRef?.namespace;
  if (namespace) errors.push(...invalidEach(`${field}.dataSourceRef.namespace`, namespace, dnsLabel(namespace)));
  if (!dataSource || !dataSourceRef) return errors;
  if (namespace) return [...errors, invalid(field, `${field}.dataSource`, 'may not be specified when dataSourceRef.namespace is specified')];
  const same = dataSource.apiGroup === dataSourceRef.apiGroup && dataSource.kind === dataSourceRef.kind && dataSource.name === dataSourceRef.name;
  return same ? errors : [...errors, invalid(field, `${field}.dataSource`, 'must match dataSourceRef')];
}

function validateReference({ apiGroup, kind = '', name }: TypedLocalObjectReference | TypedObjectReference, field: string): FieldError[] {
  return [
    ...(name ? [] : [required(`${field}.name`)]), ...(kind ? [] : [required(`${field}.kind`)]),
    ...(!apiGroup && kind !== 'PersistentVolumeClaim' ? [invalid(field, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")] : []),
    ...(apiGroup ? invalidEach(`${field}.apiGroup`, apiGroup, dnsSubdomain(apiGroup)) : []),
  ];
}

/** A claim is what quota was charged for: it changes by binding, by growing, and in little else. */
export function validateClaimUpdate(next: PersistentVolumeClaim, previous: PersistentVolumeClaim): FieldError[] {
  const [after, before] = [next.spec ?? {}, previous.spec ?? {}];
  const size = (claim: PersistentVolumeClaimSpec): Quantity | undefined => claim.resources?.requests?.['storage'];
  const errors: FieldError[] = [];
  const kept = withMutableFieldsOf(after, before, next.status?.phase === 'Bound');
  if (!deepEqual(kept, before)) {
    errors.push(forbidden('spec', `spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n${specDiff(before, kept)}`));
  }
  if (compareQuantity(size(after), size(before)) < 0 && compareQuantity(size(after), previous.status?.capacity?.['storage']) <= 0) {
    errors.push(forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity'));
  }
  errors.push(...unchanged('volumeMode', after.volumeMode, before.volumeMode));
  if (before.volumeAttributesClassName !== undefined && !after.volumeAttributesClassName) {
    errors.push(forbidden('spec.volumeAttributesClassName', `update from non-nil value to ${after.volumeAttributesClassName === undefined ? 'nil' : 'an empty string'} is forbidden`));
  }
  return errors;
}

function withMutableFieldsOf(after: PersistentVolumeClaimSpec, before: PersistentVolumeClaimSpec, bound: boolean): PersistentVolumeClaimSpec {
  const { requests } = after.resources ?? {};
  const old = before.resources?.requests?.['storage'];
  const { storage: _storage, ...others } = requests ?? {};
  return {
    ...after,
    volumeAttributesClassName: before.volumeAttributesClassName,
    // A claim binds once, and gets a default class once.
    ...(!before.volumeName && { volumeName: before.volumeName }),
    ...(before.storageClassName === undefined && { storageClassName: undefined }),
    ...(bound && requests && { resources: { ...after.resources, requests: { ...others, ...(old && { storage: old }) } } }),
  };
}
