import type {
  CSIVolumeSource, DownwardAPIVolumeFile, EphemeralVolumeSource, HostPathVolumeSource, KeyToPath, ProjectedVolumeSource, Volume, VolumeProjection, VolumeSource,
} from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { compareQuantity } from '../scalars/quantity';
import { duplicate, forbidden, inRange, invalid, invalidEach, notSupported, oneOfIfSet, required } from './field-error';
import { validateFieldRef, validateResourceFieldRef, volumeFieldPaths } from './env';
import { configMapKey, dnsLabel, dnsSubdomain } from './names';
import { localNonReservedPath } from './paths';

const greatestMode = 0o777;
const modeText = 'must be a number between 0 and 0777 (octal), both inclusive';

export function validateVolumes(volumes: readonly Volume[], field: string): FieldError[] {
  const seen = new Set<string>();
  return volumes.flatMap(({ name = '', volumeSource = {} }, index) => {
    const at = `${field}[${index}]`;
    const errors = name === '' ? [required(`${at}.name`)] : invalidEach(`${at}.name`, name, dnsLabel(name));
    if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
    seen.add(name);
    return [...errors, ...validateSource(volumeSource, at)];
  });
}

type Check<T> = (source: T, field: string) => FieldError[];
type Checks = { [K in keyof VolumeSource]?: Check<NonNullable<VolumeSource[K]>> };

/** Fields without which a source means nothing. */
function needs<T extends object>(...members: readonly (keyof T & string)[]): Check<T> {
  return (source, field) => members.filter((member) => !source[member]).map((member) => required(`${field}.${member}`));
}

