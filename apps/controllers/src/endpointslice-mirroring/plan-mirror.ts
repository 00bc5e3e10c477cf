import { endpoints as endpointsKind, familyOf, ownerReference } from '@navarch/api';
import type { EndpointAddress, Endpoints, Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Endpoint, EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { planGroups, type EndpointGroup, type SlicePlan } from '../endpointslice/plan-slices';
import { managers, sliceLabels } from '../endpointslice/slice-labels';
import { hasSelector } from '../service/selection';
import { triggerAnnotation } from '../service/trigger-times';

const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const appliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
/** Addresses of one subset that are mirrored (KEP-1412). */
const maxPerSubset = 1_000;

/** Endpoints that somebody made by hand for a Service without a selector, and did not ask to be left alone. */
export function isMirrored(service: Service | undefined, endpoints: Endpoints | undefined): endpoints is Endpoints {
  if (!service || !endpoints || hasSelector(service) || service.spec?.type === 'ExternalName') return false;
  const { labels = {}, annotations = {} } = endpoints.metadata ?? {};
  return labels[skipLabel] !== 'true' && annotations[leaderAnnotation] === undefined;
}

/** Makes slices say what the Endpoints say; no Endpoints: none. */
export function planMirror(endpoints: Endpoints | undefined, existing: readonly EndpointSlice[], maxEndpoints: number): SlicePlan {
  if (!endpoints) return { create: [], update: [], remove: existing };
  const { metadata = {} } = endpoints;
  const { [appliedAnnotation]: _applied, [triggerAnnotation]: trigger, ...annotations } = metadata.annotations ?? {};
  const frame = {
    namespace: metadata.namespace, name: metadata.name ?? '', annotations, trigger, owner: ownerReference(endpointsKind, endpoints),
    labels: sliceLabels(metadata.name ?? '', metadata.labels, managers.mirroring, false),
  };
  return planGroups(frame, groupsOf(endpoints), existing, maxEndpoints);
}

function groupsOf({ subsets = [] }: Endpoints): EndpointGroup[] {
  const groups = new Map<string, EndpointGroup & { endpoints: Endpoint[] }>();
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const members = [...addresses.map((address) => endpointOf(address, true)), ...notReadyAddresses.map((address) => endpointOf(address, false))].slice(0, maxPerSubset);
    for (const endpoint of members) {
      const addressType = familyOf(endpoint.addresses?.[0] ?? '');
      const key = `${addressType} ${JSON.stringify(ports)}`;
      const group = groups.get(key) ?? {
        addressType, endpoints: [] as Endpoint[],
        ports: ports.map(({ name, port, protocol, appProtocol }) => ({ name: name ?? '', port, protocol: protocol ?? 'TCP', ...(appProtocol && { appProtocol }) })),
      };
      group.endpoints.push(endpoint);
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}

function endpointOf({ ip = '', hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return { addresses: [ip], conditions: { ready }, ...(hostname && { hostname }), ...(nodeName && { nodeName }), ...(targetRef && { targetRef }) };
}
