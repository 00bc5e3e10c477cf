import type { Service, ServicePort, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { intOrStringValue } from '../scalars/int-or-string';
import { duplicate, forbidden, invalid, invalidEach, notSupported, oneOf, oneOfIfSet, required } from './field-error';
import { cidr, ip } from './ip';
import { dnsLabel, dnsSubdomain, portName, portNumber, qualifiedName } from './names';
import { validateLabels } from './object-meta';
import { validateClusterIPs } from './service-addresses';
import { nonSpecialIp } from './special-ip';

export const isHeadless = ({ clusterIPs, clusterIP }: ServiceSpec): boolean => (clusterIPs?.[0] ?? clusterIP) === 'None';

/** Reachable at an address or port of the world outside, where external traffic has a policy. */
export function isExternallyAccessible({ type, externalIPs = [] }: ServiceSpec): boolean {
  return type === 'LoadBalancer' || type === 'NodePort' || (type === 'ClusterIP' && externalIPs.length > 0);
}

export const hasNodePorts = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';

export function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

/** A service's spec, its defaults set. Addresses and node ports may still be missing: they are allocated, not defaulted. */
export function validateServiceSpec(spec: ServiceSpec): FieldError[] {
  const { ports = [], type, selector, externalIPs = [] } = spec;
  return [
    ...(ports.length === 0 && !isHeadless(spec) && type !== 'ExternalName' ? [required('spec.ports')] : []),
    ...validateType(spec),
    ...validatePorts(ports, type),
    ...validateLabels(selector, 'spec.selector'),
    ...validateAffinity(spec),
    ...validateClusterIPs(spec),
    ...externalIPs.flatMap((address, index) => nonSpecialIp(`spec.externalIPs[${index}]`, address)),
    ...validateLoadBalancing(spec), ...validateTraffic(spec),
  ];
}

function validateType(spec: ServiceSpec): FieldError[] {
  const { type, ports = [] } = spec;
  const headless = (): FieldError[] => (isHeadless(spec) ? [invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${type ?? ''} services`)] : []);
  switch (type) {
    case 'LoadBalancer':
      return [...ports.flatMap(({ port }, index) => (port === 10250 ? [invalid(`spec.ports[${index}]`, port, 'may not expose port 10250 externally since it is used by kubelet')] : [])), ...headless()];
    case 'NodePort': return headless();
    case 'ExternalName': return validateExternalName(spec);
    default: return oneOf('spec.type', type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']);
  }
}

function validateExternalName({ clusterIPs = [], ipFamilies = [], ipFamilyPolicy, externalName = '' }: ServiceSpec): FieldError[] {
  const no = (member: string, set: boolean): FieldError[] => (set ? [forbidden(`spec.${member}`, 'may not be set for ExternalName services')] : []);
  const name = externalName.replace(/\.$/, '');
  return [
    ...no('clusterIPs', clusterIPs.length > 0), ...no('ipFamilies', ipFamilies.length > 0), ...no('ipFamilyPolicy', ipFamilyPolicy !== undefined),
    ...(name === '' ? [required('spec.externalName')] : invalidEach('spec.externalName', name, dnsSubdomain(name))),
  ];
}

function validatePorts(ports: readonly ServicePort[], type: string | undefined): FieldError[] {
  const names = new Set<string>();
  const numbers = new Set<string>();
  const nodePorts = new Set<string>();
  return ports.flatMap((port, index) => {
    const at = `spec.ports[${index}]`;
    const { name = '', protocol = '', port: number = 0, nodePort = 0 } = port;
    const errors = validatePort(port, ports.length > 1, at);
    if (names.has(name) && name !== '') errors.push(duplicate(`${at}.name`, name));
    if (nodePort !== 0 && type === 'ClusterIP') errors.push(forbidden(`${at}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
    if (nodePort !== 0 && nodePorts.has(`${protocol}/${nodePort}`)) errors.push(duplicate(`${at}.nodePort`, nodePort));
    if (numbers.has(`${protocol}/${number}`)) errors.push(duplicate(at, { protocol, port: number }));
    names.add(name);
    numbers.add(`${protocol}/${number}`);
    nodePorts.add(`${protocol}/${nodePort}`);
    return errors;
  });
}

function validatePort({ name = '', port = 0, protocol, targetPort, appProtocol }: ServicePort, needsName: boolean, field: string): FieldError[] {
  const target = intOrStringValue(targetPort);
  return [
    ...(name !== '' ? invalidEach(`${field}.name`, name, dnsLabel(name)) : needsName ? [required(`${field}.name`)] : []),
    ...invalidEach(`${field}.port`, port, portNumber(port)),
    ...oneOf(`${field}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']),
    ...invalidEach(`${field}.targetPort`, target, typeof target === 'string' ? portName(target) : portNumber(target)),
    ...(appProtocol === undefined ? [] : invalidEach(`${field}.appProtocol`, appProtocol, qualifiedName(appProtocol))),
  ];
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig: config }: ServiceSpec): FieldError[] {
  const field = 'spec.sessionAffinityConfig';
  const errors = oneOf('spec.sessionAffinity', sessionAffinity, ['ClientIP', 'None']);
  if (sessionAffinity === 'None') return config ? [forbidden(field, 'must not be set when session affinity is None')] : [];
  if (sessionAffinity !== 'ClientIP') return errors;
  const reason = 'when session affinity type is ClientIP';
  if (!config) return [required(field, reason)];
  if (!config.clientIP) return [required(`${field}.clientIP`, reason)];
  const { timeoutSeconds } = config.clientIP;
  if (timeoutSeconds === undefined) return [required(`${field}.clientIP.timeoutSeconds`, reason)];
  return timeoutSeconds > 0 && timeoutSeconds <= 86_400 ? [] : [invalid(`${field}.clientIP.timeoutSeconds`, timeoutSeconds, 'must be greater than 0 and less than 86400')];
}

function validateLoadBalancing({ type, loadBalancerSourceRanges: ranges = [], allocateLoadBalancerNodePorts, loadBalancerClass }: ServiceSpec): FieldError[] {
  const only = (member: string, set: boolean): FieldError[] => (set && type !== 'LoadBalancer' ? [forbidden(`spec.${member}`, "may only be used when `type` is 'LoadBalancer'")] : []);
  return [
    ...only('LoadBalancerSourceRanges', ranges.length > 0),
    ...ranges.flatMap((range, index) => invalidEach(`spec.LoadBalancerSourceRanges[${index}]`, range, cidr(range.trim()))),
    ...only('allocateLoadBalancerNodePorts', allocateLoadBalancerNodePorts !== undefined),
    ...only('loadBalancerClass', loadBalancerClass !== undefined),
    ...(loadBalancerClass === undefined ? [] : invalidEach('spec.loadBalancerClass', loadBalancerClass, qualifiedName(loadBalancerClass))),
  ];
}

function validateTraffic(spec: ServiceSpec): FieldError[] {
  const { externalTrafficPolicy: external, internalTrafficPolicy: internal, healthCheckNodePort, type, trafficDistribution } = spec;
  const errors: FieldError[] = [];
  if (isExternallyAccessible(spec)) errors.push(...oneOf('spec.externalTrafficPolicy', external, ['Cluster', 'Local']));
  else if (external) errors.push(invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'));
  if (healthCheckNodePort) {
    errors.push(...(needsHealthCheck(spec) ? invalidEach('spec.healthCheckNodePort', healthCheckNodePort, portNumber(healthCheckNodePort))
      : [invalid('spec.healthCheckNodePort', healthCheckNodePort, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")]));
  }
  if (internal === undefined && type !== 'ExternalName') errors.push(required('spec.internalTrafficPolicy'));
  errors.push(...oneOfIfSet('spec.internalTrafficPolicy', internal, ['Cluster', 'Local']));
  return [...errors, ...oneOfIfSet('spec.trafficDistribution', trafficDistribution, ['PreferClose', 'PreferSameNode', 'PreferSameZone'])];
}

/** What an update may not change: addresses once given, and what a load balancer was made with. */
export function validateServiceUpdate(next: Service, previous: Service): FieldError[] {
  const [after, before] = [next.spec ?? {}, previous.spec ?? {}];
  const once = (field: string, value: unknown): FieldError => invalid(field, value, 'may not change once set');
  const errors: FieldError[] = [];
  if (after.type !== 'ExternalName' && before.type !== 'ExternalName') {
    for (const list of ['clusterIPs', 'ipFamilies'] as const) {
      const [now, was] = [after[list] ?? [], before[list] ?? []];
      if (was[0] !== undefined && now[0] === undefined) errors.push(invalid(`spec.${list}[0]`, now, `primary ${list === 'clusterIPs' ? 'clusterIP' : 'ipFamily'} can not be unset`));
      else if (was[0] !== undefined && now[0] !== was[0]) errors.push(once(`spec.${list}[0]`, list === 'clusterIPs' ? now : now[0]));
      if (was[1] !== undefined && now[1] !== undefined && now[1] !== was[1]) errors.push(once(`spec.${list}[1]`, list === 'clusterIPs' ? now : now[1]));
    }
  }
  const bothBalanced = after.type === 'LoadBalancer' && before.type === 'LoadBalancer';
  if (bothBalanced && after.loadBalancerClass !== before.loadBalancerClass) errors.push(once('spec.loadBalancerClass', after.loadBalancerClass));
  if (needsHealthCheck(after) && needsHealthCheck(before) && before.healthCheckNodePort && after.healthCheckNodePort !== before.healthCheckNodePort) {
    errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
  }
  return errors;
}

export function validateServiceStatus({ spec, status }: Service): FieldError[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const field = 'status.loadBalancer.ingress';
  if (ingress.length > 0 && spec?.type !== 'LoadBalancer') return [forbidden(field, "may only be used when `spec.type` is 'LoadBalancer'")];
  return ingress.flatMap(({ ip: address = '', hostname = '', ipMode }, index) => {
    const at = `${field}[${index}]`;
    const errors = address === '' ? [] : invalidEach(`${at}.ip`, address, ip(address));
    if (address === '' && ipMode !== undefined) errors.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'));
    if (address !== '' && ipMode === undefined) errors.push(required(`${at}.ipMode`, 'must be specified when `ip` is set'));
    if (ipMode !== undefined && !['Proxy', 'VIP'].includes(ipMode)) errors.push(notSupported(`${at}.ipMode`, ipMode, ['Proxy', 'VIP']));
    if (hostname === '') return errors;
    errors.push(...invalidEach(`${at}.hostname`, hostname, dnsSubdomain(hostname)));
    return ip(hostname).length === 0 ? [...errors, invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address')] : errors;
  });
}