/** What is checked of each kind of volume; kinds that are not here have nothing to check. */
const checks: Checks = {
  hostPath: validateHostPath,
  emptyDir: ({ sizeLimit }, field) => (sizeLimit && compareQuantity(sizeLimit, undefined) < 0 ? [forbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')] : []),
  secret: ({ secretName, items, defaultMode }, field) => [
    ...(secretName ? [] : [required(`${field}.secretName`)]), ...mode(`${field}.defaultMode`, defaultMode), ...validateItems(items, `${field}.items`),
  ],
  configMap: ({ localObjectReference, items, defaultMode }, field) => [
    ...(localObjectReference?.name ? [] : [required(`${field}.name`)]), ...mode(`${field}.defaultMode`, defaultMode), ...validateItems(items, `${field}.items`),
  ],
  downwardAPI: ({ items = [], defaultMode }, field) => [...mode(`${field}.defaultMode`, defaultMode), ...items.flatMap((item, index) => validateDownward(item, `${field}.items[${index}]`))],
  projected: validateProjected,
  persistentVolumeClaim: ({ claimName }, field) => (claimName ? invalidEach(`${field}.claimName`, claimName, dnsSubdomain(claimName)) : [required(`${field}.claimName`)]),
  ephemeral: validateEphemeral,
  csi: validateCsi,
  image: ({ reference, pullPolicy }, field) => [...(reference ? [] : [required(`${field}.reference`)]), ...oneOfIfSet(`${field}.pullPolicy`, pullPolicy, ['Always', 'IfNotPresent', 'Never'])],
  nfs: ({ server, path }, field) => [
    ...(server ? [] : [required(`${field}.server`)]), ...(path ? [] : [required(`${field}.path`)]),
    ...(path && !path.startsWith('/') ? [invalid(`${field}.path`, path, 'must be an absolute path')] : []),
  ],
  iscsi: needs('targetPortal', 'iqn'),
  rbd: needs('image'),
  cephfs: ({ monitors }, field) => (monitors?.length ? [] : [required(`${field}.monitors`)]),
  glusterfs: needs('endpoints', 'path'),
  cinder: needs('volumeID'),
  gcePersistentDisk: ({ pdName, partition }, field) => [...(pdName ? [] : [required(`${field}.pdName`)]), ...inRange(`${field}.partition`, partition, 0, 255)],
  awsElasticBlockStore: ({ volumeID, partition }, field) => [...(volumeID ? [] : [required(`${field}.volumeID`)]), ...inRange(`${field}.partition`, partition, 0, 255)],
  azureFile: needs('secretName', 'shareName'),
  azureDisk: needs('diskName', 'diskURI'),
  vsphereVolume: needs('volumePath'),
  portworxVolume: needs('volumeID'),
  photonPersistentDisk: needs('pdID'),
  scaleIO: needs('gateway', 'system', 'volumeName'),
  quobyte: needs('registry', 'volume'),
  flexVolume: needs('driver'),
  gitRepo: needs('repository'),
  fc: ({ targetWWNs, wwids }, field) => (targetWWNs?.length || wwids?.length ? [] : [required(`${field}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both')]),
};

function validateSource(source: VolumeSource, field: string): FieldError[] {
  const given = Object.keys(source).filter((member) => member !== '_unknownFields' && source[member as keyof VolumeSource] !== undefined);
  if (given.length === 0) return [required(field, 'must specify a volume type')];
  return given.flatMap((member, index) => {
    if (index > 0) return [forbidden(`${field}.${member}`, 'may not specify more than 1 volume type')];
    const check = checks[member as keyof Checks] as Check<unknown> | undefined;
    return check?.(source[member as keyof VolumeSource], `${field}.${member}`) ?? [];
  });
}

function mode(field: string, value: number | undefined): FieldError[] {
  return value !== undefined && (value < 0 || value > greatestMode) ? [invalid(field, value, modeText)] : [];
}

const hostPathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];

function validateHostPath({ path, type }: HostPathVolumeSource, field: string): FieldError[] {
  if (!path) return [required(`${field}.path`)];
  return [
    ...(path.split('/').includes('..') ? [invalid(`${field}.path`, path, "must not contain '..'")] : []),
    ...(type !== undefined && !hostPathTypes.includes(type) ? [notSupported(`${field}.type`, type, hostPathTypes)] : []),
  ];
}

function validateItems(items: readonly KeyToPath[] | undefined, field: string): FieldError[] {
  return (items ?? []).flatMap(({ key, path, mode: itemMode }, index) => {
    const at = `${field}[${index}]`;
    return [
      ...(key ? invalidEach(`${at}.key`, key, configMapKey(key)) : [required(`${at}.key`)]),
      ...(path ? invalidEach(`${at}.path`, path, localNonReservedPath(path)) : [required(`${at}.path`)]),
      ...mode(`${at}.mode`, itemMode),
    ];
  });
}

function validateDownward({ path, fieldRef, resourceFieldRef, mode: fileMode }: DownwardAPIVolumeFile, field: string): FieldError[] {
  const errors = path ? invalidEach(`${field}.path`, path, localNonReservedPath(path)) : [required(`${field}.path`)];
  if (fieldRef) {
    errors.push(...validateFieldRef(fieldRef, volumeFieldPaths, `${field}.fieldRef`));
    if (resourceFieldRef) errors.push(invalid(field, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
  } else if (resourceFieldRef) {
    errors.push(...validateResourceFieldRef(resourceFieldRef, `${field}.resourceFieldRef`, true));
  } else {
    errors.push(required(field, 'one of fieldRef and resourceFieldRef is required'));
  }
  return [...errors, ...mode(`${field}.mode`, fileMode)];
}

function validateProjected({ sources = [], defaultMode }: ProjectedVolumeSource, field: string): FieldError[] {
  const paths = new Set<string>();
  const errors = mode(`${field}.defaultMode`, defaultMode);
  for (const [index, source] of sources.entries()) {
    const at = `${field}.sources[${index}]`;
    errors.push(...validateProjection(source, at));
    for (const path of projectedPaths(source)) {
      if (paths.has(path)) errors.push({ ...invalid(at, path, 'conflicting duplicate paths') });
      paths.add(path);
    }
  }
  return errors;
}

function projectedPaths({ secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle }: VolumeProjection): string[] {
  const items = [...(secret?.items ?? []), ...(configMap?.items ?? []), ...(downwardAPI?.items ?? [])].map(({ path }) => path);
  return [...items, serviceAccountToken?.path, clusterTrustBundle?.path].filter((path) => path !== undefined);
}

function validateProjection(source: VolumeProjection, field: string): FieldError[] {
  const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  const errors: FieldError[] = [];
  for (const [member, one] of [['secret', secret], ['configMap', configMap]] as const) {
    if (!one) continue;
    if (!one.localObjectReference?.name) errors.push(required(`${field}.${member}.name`));
    errors.push(...validateItems(one.items, `${field}.${member}.items`));
  }
  for (const [index, item] of (downwardAPI?.items ?? []).entries()) errors.push(...validateDownward(item, `${field}.downwardAPI.items[${index}]`));
  if (serviceAccountToken) errors.push(...validateToken(serviceAccountToken.expirationSeconds ?? 3600, serviceAccountToken.path, `${field}.serviceAccountToken`));
  if (clusterTrustBundle && !clusterTrustBundle.path) errors.push(required(`${field}.clusterTrustBundle.path`));
  const given = [secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate].filter((one) => one !== undefined).length;
  if (given === 0) errors.push(required(field, 'must specify a projection type'));
  if (given > 1) errors.push(forbidden(field, 'may not specify more than 1 volume type'));
  return errors;
}

function validateToken(seconds: number, path: string | undefined, field: string): FieldError[] {
  return [
    ...(seconds < 600 ? [invalid(`${field}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes')] : []),
    ...(seconds > 2 ** 32 ? [invalid(`${field}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds')] : []),
    ...(path ? invalidEach(`${field}.path`, path, localNonReservedPath(path)) : [required(`${field}.path`)]),
  ];
}

function validateEphemeral({ volumeClaimTemplate }: EphemeralVolumeSource, field: string): FieldError[] {
  const at = `${field}.volumeClaimTemplate`;
  if (!volumeClaimTemplate) return [required(at)];
  const { accessModes, resources } = volumeClaimTemplate.spec ?? {};
  return [
    ...(accessModes?.length ? [] : [required(`${at}.spec.accessModes`, 'at least 1 access mode is required')]),
    ...(resources?.requests?.['storage'] ? [] : [required(`${at}.spec.resources[storage]`)]),
  ];
}

function validateCsi({ driver, nodePublishSecretRef }: CSIVolumeSource, field: string): FieldError[] {
  return [
    ...(driver ? invalidEach(`${field}.driver`, driver, driver.length > 63 ? ['must be no more than 63 bytes'] : dnsSubdomain(driver.toLowerCase())) : [required(`${field}.driver`)]),
    ...(nodePublishSecretRef && !nodePublishSecretRef.name ? [required(`${field}.nodePublishSecretRef.name`)] : []),
  ];
}
