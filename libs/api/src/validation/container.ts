import type { Container, ContainerPort, ContainerResizePolicy, PodSpec, VolumeDevice, VolumeMount } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isSidecar } from '../pod/requests';
import type { FieldError } from '../resource';
import { validateEnv, validateEnvFrom } from './env';
import { duplicate, forbidden, inRange, invalid, invalidEach, notFound, notSupported, oneOf, required } from './field-error';
import { ip } from './ip';
import { dnsLabel, portName, portNumber } from './names';
import { localPath } from './paths';
import { validateLifecycle, validateProbe, type ProbeKind } from './probe';
import { validateResources } from './resources';
import { validateSecurityContext } from './security-context';

/** What a container is checked against. */
export interface ContainerScope {
  readonly spec: PodSpec;
  readonly volumes: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
}

const probes: readonly ProbeKind[] = ['livenessProbe', 'readinessProbe', 'startupProbe'];

/** The rules that all kinds of containers share. */
export function validateContainer(container: Container, scope: ContainerScope, field: string): FieldError[] {
  const { name = '', image = '' } = container;
  return [
    ...(name === '' ? [required(`${field}.name`)] : invalidEach(`${field}.name`, name, dnsLabel(name))),
    ...(image === '' ? [required(`${field}.image`)] : image !== image.trim() ? [invalid(`${field}.image`, image, 'must not have leading or trailing whitespace')] : []),
    ...oneOf(`${field}.terminationMessagePolicy`, container.terminationMessagePolicy, ['File', 'FallbackToLogsOnError']),
    ...oneOf(`${field}.imagePullPolicy`, container.imagePullPolicy, ['Always', 'IfNotPresent', 'Never']),
    ...validatePorts(container.ports ?? [], `${field}.ports`),
    ...validateEnv(container.env ?? [], `${field}.env`),
    ...validateEnvFrom(container.envFrom ?? [], `${field}.envFrom`),
    ...validateMounts(container, scope.volumes, `${field}.volumeMounts`),
    ...validateDevices(container.volumeDevices ?? [], container.volumeMounts ?? [], scope.volumes, `${field}.volumeDevices`),
    ...validateResources(container.resources, `${field}.resources`, scope.claims),
    ...validateResizePolicy(container.resizePolicy ?? [], `${field}.resizePolicy`),
    ...validateSecurityContext(container.securityContext, `${field}.securityContext`, scope.spec.hostUsers),
  ];
}

/** Probes, hooks and restart rules: what runs beside the pod's other containers may have them. */
export function validateBehaviour(container: Container, scope: ContainerScope, field: string): FieldError[] {
  return [
    ...validateLifecycle(container.lifecycle, scope.spec.terminationGracePeriodSeconds ?? 0, `${field}.lifecycle`),
    ...probes.flatMap((kind) => validateProbe(container[kind], kind, `${field}.${kind}`)),
  ];
}

export function validateInitContainer(container: Container, scope: ContainerScope, field: string): FieldError[] {
  const errors = validateContainer(container, scope, field);
  if (isSidecar(container)) return [...errors, ...validateBehaviour(container, scope, field), ...validateRestart(container, field)];
  for (const member of ['lifecycle', ...probes] as const) {
    if (container[member]) errors.push(forbidden(`${field}.${member}`, 'may not be set for init containers without restartPolicy=Always'));
  }
  return [...errors, ...validateRestart(container, field)];
}

/** A container's own restart policy and rules (KEP-5307). */
export function validateRestart({ restartPolicy, restartPolicyRules = [] }: Container, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (restartPolicy !== undefined && !['Always', 'Never', 'OnFailure'].includes(restartPolicy)) {
    errors.push(notSupported(`${field}.restartPolicy`, restartPolicy, ['Always', 'Never', 'OnFailure']));
  }
  if (restartPolicyRules.length > 0 && restartPolicy === undefined) errors.push(required(`${field}.restartPolicy`, 'must specify restartPolicy when restart rules are used'));
  if (restartPolicyRules.length > 20) errors.push({ type: 'TooMany', field: `${field}.restartPolicyRules`, message: `Too many: ${restartPolicyRules.length}: must have at most 20 items` });
  for (const [index, { action, exitCodes }] of restartPolicyRules.entries()) {
    const at = `${field}.restartPolicyRules[${index}]`;
    errors.push(...oneOf(`${at}.action`, action, ['Restart', 'RestartAllContainers']));
    if (!exitCodes) {
      errors.push(required(`${at}.exitCodes`, 'must be specified'));
      continue;
    }
    errors.push(...oneOf(`${at}.exitCodes.operator`, exitCodes.operator, ['In', 'NotIn']));
    if (!exitCodes.values?.length) errors.push(required(`${at}.exitCodes.values`, 'must specify at least one exit code'));
    for (const [position, code] of (exitCodes.values ?? []).entries()) errors.push(...inRange(`${at}.exitCodes.values[${position}]`, code, 0, 255));
  }
  return errors;
}

