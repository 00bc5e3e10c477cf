import type { AppArmorProfile, PodSpec, SeccompProfile, SecurityContext } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { duplicate, forbidden, inRange, invalid, notSupported, oneOf, oneOfIfSet, required } from './field-error';
import { escapesDirectory } from './paths';

const greatestId = 2 ** 31 - 1;
const sysctlName = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;

export function validatePodSecurity(spec: PodSpec, field: string): FieldError[] {
  const { securityContext: context, hostPID, shareProcessNamespace, hostNetwork } = spec;
  if (!context) return [];
  const errors: FieldError[] = [
    ...inRange(`${field}.fsGroup`, context.fsGroup, 0, greatestId),
    ...inRange(`${field}.runAsUser`, context.runAsUser, 0, greatestId),
    ...inRange(`${field}.runAsGroup`, context.runAsGroup, 0, greatestId),
    ...(context.supplementalGroups ?? []).flatMap((group, index) => inRange(`${field}.supplementalGroups[${index}]`, group, 0, greatestId)),
    ...oneOfIfSet(`${field}.fsGroupChangePolicy`, context.fsGroupChangePolicy, ['Always', 'OnRootMismatch']),
    ...oneOfIfSet(`${field}.supplementalGroupsPolicy`, context.supplementalGroupsPolicy, ['Merge', 'Strict']),
    ...oneOfIfSet(`${field}.seLinuxChangePolicy`, context.seLinuxChangePolicy, ['MountOption', 'Recursive']),
    ...validateSysctls(context.sysctls ?? [], hostNetwork === true, spec.hostIPC === true, `${field}.sysctls`),
    ...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`),
    ...validateAppArmor(context.appArmorProfile, `${field}.appArmorProfile`),
  ];
  if (shareProcessNamespace && hostPID) errors.push(invalid(`${field}.shareProcessNamespace`, true, 'ShareProcessNamespace and HostPID cannot both be enabled'));
  return errors;
}

function validateSysctls(sysctls: readonly { name?: string | undefined }[], hostNetwork: boolean, hostIPC: boolean, field: string): FieldError[] {
  const seen = new Set<string>();
  return sysctls.flatMap(({ name = '' }, index) => {
    const at = `${field}[${index}].name`;
    const errors: FieldError[] = [];
    if (name === '') return [required(at)];
    if (name.length > 253 || !sysctlName.test(name)) {
      errors.push(invalid(at, name, 'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$'));
    } else if (seen.has(name)) {
      errors.push(duplicate(at, name));
    }
    seen.add(name);
    const dotted = name.replaceAll('/', '.');
    if (hostNetwork && dotted.startsWith('net.')) errors.push(invalid(at, name, 'may not be specified when \'hostNetwork\' is true'));
    if (hostIPC && (dotted.startsWith('kernel.shm') || dotted.startsWith('kernel.msg') || dotted === 'kernel.sem' || dotted.startsWith('fs.mqueue.'))) {
      errors.push(invalid(at, name, 'may not be specified when \'hostIPC\' is true'));
    }
    return errors;
  });
}

export function validateSecurityContext(context: SecurityContext | undefined, field: string, hostUsers: boolean | undefined): FieldError[] {
  if (!context) return [];
  const errors: FieldError[] = [
    ...inRange(`${field}.runAsUser`, context.runAsUser, 0, greatestId),
    ...inRange(`${field}.runAsGroup`, context.runAsGroup, 0, greatestId),
    ...validateSeccomp(context.seccompProfile, `${field}.seccompProfile`),
    ...validateAppArmor(context.appArmorProfile, `${field}.appArmorProfile`),
    ...oneOfIfSet(`${field}.procMount`, context.procMount, ['Default', 'Unmasked']),
  ];
  if (context.procMount === 'Unmasked' && hostUsers !== false) errors.push(invalid(`${field}.procMount`, context.procMount, '`hostUsers` must be false to use `Unmasked`'));
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) errors.push(invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true'));
    if (context.capabilities?.add?.some((name) => name === 'CAP_SYS_ADMIN' || name === 'SYS_ADMIN')) {
      errors.push(invalid(field, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN'));
    }
  }
  return errors;
}

function validateSeccomp(profile: SeccompProfile | undefined, field: string): FieldError[] {
  return profile ? validateProfile(profile, 'seccomp', ['Localhost', 'RuntimeDefault', 'Unconfined'], field) : [];
}

function validateAppArmor(profile: AppArmorProfile | undefined, field: string): FieldError[] {
  return profile ? validateProfile(profile, 'AppArmor', ['Localhost', 'RuntimeDefault', 'Unconfined'], field) : [];
}

function validateProfile({ type, localhostProfile }: SeccompProfile, what: string, types: readonly string[], field: string): FieldError[] {
  const errors = oneOf(`${field}.type`, type, types).map((error) => (error.type === 'Required' ? required(`${field}.type`, 'type is required when profile is set') : error));
  const at = `${field}.localhostProfile`;
  if (type === 'Localhost') {
    if (!localhostProfile) errors.push(required(at, `must be set when ${what} type is Localhost`));
    else if (escapesDirectory(localhostProfile)) errors.push(invalid(at, localhostProfile, 'must be a relative path without \'..\''));
  } else if (localhostProfile !== undefined) {
    errors.push(invalid(at, localhostProfile, `can only be set when ${what} type is Localhost`));
  }
  return errors;
}

/** The operating system a pod is written for, when it says one. */
export function validateOs(os: { name?: string | undefined } | undefined, field: string): FieldError[] {
  if (!os) return [];
  if (!os.name) return [required(`${field}.name`)];
  return os.name === 'linux' || os.name === 'windows' ? [] : [notSupported(`${field}.name`, os.name, ['linux', 'windows'])];
}

export function forbidHostUsers(spec: PodSpec, field: string): FieldError[] {
  if (spec.hostUsers !== false) return [];
  return (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((member) => spec[member]).map((member) => forbidden(`${field}.${member}`, 'when `hostUsers` is false'));
}
