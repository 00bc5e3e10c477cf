import type { Container, EphemeralContainer, HostAlias, PodDNSConfig, PodResourceClaim, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { validateBehaviour, validateContainer, validateInitContainer, validateRestart, type ContainerScope } from './container';
import { duplicate, forbidden, inRange, invalid, invalidEach, notFound, oneOf, required } from './field-error';
import { ip } from './ip';
import { dnsLabel, dnsSubdomain, qualifiedName } from './names';
import { validateList, validateResources } from './resources';
import { validatePriority, validateScheduling } from './scheduling';
import { forbidHostUsers, validateOs, validatePodSecurity } from './security-context';
import { validateVolumes } from './volumes';

const greatestInt32 = 2 ** 31 - 1;

/** A pod's spec, or a template's. Defaults must have been set. */
export function validatePodSpec(spec: PodSpec, field: string): FieldError[] {
  const scope: ContainerScope = {
    spec,
    volumes: new Set((spec.volumes ?? []).flatMap(({ name }) => name ?? [])),
    claims: new Set((spec.resourceClaims ?? []).flatMap(({ name }) => name ?? [])),
  };
  return [
    ...validateVolumes(spec.volumes ?? [], `${field}.volumes`),
    ...validateContainers(spec, scope, field),
    ...oneOf(`${field}.restartPolicy`, spec.restartPolicy, ['Always', 'OnFailure', 'Never']),
    ...validateDns(spec, field),
    ...validateScheduling(spec, field),
    ...validatePriority(spec, field),
    ...validatePodSecurity(spec, `${field}.securityContext`),
    ...forbidHostUsers(spec, field),
    ...validateNames(spec, field),
    ...validateHostAliases(spec.hostAliases ?? [], `${field}.hostAliases`),
    ...validateLimits(spec, scope, field),
    ...validateClaims(spec.resourceClaims ?? [], `${field}.resourceClaims`),
    ...validateOs(spec.os, `${field}.os`),
  ];
}

function validateContainers(spec: PodSpec, scope: ContainerScope, field: string): FieldError[] {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec;
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  const unique = (list: string, index: number, name: string | undefined): FieldError[] => {
    if (!name) return [];
    const taken = names.has(name);
    names.add(name);
    return taken ? [duplicate(`${field}.${list}[${index}].name`, name)] : [];
  };
  const errors = containers.length === 0 ? [required(`${field}.containers`)] : [];
  for (const [index, container] of containers.entries()) {
    const at = `${field}.containers[${index}]`;
    errors.push(...unique('containers', index, container.name), ...validateContainer(container, scope, at));
    errors.push(...validateBehaviour(container, scope, at), ...validateRestart(container, at), ...validateHostPorts(container, spec, hostPorts, at));
  }
  for (const [index, container] of initContainers.entries()) {
    const at = `${field}.initContainers[${index}]`;
    // An init container's host port is free again when the others start.
    errors.push(...unique('initContainers', index, container.name), ...validateInitContainer(container, scope, at), ...validateHostPorts(container, spec, new Set(), at));
  }
  for (const [index, container] of ephemeralContainers.entries()) {
    errors.push(...unique('ephemeralContainers', index, container.ephemeralContainerCommon?.name), ...validateEphemeral(container, scope, `${field}.ephemeralContainers[${index}]`));
  }
  return errors;
}

/** One address, protocol and host port belong to one container; on the host's network, both ports are the same. */
function validateHostPorts({ ports = [] }: Container, { hostNetwork }: PodSpec, taken: Set<string>, field: string): FieldError[] {
  return ports.flatMap(({ hostPort, hostIP = '', protocol = '', containerPort }, index) => {
    if (!hostPort) return [];
    const at = `${field}.ports[${index}]`;
    const identity = `${protocol}/${hostIP}/${hostPort}`;
    const errors = taken.has(identity) ? [duplicate(`${at}.hostPort`, identity)] : [];
    taken.add(identity);
    if (hostNetwork && hostPort !== containerPort) errors.push(invalid(`${at}.containerPort`, containerPort, 'must match `hostPort` when `hostNetwork` is true'));
    return errors;
  });
}

const notEphemeral = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resources', 'resizePolicy', 'restartPolicy'] as const;

/** Ephemeral containers come and stay without promises: nothing that scheduling or health rests on. */
function validateEphemeral({ ephemeralContainerCommon: container, targetContainerName }: EphemeralContainer, scope: ContainerScope, field: string): FieldError[] {
  const errors = validateContainer(container ?? {}, scope, field);
  for (const member of notEphemeral) {
    if (container?.[member] !== undefined) errors.push(forbidden(`${field}.${member}`, 'cannot be set for an Ephemeral Container'));
  }
  for (const [index, { subPath, subPathExpr }] of (container?.volumeMounts ?? []).entries()) {
    if (subPath) errors.push(forbidden(`${field}.volumeMounts[${index}].subPath`, 'cannot be set for an Ephemeral Container'));
    if (subPathExpr) errors.push(forbidden(`${field}.volumeMounts[${index}].subPathExpr`, 'cannot be set for an Ephemeral Container'));
  }
  const all = [...(scope.spec.containers ?? []), ...(scope.spec.initContainers ?? [])];
  if (targetContainerName && !all.some(({ name }) => name === targetContainerName)) errors.push(notFound(`${field}.targetContainerName`, targetContainerName));
  return errors;
}

const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

function validateDns({ dnsPolicy, dnsConfig }: PodSpec, field: string): FieldError[] {
  const errors = oneOf(`${field}.dnsPolicy`, dnsPolicy, dnsPolicies);
  if (dnsPolicy === 'None' && !dnsConfig) errors.push(required(`${field}.dnsConfig`, 'must provide `dnsConfig` when `dnsPolicy` is None'));
  else if (dnsPolicy === 'None' && !dnsConfig?.nameservers?.length) errors.push(required(`${field}.dnsConfig.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
  return dnsConfig ? [...errors, ...validateDnsConfig(dnsConfig, `${field}.dnsConfig`)] : errors;
}

function validateDnsConfig({ nameservers = [], searches = [], options = [] }: PodDNSConfig, field: string): FieldError[] {
  const errors = nameservers.flatMap((address, index) => invalidEach(`${field}.nameservers[${index}]`, address, ip(address)));
  if (nameservers.length > 3) errors.push(invalid(`${field}.nameservers`, nameservers, 'must not have more than 3 nameservers'));
  if (searches.length > 32) errors.push(invalid(`${field}.searches`, searches, 'must not have more than 32 search paths'));
  if (searches.join(' ').length > 2048) errors.push(invalid(`${field}.searches`, searches, 'must not have more than 2048 characters (including spaces) in the search list'));
  // "." and names with a trailing dot and underscores are fine in a resolver's list.
  errors.push(...searches.flatMap((search, index) => (search === '.' ? [] : invalidEach(`${field}.searches[${index}]`, search, dnsSubdomain(search.replace(/\.$/, '').replaceAll('_', '-'))))));
  return [...errors, ...options.flatMap(({ name }, index) => (name ? [] : [required(`${field}.options[${index}]`, 'must not be empty')]))];
}

function validateNames(spec: PodSpec, field: string): FieldError[] {
  const { nodeName, serviceAccountName, hostname, subdomain, schedulerName, runtimeClassName, hostnameOverride, readinessGates = [], imagePullSecrets = [] } = spec;
  const check = (member: string, value: string | undefined, complaints: (value: string) => string[]): FieldError[] =>
    (value ? invalidEach(`${field}.${member}`, value, complaints(value)) : []);
  return [
    ...check('nodeName', nodeName, dnsSubdomain), ...check('serviceAccountName', serviceAccountName, dnsSubdomain),
    ...check('hostname', hostname, dnsLabel), ...check('subdomain', subdomain, dnsLabel),
    ...check('schedulerName', schedulerName, qualifiedName), ...check('runtimeClassName', runtimeClassName, dnsSubdomain),
    ...check('hostnameOverride', hostnameOverride, (value) => (value.length > 64 ? ['must be no more than 64 bytes'] : dnsSubdomain(value))),
    ...(hostnameOverride && spec.hostNetwork ? [forbidden(`${field}.hostnameOverride`, 'may not be specified when hostNetwork is true')] : []),
    ...readinessGates.flatMap(({ conditionType = '' }, index) => invalidEach(`${field}.readinessGates[${index}].conditionType`, conditionType, qualifiedName(conditionType))),
    ...imagePullSecrets.flatMap(({ name }, index) => (name ? [] : [required(`${field}.imagePullSecrets[${index}].name`)])),
  ];
}

function validateHostAliases(aliases: readonly HostAlias[], field: string): FieldError[] {
  return aliases.flatMap(({ ip: address = '', hostnames = [] }, index) => [
    ...invalidEach(`${field}[${index}].ip`, address, ip(address)),
    ...hostnames.flatMap((name) => invalidEach(`${field}[${index}].hostnames`, name, dnsSubdomain(name))),
  ]);
}

function validateLimits(spec: PodSpec, scope: ContainerScope, field: string): FieldError[] {
  const { activeDeadlineSeconds, overhead, resources } = spec;
  return [
    ...inRange(`${field}.activeDeadlineSeconds`, activeDeadlineSeconds, 1, greatestInt32),
    ...(overhead ? validateList(overhead, `${field}.overhead`) : []),
    ...validateResources(resources, `${field}.resources`, scope.claims, true),
    ...(resources?.claims?.length ? [forbidden(`${field}.resources.claims`, 'claims cannot be set for Resources at pod-level')] : []),
  ];
}

function validateClaims(claims: readonly PodResourceClaim[], field: string): FieldError[] {
  const seen = new Set<string>();
  return claims.flatMap(({ name = '', resourceClaimName, resourceClaimTemplateName }, index) => {
    const at = `${field}[${index}]`;
    const errors = name === '' ? [required(`${at}.name`)] : invalidEach(`${at}.name`, name, dnsLabel(name));
    if (seen.has(name)) errors.push(duplicate(`${at}.name`, name));
    seen.add(name);
    if (!resourceClaimName && !resourceClaimTemplateName) errors.push(invalid(at, { name }, 'must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'));
    if (resourceClaimName && resourceClaimTemplateName) errors.push(invalid(at, { name }, 'at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified'));
    for (const [member, value] of [['resourceClaimName', resourceClaimName], ['resourceClaimTemplateName', resourceClaimTemplateName]] as const) {
      if (value) errors.push(...invalidEach(`${at}.${member}`, value, dnsSubdomain(value)));
    }
    return errors;
  });
}
