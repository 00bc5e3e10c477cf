import type { Node, Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { doorId, type Door, type Protocol } from './messages';

/** A node port of a Service, and whose it is. */
export interface WantedDoor extends Door {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
  /** The Service's name for the port; '' where it has none. */
  readonly portName: string;
  /** Only nodes with a ready endpoint answer. */
  readonly local: boolean;
}

const protocols: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp' };

/** The doors that a cluster's Services ask for, by id. The API server gives no node port twice. */
export function wantedDoors(services: readonly Service[]): Map<string, WantedDoor> {
  const doors = services.flatMap(({ metadata, spec }) => (spec?.type !== 'NodePort' && spec?.type !== 'LoadBalancer' ? [] : (spec.ports ?? []).flatMap((port): WantedDoor[] => {
    const protocol = protocols[port.protocol ?? 'TCP'];
    if (!protocol || port.nodePort === undefined) return [];
    return [{
      protocol, port: port.nodePort, portName: port.name ?? '', namespace: metadata?.namespace ?? '', name: metadata?.name ?? '', ...(metadata?.uid !== undefined && { uid: metadata.uid }),
      local: spec.externalTrafficPolicy === 'Local',
    }];
  })));
  return new Map(doors.map((door) => [doorId(door), door]));
}

/** Whether someone is there to answer at a door, as far as the slices say: ready, or ending and still serving, to which proxies turn where nobody is ready. */
export function hasEndpoint({ portName }: WantedDoor, slices: readonly EndpointSlice[]): boolean {
  return slices.some(({ ports = [], endpoints = [] }) =>
    ports.some(({ name }) => (name ?? '') === portName) && endpoints.some(({ conditions }) => (conditions?.ready ?? true) || (conditions?.serving ?? false)));
}

/** Hollow nodes have an address, but nothing behind it. */
const hollowLabel = 'navarch.io/hollow';

/** Addresses at which to try a door's port: of the nodes that are Ready, and where the Service asks so, have a ready endpoint. */
export function nodeAddresses(door: WantedDoor, nodes: readonly Node[], slices: readonly EndpointSlice[]): string[] {
  const withEndpoint = new Set(door.local ? slices.flatMap(({ endpoints = [] }) => endpoints.filter(({ conditions }) => conditions?.ready ?? true).map(({ nodeName }) => nodeName)) : []);
  return nodes.filter(({ metadata, status }) => {
    const ready = status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;
    return ready && metadata?.labels?.[hollowLabel] === undefined && (!door.local || withEndpoint.has(metadata?.name));
  }).flatMap(({ status }) => {
    const address = status?.addresses?.find(({ type, address: text }) => type === 'InternalIP' && text !== undefined && !text.includes(':'))?.address;
    return address === undefined ? [] : [address];
  });
}
