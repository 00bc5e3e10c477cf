import { podLimits, podRequests, quantity, timeToMs, type ApiObject, type Resource, type ResourceList } from '@navarch/api';
import type { PersistentVolumeClaim, Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';

/** Kinds that quotas also know by their plain plural, besides `count/…`. */
const plainlyCounted = new Set(['pods', 'services', 'configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas', 'persistentvolumeclaims']);
const classSuffix = '.storageclass.storage.k8s.io/';
const one = quantity(1);

export const countName = ({ group, plural }: Pick<Resource, 'group' | 'plural'>): string => (group === '' ? `count/${plural}` : `count/${plural}.${group}`);

/** Whether objects of this kind use up a quota's resource of this name. */
export function tracks(resource: Pick<Resource, 'group' | 'plural'>, name: string): boolean {
  if (name === countName(resource)) return true;
  if (resource.group !== '') return false;
  if (plainlyCounted.has(resource.plural) && name === resource.plural) return true;
  switch (resource.plural) {
    case 'pods': return name !== 'requests.storage' && /^(cpu|memory|ephemeral-storage|hugepages-.+|(requests|limits)\..+)$/.test(name);
    case 'services': return name === 'services.nodeports' || name === 'services.loadbalancers';
    case 'persistentvolumeclaims': return name === 'requests.storage' || name.includes(classSuffix);
    default: return false;
  }
}

/** What an object uses, by the names quotas have for it (Kubernetes' quota evaluators). */
export function usageOf(resource: Pick<Resource, 'group' | 'plural'>, object: ApiObject, nowMs: number): ResourceList {
  const counted: ResourceList = { [countName(resource)]: one };
  if (resource.group !== '') return counted;
  switch (resource.plural) {
    case 'pods': return { ...counted, ...podUsage(object, nowMs) };
    case 'services': return { ...counted, services: one, ...serviceUsage(object) };
    case 'persistentvolumeclaims': return { ...counted, persistentvolumeclaims: one, ...claimUsage(object) };
    default: return plainlyCounted.has(resource.plural) ? { ...counted, [resource.plural]: one } : counted;
  }
}

/** Pods that are over use nothing but their place in the store, nor do those whose node does not let them go in time. */
function podUsage(pod: Pod, nowMs: number): ResourceList {
  const { metadata = {}, spec = {}, status } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return {};
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  if (deletionTimestamp && deletionGracePeriodSeconds !== undefined && nowMs > timeToMs(deletionTimestamp) + deletionGracePeriodSeconds * 1_000) return {};
  const usage: ResourceList = { pods: one };
  for (const [name, amount] of Object.entries(podRequests(spec))) {
    usage[`requests.${name}`] = amount;
    if (['cpu', 'memory', 'ephemeral-storage'].includes(name) || name.startsWith('hugepages-')) usage[name] = amount;
  }
  for (const [name, amount] of Object.entries(podLimits(spec))) usage[`limits.${name}`] = amount;
  return usage;
}

function serviceUsage({ spec = {} }: Service): ResourceList {
  const ports = spec.ports ?? [];
  if (spec.type === 'NodePort') return { 'services.nodeports': quantity(ports.length) };
  if (spec.type !== 'LoadBalancer') return {};
  const nodePorts = spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort).length : ports.length;
  return { 'services.nodeports': quantity(nodePorts), 'services.loadbalancers': one };
}

function claimUsage({ metadata, spec }: PersistentVolumeClaim): ResourceList {
  const storage = spec?.resources?.requests?.['storage'];
  const storageClass = spec?.storageClassName ?? metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'];
  return {
    ...(storage && { 'requests.storage': storage }),
    ...(storageClass && { [`${storageClass}${classSuffix}persistentvolumeclaims`]: one, ...(storage && { [`${storageClass}${classSuffix}requests.storage`]: storage }) }),
  };
}

const enforced = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);

/** Which compute resources that a quota limits a pod's containers leave open, in Kubernetes' words; undefined where none. */
export function missingAmounts({ spec = {} }: Pod, limited: readonly string[]): string | undefined {
  const missing = new Map<string, string[]>();
  for (const name of limited.filter((each) => enforced.has(each)).sort()) {
    const [list, resource] = name.startsWith('limits.') ? ['limits' as const, name.slice(7)] : ['requests' as const, name.replace('requests.', '')];
    if (spec.resources?.[list]?.[resource]) continue;
    const lacking = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].filter(({ resources }) => !resources?.[list]?.[resource]).map((container) => container.name ?? '');
    if (lacking.length > 0) missing.set(name, lacking.sort());
  }
  return missing.size === 0 ? undefined : `must specify ${Array.from(missing, ([name, containers]) => `${name} for: ${containers.join(',')}`).join('; ')}`;
}
