import { deepEqual, familyOf, isHeadless, isPodReady, type IpFamily } from '@navarch/api';
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';

import { headlessLabel } from '../endpointslice/slice-labels';
import { addressIn, hostnameIn, isEndpoint, targetPort } from '../service/pod-endpoint';
import { triggerAnnotation, withTrigger } from '../service/trigger-times';

export const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';
export const managedLabel = 'endpoints.kubernetes.io/managed-by';
const manager = 'endpoint-controller';
/** Addresses in one Endpoints; the rest is only in slices (KEP-752). */
const maxAddresses = 1_000;

interface Member {
  readonly address: EndpointAddress;
  readonly ready: boolean;
}

/** The Endpoints that say what the Service's pods are, in the older form: undefined where `existing` says so already. */
export function planEndpoints(service: Service, pods: readonly Pod[], existing: Endpoints | undefined, trigger: string | undefined): Endpoints | undefined {
  const { metadata = {}, spec = {} } = service;
  const { subsets, truncated } = truncate(subsetsOf(service, pods));
  const annotations = withTrigger({ ...existing?.metadata?.annotations }, trigger ?? existing?.metadata?.annotations?.[triggerAnnotation]);
  if (truncated) annotations[overCapacityAnnotation] = 'truncated';
  else delete annotations[overCapacityAnnotation];
  const labels = { ...metadata.labels, ...(isHeadless(spec) && { [headlessLabel]: '' }), [managedLabel]: manager };
  const notes = Object.keys(annotations).length > 0 ? annotations : undefined;
  const next: Endpoints = { ...existing, metadata: { ...existing?.metadata, namespace: metadata.namespace, name: metadata.name, labels, annotations: notes }, subsets };
  return existing && saysTheSame(existing, next) ? undefined : next;
}

function saysTheSame(left: Endpoints, right: Endpoints): boolean {
  const content = ({ metadata, subsets = [] }: Endpoints): unknown => ({ labels: metadata?.labels, overCapacity: metadata?.annotations?.[overCapacityAnnotation], subsets });
  return deepEqual(content(left), content(right));
}

/** Ports with the same addresses, ready or not, are one subset. */
function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const { spec = {} } = service;
  const family = (spec.ipFamilies?.[0] as IpFamily | undefined) ?? (spec.clusterIP && spec.clusterIP !== 'None' ? familyOf(spec.clusterIP) : 'IPv4');
  const byPort = new Map<string, { port?: EndpointPort; members: Member[] }>();
  const put = (port: EndpointPort | undefined, member: Member): void => {
    const key = JSON.stringify(port ? [port.name ?? '', port.port, port.protocol, port.appProtocol ?? ''] : []);
    const entry = byPort.get(key) ?? { port, members: [] };
    entry.members.push(member);
    byPort.set(key, entry);
  };
  for (const pod of pods) {
    const member = memberOf(service, pod, family);
    if (!member) continue;
    const ports = portsOf(service, pod);
    if ((spec.ports ?? []).length === 0) put(undefined, member);
    for (const port of ports) put(port, member);
  }
  const subsets = new Map<string, { ports: EndpointPort[]; members: Member[] }>();
  for (const { port, members } of byPort.values()) {
    const key = members.map(({ address, ready }) => `${address.ip} ${address.targetRef?.uid ?? ''} ${ready}`).sort().join();
    const subset = subsets.get(key) ?? { ports: [], members };
    if (port) subset.ports.push(port);
    subsets.set(key, subset);
  }
  return [...subsets.values()].map(subsetOf).sort((left, right) => compare(JSON.stringify(left.ports), JSON.stringify(right.ports)));
}

function memberOf(service: Service, pod: Pod, family: IpFamily): Member | undefined {
  const { metadata = {}, spec } = pod;
  const open = service.spec?.publishNotReadyAddresses ?? false;
  const ip = isEndpoint(pod) ? addressIn(pod, family) : undefined;
  if (ip === undefined || (metadata.deletionTimestamp && !open)) return undefined;
  const hostname = hostnameIn(pod, service);
  const targetRef = { kind: 'Pod', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid };
  return { ready: open || isPodReady(pod), address: { ip, targetRef, ...(hostname && { hostname }), ...(spec?.nodeName && { nodeName: spec.nodeName }) } };
}

function portsOf({ spec }: Service, pod: Pod): EndpointPort[] {
  return (spec?.ports ?? []).flatMap((each) => {
    const port = targetPort(pod, each);
    return port === undefined ? [] : [{ ...(each.name && { name: each.name }), port, protocol: each.protocol ?? 'TCP', ...(each.appProtocol && { appProtocol: each.appProtocol }) }];
  });
}

function subsetOf({ ports, members }: { readonly ports: readonly EndpointPort[]; readonly members: readonly Member[] }): EndpointSubset {
  const pick = (ready: boolean): EndpointAddress[] => members.filter((member) => member.ready === ready).map(({ address }) => address).sort((left, right) => compare(left.ip ?? '', right.ip ?? ''));
  const [addresses, notReadyAddresses] = [pick(true), pick(false)];
  return {
    ...(addresses.length > 0 && { addresses }), ...(notReadyAddresses.length > 0 && { notReadyAddresses }),
    ...(ports.length > 0 && { ports: [...ports].sort((left, right) => compare(left.name ?? '', right.name ?? '')) }),
  };
}

/** At most so many addresses: ready ones first, from each subset its share. */
function truncate(subsets: readonly EndpointSubset[]): { readonly subsets: EndpointSubset[]; readonly truncated: boolean } {
  const ready = subsets.reduce((sum, { addresses = [] }) => sum + addresses.length, 0);
  const all = subsets.reduce((sum, { notReadyAddresses = [] }) => sum + notReadyAddresses.length, ready);
  if (all <= maxAddresses) return { subsets: [...subsets], truncated: false };
  let [readyLeft, notReadyLeft] = [Math.min(ready, maxAddresses), Math.max(0, maxAddresses - ready)];
  const cut = subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports }): EndpointSubset[] => {
    const kept = addresses.slice(0, readyLeft);
    const others = notReadyAddresses.slice(0, notReadyLeft);
    readyLeft -= kept.length;
    notReadyLeft -= others.length;
    return kept.length + others.length === 0 ? [] : [{ ...(kept.length > 0 && { addresses: kept }), ...(others.length > 0 && { notReadyAddresses: others }), ports }];
  });
  return { subsets: cut, truncated: true };
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
