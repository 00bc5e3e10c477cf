import { deepEqual, isHeadless, isPodReady, ownerReference, services, type IpFamily } from '@navarch/api';
import type { Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Endpoint, EndpointPort, EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import type { OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { addressIn, hostnameIn, isEndpoint, podAddresses, targetPort } from '../service/pod-endpoint';
import { withTrigger } from '../service/trigger-times';
import { hintsFor } from './hints';
import { packSlices } from './pack-slices';
import { managers, sliceLabels } from './slice-labels';

export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

export interface SlicesInput {
  readonly service: Service;
  /** All that the Service selects. */
  readonly pods: readonly Pod[];
  readonly zoneOf: (node: string) => string | undefined;
  /** The present slices of this Service that are ours. */
  readonly existing: readonly EndpointSlice[];
  /** When the change happened that this makes known. */
  readonly trigger?: string;
  readonly maxEndpoints?: number;
}

/** Endpoints with the same ports, of one family. */
export interface EndpointGroup {
  readonly addressType: string;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** What every slice of one Service has. */
export interface SliceFrame {
  readonly namespace?: string;
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly owner: OwnerReference;
  readonly trigger?: string;
}

const defaultMaxEndpoints = 100;

/** The writes that make a Service's slices say which pods are behind it, and how. */
export function planSlices({ service, pods, zoneOf, existing, trigger, maxEndpoints = defaultMaxEndpoints }: SlicesInput): SlicePlan {
  const { metadata = {}, spec = {} } = service;
  const frame: SliceFrame = {
    namespace: metadata.namespace, name: metadata.name ?? '', trigger, owner: ownerReference(services, service),
    labels: sliceLabels(metadata.name ?? '', metadata.labels, managers.endpoints, isHeadless(spec)),
  };
  const candidates = pods.filter(isEndpoint);
  const groups = familiesOf(service, candidates).flatMap((family) => {
    const found = groupByPorts(service, candidates, family, zoneOf);
    // Somebody who looks for the Service's slices should find that there are none of it, not that nobody has looked.
    return found.length > 0 ? found : [{ addressType: family, ports: [], endpoints: [] }];
  });
  return planGroups(frame, groups, existing, maxEndpoints);
}

/** Its own; a Service that was stored before they were filled in takes them from its pods. */
function familiesOf({ spec }: Service, pods: readonly Pod[]): IpFamily[] {
  if (spec?.ipFamilies?.length) return spec.ipFamilies as IpFamily[];
  const first = pods.flatMap(podAddresses)[0];
  return [first?.includes(':') ? 'IPv6' : 'IPv4'];
}

function groupByPorts(service: Service, pods: readonly Pod[], family: IpFamily, zoneOf: SlicesInput['zoneOf']): EndpointGroup[] {
  const groups = new Map<string, { addressType: string; ports: EndpointPort[]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    const address = addressIn(pod, family);
    if (address === undefined) continue;
    const ports = portsOf(service, pod);
    const key = portsKey(ports);
    const group = groups.get(key) ?? { addressType: family, ports, endpoints: [] };
    group.endpoints.push(endpointOf(service, pod, address, zoneOf));
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** The Service's ports as this pod has them. */
function portsOf({ spec }: Service, pod: Pod): EndpointPort[] {
  return (spec?.ports ?? []).flatMap((each) => {
    const port = targetPort(pod, each);
    return port === undefined ? [] : [{ name: each.name ?? '', protocol: each.protocol ?? 'TCP', port, ...(each.appProtocol && { appProtocol: each.appProtocol }) }];
  });
}

/** The order of ports means nothing. */
const portsKey = (ports: readonly EndpointPort[]): string =>
  ports.map(({ name, protocol, port, appProtocol }) => [name ?? '', protocol ?? 'TCP', port ?? '', appProtocol ?? ''].join('/')).sort().join(',');

function endpointOf(service: Service, pod: Pod, address: string, zoneOf: SlicesInput['zoneOf']): Endpoint {
  const { metadata = {}, spec } = pod;
  const serving = isPodReady(pod);
  const terminating = metadata.deletionTimestamp !== undefined;
  const ready = service.spec?.publishNotReadyAddresses ? true : serving && !terminating;
  const zone = spec?.nodeName ? zoneOf(spec.nodeName) : undefined;
  const hostname = hostnameIn(pod, service);
  const endpoint: Endpoint = {
    addresses: [address], conditions: { ready, serving, terminating },
    targetRef: { kind: 'Pod', namespace: metadata.namespace, name: metadata.name, uid: metadata.uid },
    ...(hostname && { hostname }), ...(spec?.nodeName && { nodeName: spec.nodeName }), ...(zone && { zone }),
  };
  const hints = hintsFor(service.spec?.trafficDistribution, endpoint);
  return hints ? { ...endpoint, hints } : endpoint;
}

/** Makes `existing` into the groups: each group packed into the slices that have its ports already. */
export function planGroups(frame: SliceFrame, groups: readonly EndpointGroup[], existing: readonly EndpointSlice[], maxEndpoints: number): SlicePlan {
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const left = new Set(existing);
  for (const { addressType, ports, endpoints } of groups) {
    const own = existing.filter((slice) => left.has(slice) && slice.addressType === addressType && portsKey(slice.ports ?? []) === portsKey(ports));
    for (const slice of own) left.delete(slice);
    const { slices, empty } = packSlices(endpoints, own, maxEndpoints);
    for (const slice of empty) left.add(slice);
    const wanted = endpoints.length > 0 ? slices : [{ slice: own.find((slice) => left.delete(slice)), endpoints: [], changed: false }];
    for (const { slice, endpoints: members, changed } of wanted) {
      // One that another group left over is as good as a new one, and one write less.
      const base = slice ?? [...left].find((one) => one.addressType === addressType);
      if (base) left.delete(base);
      const next = sliceOf(frame, addressType, ports, members, base);
      if (!base) create.push(next);
      else if (changed || !saysTheSame(base, next)) update.push(next);
    }
  }
  return { create, update, remove: [...left] };
}

function sliceOf({ namespace, name, labels, annotations, owner, trigger }: SliceFrame, addressType: string, ports: readonly EndpointPort[], endpoints: readonly Endpoint[], base?: EndpointSlice): EndpointSlice {
  const { metadata } = base ?? {};
  // A generated name cuts its prefix at 58 characters itself.
  const identity = metadata ?? { namespace, generateName: `${name}-` };
  const notes = withTrigger(annotations ?? metadata?.annotations, trigger);
  return {
    ...base, addressType, ports: [...ports], endpoints: [...endpoints],
    metadata: { ...identity, labels, annotations: Object.keys(notes).length > 0 ? notes : undefined, ownerReferences: [owner] },
  };
}

/** Apart from when it changed. */
function saysTheSame(present: EndpointSlice, next: EndpointSlice): boolean {
  const content = ({ metadata, ports = [], endpoints = [] }: EndpointSlice): unknown =>
    ({ labels: metadata?.labels, annotations: withTrigger(metadata?.annotations, undefined), owners: metadata?.ownerReferences?.map(({ uid }) => uid), ports: portsKey(ports), endpoints });
  return deepEqual(content(present), content(next));
}
