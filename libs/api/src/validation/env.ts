import type { EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector, ResourceFieldSelector } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { invalid, invalidEach, notSupported, required } from './field-error';
import { configMapKey, dnsSubdomain, envVarName, qualifiedName } from './names';

export const envFieldPaths = [
  'metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs',
];
export const volumeFieldPaths = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];
const containerResourcePaths = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory', 'requests.cpu', 'requests.ephemeral-storage', 'requests.memory'];

export function validateEnv(env: readonly EnvVar[], field: string): FieldError[] {
  return env.flatMap(({ name = '', value, valueFrom }, index) => {
    const at = `${field}[${index}]`;
    return [
      ...(name === '' ? [required(`${at}.name`)] : invalidEach(`${at}.name`, name, envVarName(name))),
      ...(valueFrom ? validateValueFrom(valueFrom, value, `${at}.valueFrom`) : []),
    ];
  });
}

function validateValueFrom(source: EnvVarSource, value: string | undefined, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = source;
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, envFieldPaths, `${field}.fieldRef`));
  if (resourceFieldRef) errors.push(...validateResourceFieldRef(resourceFieldRef, `${field}.resourceFieldRef`, false));
  for (const [member, ref] of [['configMapKeyRef', configMapKeyRef], ['secretKeyRef', secretKeyRef]] as const) {
    if (ref) errors.push(...validateKeyRef(ref.localObjectReference?.name, ref.key, `${field}.${member}`));
  }
  if (fileKeyRef) {
    for (const member of ['volumeName', 'path', 'key'] as const) if (!fileKeyRef[member]) errors.push(required(`${field}.fileKeyRef.${member}`));
  }
  const given = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((one) => one !== undefined).length;
  if (given === 0) errors.push(invalid(field, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'));
  else if (value) errors.push(invalid(field, '', 'may not be specified when `value` is not empty'));
  else if (given > 1) errors.push(invalid(field, '', 'may not have more than one field specified at a time'));
  return errors;
}

/** A path of the pod itself; labels and annotations by key as well. */
export function validateFieldRef({ apiVersion, fieldPath = '' }: ObjectFieldSelector, supported: readonly string[], field: string): FieldError[] {
  if (!apiVersion) return [required(`${field}.apiVersion`)];
  if (fieldPath === '') return [required(`${field}.fieldPath`)];
  if (apiVersion !== 'v1') return [invalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: unsupported pod version: ${apiVersion}`)];
  const keyed = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/.exec(fieldPath);
  if (keyed) return invalidEach(field, keyed[2], qualifiedName((keyed[2] ?? '').toLowerCase()));
  if (supported.includes(fieldPath)) return [];
  if (![...envFieldPaths, ...volumeFieldPaths].includes(fieldPath)) {
    return [invalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)];
  }
  return [notSupported(`${field}.fieldPath`, fieldPath, supported)];
}

export function validateResourceFieldRef({ containerName, resource = '', divisor }: ResourceFieldSelector, field: string, inVolume: boolean): FieldError[] {
  if (inVolume && !containerName) return [required(`${field}.containerName`)];
  if (resource === '') return [required(`${field}.resource`)];
  if (!containerResourcePaths.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource)) return [notSupported(`${field}.resource`, resource, containerResourcePaths)];
  return validateDivisor(resource, divisor?.string ?? '0', `${field}.divisor`);
}

const divisors: Readonly<Record<'cpu' | 'bytes', readonly string[]>> = {
  cpu: ['1', '1m'], bytes: ['1', '1E', '1Ei', '1G', '1Gi', '1k', '1Ki', '1M', '1Mi', '1P', '1Pi', '1T', '1Ti'],
};

function validateDivisor(resource: string, divisor: string, field: string): FieldError[] {
  const cpu = resource.endsWith('.cpu');
  const allowed = divisors[cpu ? 'cpu' : 'bytes'];
  if (divisor === '0' || allowed.includes(divisor)) return [];
  return [invalid(field, divisor, cpu ? 'only divisor\'s values 1m and 1 are supported with the cpu resource' : 'only divisor\'s values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with this resource')];
}

function validateKeyRef(name: string | undefined, key: string | undefined, field: string): FieldError[] {
  return [
    ...(name ? [] : [required(`${field}.name`)]),
    ...(key ? invalidEach(`${field}.key`, key, configMapKey(key)) : [required(`${field}.key`)]),
  ];
}

export function validateEnvFrom(sources: readonly EnvFromSource[], field: string): FieldError[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, index) => {
    const at = `${field}[${index}]`;
    const errors = prefix ? invalidEach(`${at}.prefix`, prefix, envVarName(prefix)) : [];
    for (const [member, ref] of [['configMapRef', configMapRef], ['secretRef', secretRef]] as const) {
      const name = ref?.localObjectReference?.name;
      if (ref) errors.push(...(name ? invalidEach(`${at}.${member}.name`, name, dnsSubdomain(name)) : [required(`${at}.${member}.name`)]));
    }
    if (!configMapRef && !secretRef) errors.push(invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (configMapRef && secretRef) errors.push(invalid(at, '', 'may not have more than one field specified at a time'));
    return errors;
  });
}
