import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import { isValid, parse, parseCIDR } from 'ipaddr.js';

export type Family = '4' | '6';

/** An address and port at which a Service is reached. */
export interface Frontend {
  readonly family: Family;
  /** `address . protocol . port`, as nftables writes it. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  /** cluster: a cluster IP. loadBalancer: as external, but source ranges apply. node: an address of this node. */
  readonly kind: 'cluster' | 'external' | 'loadBalancer' | 'node';
}

/** One port of a Service, as far as packets are concerned. */
export interface ServicePort {
  /** The name by which slices call it; '' for the only, unnamed one. */
  readonly name: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly frontends: readonly Frontend[];
  /** A client keeps its endpoint for so long after it last connected; absent without affinity. */
  readonly affinitySeconds?: number;
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  /** Who may come through a load balancer's address; absent: anybody. */
  readonly sourceRanges?: readonly string[];
}

const protocols: Readonly<Record<string, ServicePort['protocol']>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' };
const defaultAffinitySeconds = 10_800;

export function familyOf(address: string): Family | undefined {
  if (!isValid(address)) return undefined;
  return parse(address).kind() === 'ipv4' ? '4' : '6';
}

/** The one way in which this package and the kernel write an address. */
export function canonicalAddress(address: string): string {
  return parse(address).toString();
}

/** Whether a Service is ours to serve: not headless, not a name only, not another proxy's. */
export function isServed({ metadata, spec }: Service): boolean {
  return spec?.type !== 'ExternalName' && spec?.clusterIP !== undefined && spec.clusterIP !== 'None' && metadata?.labels?.['service.kubernetes.io/service-proxy-name'] === undefined;
}

/** A Service's ports with all their frontends on a node of these addresses. */
export function servicePorts(service: Service, nodeAddresses: readonly string[]): ServicePort[] {
  const { spec } = service;
  if (!spec || !isServed(service)) return [];
  const ranges = spec.loadBalancerSourceRanges?.map((range) => range.trim()).filter(isRange);
  return (spec.ports ?? []).flatMap((port) => {
    const protocol = protocols[port.protocol ?? 'TCP'];
    if (!protocol || port.port === undefined) return [];
    return [{
      name: port.name ?? '', protocol,
      frontends: unique([
        ...frontends('cluster', spec.clusterIPs ?? [spec.clusterIP ?? ''], protocol, port.port),
        ...frontends('external', spec.externalIPs ?? [], protocol, port.port),
        ...frontends('loadBalancer', loadBalancerAddresses(service), protocol, port.port),
        ...(port.nodePort === undefined || spec.type === 'ClusterIP' ? [] : frontends('node', nodeAddresses, protocol, port.nodePort)),
      ]),
      ...(spec.sessionAffinity === 'ClientIP' && { affinitySeconds: spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds }),
      internalLocal: spec.internalTrafficPolicy === 'Local', externalLocal: spec.externalTrafficPolicy === 'Local',
      ...(spec.type === 'LoadBalancer' && ranges && ranges.length > 0 && { sourceRanges: ranges }),
    }];
  });
}

/** A load balancer of mode Proxy wants its traffic to leave the node and come back through it. */
function loadBalancerAddresses({ spec, status }: Service): string[] {
  if (spec?.type !== 'LoadBalancer') return [];
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) => (ip === undefined || ipMode === 'Proxy' ? [] : [ip]));
}

function frontends(kind: Frontend['kind'], addresses: readonly string[], protocol: string, port: number): Frontend[] {
  return addresses.flatMap((text) => {
    const family = familyOf(text);
    if (!family) return [];
    const address = canonicalAddress(text);
    return [{ family, kind, address, port, key: `${address} . ${protocol} . ${port}` }];
  });
}

function unique(all: readonly Frontend[]): Frontend[] {
  const seen = new Set<string>();
  return all.filter(({ key }) => !seen.has(key) && seen.add(key));
}

function isRange(text: string): boolean {
  try {
    parseCIDR(text);
    return true;
  } catch {
    return false;
  }
}