function validatePorts(ports: readonly ContainerPort[], field: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, containerPort = 0, hostPort, hostIP, protocol }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (name !== undefined) {
      const complaints = portName(name);
      errors.push(...invalidEach(`${at}.name`, name, complaints));
      if (complaints.length === 0 && names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (containerPort === 0) errors.push(required(`${at}.containerPort`));
    else errors.push(...invalidEach(`${at}.containerPort`, containerPort, portNumber(containerPort)));
    if (hostPort !== undefined && hostPort !== 0) errors.push(...invalidEach(`${at}.hostPort`, hostPort, portNumber(hostPort)));
    if (hostIP !== undefined) errors.push(...invalidEach(`${at}.hostIP`, hostIP, ip(hostIP)));
    return [...errors, ...oneOf(`${at}.protocol`, protocol, ['SCTP', 'TCP', 'UDP'])];
  });
}

function validateMounts({ volumeMounts = [], securityContext, volumeDevices = [] }: Container, volumes: ReadonlySet<string>, field: string): FieldError[] {
  const paths = new Set<string>();
  const devices = new Set(volumeDevices.map(({ devicePath }) => devicePath));
  return volumeMounts.flatMap((mount, index) => {
    const at = `${field}[${index}]`;
    const { name = '', mountPath = '' } = mount;
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(`${at}.name`));
    else if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name));
    if (mountPath === '') errors.push(required(`${at}.mountPath`));
    else if (paths.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'));
    if (devices.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, `must not already exist as a path in volumeDevices`));
    paths.add(mountPath);
    return [...errors, ...validateMountOptions(mount, securityContext?.privileged === true, at)];
  });
}

function validateMountOptions({ subPath, subPathExpr, mountPropagation, readOnly, recursiveReadOnly }: VolumeMount, privileged: boolean, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (subPath) errors.push(...invalidEach(`${field}.subPath`, subPath, localPath(subPath)));
  if (subPathExpr) {
    if (subPath) errors.push(invalid(`${field}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
    errors.push(...invalidEach(`${field}.subPathExpr`, subPathExpr, localPath(subPathExpr)));
  }
  if (mountPropagation !== undefined) {
    const modes = ['Bidirectional', 'HostToContainer', 'None'];
    if (!modes.includes(mountPropagation)) errors.push(notSupported(`${field}.mountPropagation`, mountPropagation, modes));
    else if (mountPropagation === 'Bidirectional' && !privileged) errors.push(forbidden(`${field}.mountPropagation`, 'Bidirectional mount propagation is available only to privileged containers'));
  }
  if (recursiveReadOnly !== undefined) {
    const modes = ['Disabled', 'Enabled', 'IfPossible'];
    if (!modes.includes(recursiveReadOnly)) errors.push(notSupported(`${field}.recursiveReadOnly`, recursiveReadOnly, modes));
    else if (recursiveReadOnly !== 'Disabled' && !readOnly) errors.push(forbidden(`${field}.recursiveReadOnly`, 'may only be specified when readOnly is true'));
  }
  return errors;
}

function validateDevices(devices: readonly VolumeDevice[], mounts: readonly VolumeMount[], volumes: ReadonlySet<string>, field: string): FieldError[] {
  const seen = new Set<string>();
  const mounted = new Set(mounts.map(({ name }) => name));
  return devices.flatMap(({ name = '', devicePath = '' }, index) => {
    const at = `${field}[${index}]`;
    const errors: FieldError[] = [];
    if (name === '') errors.push(required(`${at}.name`));
    else if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name));
    if (mounted.has(name)) errors.push(invalid(`${at}.name`, name, 'must not already exist in volumeMounts'));
    if (devicePath === '') errors.push(required(`${at}.devicePath`));
    else if (seen.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'));
    else if (devicePath.split('/').includes('..')) errors.push(invalid(`${at}.devicePath`, devicePath, "must not contain '..'"));
    seen.add(devicePath);
    return errors;
  });
}

function validateResizePolicy(policies: readonly ContainerResizePolicy[], field: string): FieldError[] {
  const seen = new Set<string>();
  return policies.flatMap(({ resourceName = '', restartPolicy }, index) => {
    const at = `${field}[${index}]`;
    const errors = [...oneOf(`${at}.resourceName`, resourceName, ['cpu', 'memory']), ...oneOf(`${at}.restartPolicy`, restartPolicy, ['NotRequired', 'RestartContainer'])];
    if (seen.has(resourceName)) errors.push(duplicate(at, resourceName));
    seen.add(resourceName);
    return errors;
  });
}
