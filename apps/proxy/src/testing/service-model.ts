import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

export interface Packet {
  /** Where it comes from: a pod or process of this node, or elsewhere. */
  readonly from: 'inside' | 'outside';
  readonly to: string;
  readonly port: number;
  readonly protocol: string;
}

/** Addresses one of which must answer; or how the client must fail. Undefined: no Service has a say. */
export type Fate = readonly string[] | 'refused' | 'silence' | undefined;

/** What a packet to a Service should meet, as plainly as can be said: nothing here is shared with what is tested. One family, ports without names, target 8080. */
export function fateOf(services: readonly { service: Service; slice: EndpointSlice }[], packet: Packet, nodeAddress: string): Fate {
  for (const { service, slice } of services) {
    for (const { port, nodePort, protocol } of service.spec?.ports ?? []) {
      if (protocol !== packet.protocol) continue;
      const cluster = packet.to === service.spec?.clusterIP && packet.port === port;
      const external = (service.spec?.externalIPs ?? []).includes(packet.to) && packet.port === port;
      const atNode = service.spec?.type === 'NodePort' && packet.to === nodeAddress && packet.port === nodePort;
      if (!cluster && !external && !atNode) continue;
      const mustStay = cluster ? service.spec?.internalTrafficPolicy === 'Local' : service.spec?.externalTrafficPolicy === 'Local' && packet.from === 'outside';
      return answering(slice, mustStay);
    }
  }
  return services.some(({ service }) => service.spec?.clusterIP === packet.to) ? 'refused' : undefined;
}

function answering({ endpoints = [] }: EndpointSlice, mustStay: boolean): Fate {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready);
  const ending = endpoints.filter(({ conditions }) => !conditions?.ready && conditions?.serving && conditions.terminating);
  const here = ({ nodeName }: { nodeName?: string }): boolean => nodeName === 'self';
  const all = ready.length > 0 ? ready : ending;
  if (all.length === 0) return 'refused';
  const usable = !mustStay ? all : ready.some(here) ? ready.filter(here) : ending.filter(here);
  return usable.length === 0 ? 'silence' : usable.map(({ addresses }) => addresses?.[0] ?? '');
}
