import type { Service, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource, statusStrategy } from '../../define-resource';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { Resource } from '../../resource';
import { intOrString, intOrStringValue } from '../../scalars/int-or-string';
import { dns1035Label } from '../../validation/names';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { hasNodePorts, isExternallyAccessible, needsHealthCheck, validateServiceSpec, validateServiceStatus, validateServiceUpdate } from '../../validation/service';
import { ageColumn, nameColumn } from '../columns';
import { labelsCell } from '../workload-columns';

const meta = { namespaced: true, name: dns1035Label };
const lifecycle = statusOnly<Service>();
const affinitySeconds = 10_800;

function setDefaults(service: Service): void {
  const spec = (service.spec ??= {});
  spec.sessionAffinity ??= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') ((spec.sessionAffinityConfig ??= {}).clientIP ??= {}).timeoutSeconds ??= affinitySeconds;
  spec.type ??= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ??= 'TCP';
    const target = intOrStringValue(port.targetPort);
    if (target === 0 || target === '') port.targetPort = intOrString(port.port ?? 0);
  }
  if (isExternallyAccessible(spec)) spec.externalTrafficPolicy ??= 'Cluster';
  if (['NodePort', 'LoadBalancer', 'ClusterIP'].includes(spec.type)) spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
  }
}

function prepareForCreate(service: Service): void {
  lifecycle.prepareForCreate(service);
  service.status = { loadBalancer: {} };
  const spec = (service.spec ??= {});
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
}

function prepareForUpdate(next: Service, previous: Service): void {
  lifecycle.prepareForUpdate(next, previous);
  const [after, before] = [next.spec ??= {}, previous.spec ?? {}];
  dropTypeDependent(after, before);
  keepAllocated(after, before);
  alignClusterIPs(after, before);
}

/** What only the old type had goes with it, unless the update asks for something of its own. */
function dropTypeDependent(after: ServiceSpec, before: ServiceSpec): void {
  const drop = (members: readonly (keyof ServiceSpec)[]): void => {
    for (const member of members) if (deepEqual(after[member], before[member])) delete after[member];
  };
  if (after.type === 'ExternalName' && before.type !== 'ExternalName') drop(['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy']);
  if (!hasNodePorts(after) && hasNodePorts(before)) dropNodePorts(after, before);
  if (needsHealthCheck(before) && !needsHealthCheck(after)) drop(['healthCheckNodePort']);
  if (before.type === 'LoadBalancer' && after.type !== 'LoadBalancer') drop(['allocateLoadBalancerNodePorts', 'loadBalancerClass']);
  if (isExternallyAccessible(before) && !isExternallyAccessible(after)) drop(['externalTrafficPolicy']);
}

function dropNodePorts(after: ServiceSpec, before: ServiceSpec): void {
  const old = new Set((before.ports ?? []).map(({ nodePort }) => nodePort));
  for (const port of after.ports ?? []) if (old.has(port.nodePort)) delete port.nodePort;
}

/** A client that leaves out what was allocated (kubectl replace, client-side apply) keeps it. */
function keepAllocated(after: ServiceSpec, before: ServiceSpec): void {
  if (after.type !== 'ExternalName' && before.type !== 'ExternalName' && !after.clusterIP && !after.clusterIPs?.length) {
    after.clusterIP = before.clusterIP;
    after.clusterIPs = before.clusterIPs;
  }
  if (after.type !== 'ExternalName' && before.type !== 'ExternalName') {
    if (!after.ipFamilies?.length) after.ipFamilies = before.ipFamilies;
    after.ipFamilyPolicy ??= before.ipFamilyPolicy;
  }
  if (hasNodePorts(after) && hasNodePorts(before)) keepNodePorts(after, before);
  if (needsHealthCheck(after) && needsHealthCheck(before)) after.healthCheckNodePort ??= before.healthCheckNodePort;
}

function keepNodePorts(after: ServiceSpec, before: ServiceSpec): void {
  const taken = new Set((after.ports ?? []).map(({ nodePort }) => nodePort));
  for (const port of after.ports ?? []) {
    const old = before.ports?.find((one) => one.port === port.port && one.protocol === port.protocol);
    if (!port.nodePort && old?.nodePort && !taken.has(old.nodePort)) port.nodePort = old.nodePort;
  }
}

/** Clients of either field need not know the other one: who changes one changes both. */
function alignClusterIPs(after: ServiceSpec, before: ServiceSpec): void {
  if (after.clusterIP === before.clusterIP) return;
  const listUnchanged = deepEqual(after.clusterIPs, before.clusterIPs) || !after.clusterIPs?.length;
  if (listUnchanged) after.clusterIPs = after.clusterIP ? [after.clusterIP] : undefined;
}

function externalText({ spec = {}, status }: Service): string {
  const addresses = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ClusterIP': case 'NodePort': return addresses.join(',') || '<none>';
    case 'ExternalName': return spec.externalName ?? '';
    case 'LoadBalancer': {
      const balancers = new Set((status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '').filter((text) => text !== ''));
      return [...[...balancers].sort(), ...addresses].join(',') || '<pending>';
    }
    default: return '<unknown>';
  }
}

function portsText({ spec }: Service): string {
  return (spec?.ports ?? []).map(({ port = 0, nodePort, protocol = '' }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`).join(',') || '<none>';
}

const columns: Resource<Service>['columns'] = [
  nameColumn,
  { name: 'Type', type: 'string', description: 'How the service is exposed.', value: ({ spec }) => spec?.type ?? '' },
  { name: 'Cluster-IP', type: 'string', description: 'Its address inside the cluster.', value: ({ spec }) => spec?.clusterIPs?.[0] ?? '<none>' },
  { name: 'External-IP', type: 'string', description: 'Its addresses outside the cluster.', value: externalText },
  { name: 'Port(s)', type: 'string', description: 'Its ports, with those on the nodes.', value: portsText },
  ageColumn,
  { name: 'Selector', type: 'string', priority: 1, description: 'Labels of the pods behind it.', value: ({ spec }) => labelsCell(spec?.selector) },
];

/** Families, addresses and node ports are the server's to give, because they depend on its ranges; here they are kept and judged. */
export const services = defineResource<Service>({
  group: '', version: 'v1', kind: 'Service', plural: 'services', shortNames: ['svc'], categories: ['all'], namespaced: true,
  subresources: ['proxy', 'status'],
  codec: codecFor<Service>('k8s.io.api.core.v1.Service'),
  setDefaults, prepareForCreate, prepareForUpdate,
  validateCreate: (service) => [...validateMeta(service, meta), ...validateServiceSpec(service.spec ?? {})],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateServiceUpdate(next, previous), ...validateServiceSpec(next.spec ?? {})],
  status: statusStrategy((next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateServiceStatus(next)]),
  fieldSelectors: {
    'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '',
    'spec.type': ({ spec }) => spec?.type ?? '',
  },
  columns,
});

