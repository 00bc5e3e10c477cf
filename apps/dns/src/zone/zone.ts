import { randomInt, type Random } from '@navarch/base';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Endpoint, EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import type { Answer, SoaAnswer } from 'dns-packet';
import ipaddr from 'ipaddr.js';

import { dashed, parseZoneName, reverseAddress, type ZoneName } from './names';

/** The cluster as the zone needs it; each answer is made from what it says at that moment. */
export interface ClusterView {
  hasNamespace(name: string): boolean;
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, service: string): readonly EndpointSlice[];
  /** Those with this cluster address, in its usual form. */
  servicesAt(address: string): readonly Service[];
  /** Those with an endpoint at this address. */
  slicesAt(address: string): readonly EndpointSlice[];
}

export interface ZoneAnswer {
  readonly rcode: 'NOERROR' | 'NXDOMAIN';
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
  readonly additionals: readonly Answer[];
  /** A name outside the zone at which the answer goes on: ExternalName. */
  readonly elsewhere?: string;
}

export interface ZoneOptions {
  /** Without a dot at its end: cluster.local. */
  readonly domain: string;
  readonly view: ClusterView;
  readonly random: Random;
  /** Seconds a record may be kept. */
  readonly ttl: number;
}

interface Place {
  readonly address: string;
  readonly hostname: string;
}

interface Named {
  readonly exists: boolean;
  readonly answers: readonly Answer[];
  readonly additionals?: readonly Answer[];
}

const nothing: Named = { exists: false, answers: [] };
const empty: Named = { exists: true, answers: [] };

/** The cluster's zone by Kubernetes' DNS specification, 1.1.0: Services, their endpoints, pods by address, and the way back from addresses. */
export class ClusterZone {
  private readonly suffix: readonly string[];

  constructor(private readonly options: ZoneOptions) {
    this.suffix = options.domain.toLowerCase().split('.');
  }

  /** The answer, or undefined where the name is not this zone's to know. Names in it are written as the question wrote them. */
  answer(name: string, type: string): ZoneAnswer | undefined {
    const address = reverseAddress(name);
    if (address !== undefined) return this.reverse(name, type, address);
    const labels = name.split('.');
    const own = labels.slice(0, -this.suffix.length);
    if (labels.slice(-this.suffix.length).join('.').toLowerCase() !== this.suffix.join('.')) return undefined;
    const asked = parseZoneName(own);
    const external = this.external(asked);
    if (external !== undefined) {
      const cname: Answer = { type: 'CNAME', name, ttl: this.options.ttl, data: external };
      return { rcode: 'NOERROR', answers: [cname], authorities: [], additionals: [], ...(type !== 'CNAME' && { elsewhere: external }) };
    }
    return this.finish(this.named(asked, name, type));
  }

  private finish({ exists, answers, additionals = [] }: Named): ZoneAnswer {
    return { rcode: exists ? 'NOERROR' : 'NXDOMAIN', answers, authorities: answers.length === 0 ? [this.soa()] : [], additionals };
  }

  private named(asked: ZoneName, name: string, type: string): Named {
    switch (asked.type) {
      case 'apex': return { exists: true, answers: this.apex(name, type) };
      case 'inner': return asked.namespace === undefined || this.options.view.hasNamespace(asked.namespace) ? empty : nothing;
      case 'version': return { exists: true, answers: type === 'TXT' ? [{ type: 'TXT', name, ttl: this.options.ttl, data: '1.1.0' }] : [] };
      case 'pod': return this.options.view.hasNamespace(asked.namespace) ? { exists: true, answers: this.addresses(name, type, [asked.address]) } : nothing;
      case 'service': return this.service(asked, name, type);
      case 'endpoint': return this.endpoint(asked, name, type);
      case 'none': return nothing;
    }
  }

  private external(asked: ZoneName): string | undefined {
    if (asked.type !== 'service' || asked.port) return undefined;
    const { spec } = this.options.view.service(asked.namespace, asked.service) ?? {};
    return spec?.type === 'ExternalName' ? spec.externalName?.replace(/\.$/, '') : undefined;
  }

  private service({ namespace, service: serviceName, port }: Extract<ZoneName, { type: 'service' }>, name: string, type: string): Named {
    const { view } = this.options;
    const service = view.service(namespace, serviceName);
    if (!service || service.spec?.type === 'ExternalName') return nothing;
    const clusterIps = clusterAddresses(service);
    const slices = clusterIps.length > 0 ? [] : view.slices(namespace, serviceName);
    if (clusterIps.length === 0 && places(slices).length === 0) return nothing;
    if (type === 'SRV') return this.serviceRecords(service, slices, port, name);
    if (port) return this.serviceRecords(service, slices, port, name).exists ? empty : nothing;
    const found = clusterIps.length > 0 ? clusterIps : this.shuffled([...new Set(places(slices).map(({ address }) => address))]);
    return { exists: true, answers: this.addresses(name, type, found) };
  }

  /** SRV records of one port, or of all that have names. */
  private serviceRecords(service: Service, slices: readonly EndpointSlice[], port: { name: string; protocol: string } | undefined, name: string): Named {
    const { namespace = '', name: serviceName = '' } = service.metadata ?? {};
    const base = `${serviceName}.${namespace}.svc.${this.options.domain}`;
    const wanted = (each: { name?: string | undefined; protocol?: string | undefined }): boolean =>
      (port ? each.name?.toLowerCase() === port.name && (each.protocol ?? 'TCP') === port.protocol : true);
    const record = (target: string, number: number): Answer => ({ type: 'SRV', name, ttl: this.options.ttl, data: { priority: 0, weight: 100, port: number, target } });
    const clusterIps = clusterAddresses(service);
    if (clusterIps.length > 0) {
      const answers = (service.spec?.ports ?? []).filter(wanted).map((each) => record(base, each.port ?? 0));
      return { exists: answers.length > 0 || !port, answers, additionals: answers.length === 0 ? [] : [...this.addresses(base, 'A', clusterIps), ...this.addresses(base, 'AAAA', clusterIps)] };
    }
    const found = new Map<string, { readonly target: string; readonly port: number; readonly address: string }>();
    for (const slice of slices) {
      for (const each of (slice.ports ?? []).filter(wanted)) {
        for (const { address, hostname } of places([slice])) found.set(`${each.port}/${address}`, { target: `${hostname}.${base}`, port: each.port ?? 0, address });
      }
    }
    const all = this.shuffled([...found.values()]);
    return {
      exists: all.length > 0 || !port, answers: all.map((each) => record(each.target, each.port)),
      additionals: all.flatMap(({ target, address }) => [...this.addresses(target, 'A', [address]), ...this.addresses(target, 'AAAA', [address])]),
    };
  }

  private endpoint({ namespace, service, hostname }: Extract<ZoneName, { type: 'endpoint' }>, name: string, type: string): Named {
    const { view } = this.options;
    const found = view.service(namespace, service);
    if (!found || clusterAddresses(found).length > 0) return nothing;
    const addresses = places(view.slices(namespace, service)).filter((place) => place.hostname === hostname).map(({ address }) => address);
    return addresses.length === 0 ? nothing : { exists: true, answers: this.addresses(name, type, [...new Set(addresses)]) };
  }

  /** Only what the cluster knows: all other addresses are someone else's. */
  private reverse(name: string, type: string, address: string): ZoneAnswer | undefined {
    const { view, domain, ttl } = this.options;
    const ofServices = view.servicesAt(address).map(({ metadata }) => `${metadata?.name}.${metadata?.namespace}.svc.${domain}`);
    const ofEndpoints = view.slicesAt(address).flatMap((slice) => {
      const { namespace = '', labels = {} } = slice.metadata ?? {};
      const service = view.service(namespace, labels['kubernetes.io/service-name'] ?? '');
      if (!service || clusterAddresses(service).length > 0) return [];
      return places([slice]).filter((place) => place.address === address).map(({ hostname }) => `${hostname}.${service.metadata?.name}.${namespace}.svc.${domain}`);
    });
    const targets = [...new Set([...ofServices, ...ofEndpoints])];
    if (targets.length === 0) return undefined;
    return this.finish({ exists: true, answers: type === 'PTR' ? targets.map((data) => ({ type: 'PTR', name, ttl, data })) : [] });
  }

  private apex(name: string, type: string): Answer[] {
    if (type === 'SOA') return [this.soa()];
    return type === 'NS' ? [{ type: 'NS', name, ttl: this.options.ttl, data: `ns.dns.${this.options.domain}` }] : [];
  }

  /** Negative answers may be kept for `minimum` seconds (RFC 2308). */
  private soa(): SoaAnswer {
    const { domain, ttl } = this.options;
    return { type: 'SOA', name: domain, ttl, data: { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: 1, refresh: 7_200, retry: 1_800, expire: 86_400, minimum: ttl } };
  }

  private addresses(name: string, type: string, addresses: readonly string[]): Answer[] {
    if (type !== 'A' && type !== 'AAAA') return [];
    return addresses.filter((address) => address.includes(':') === (type === 'AAAA')).map((data) => ({ type, name, ttl: this.options.ttl, data }));
  }

  /** Clients take the first: each should be it as often as the others. */
  private shuffled<T>(items: T[]): T[] {
    for (let last = items.length - 1; last > 0; last -= 1) {
      const other = randomInt(this.options.random, last + 1);
      [items[last], items[other]] = [items[other] as T, items[last] as T];
    }
    return items;
  }
}

/** None for a headless Service. */
export function clusterAddresses({ spec }: Service): string[] {
  const all = spec?.clusterIPs?.length ? spec.clusterIPs : [spec?.clusterIP ?? ''];
  return all.filter((address) => address !== '' && address !== 'None');
}

/** Where a headless Service's ready endpoints are. `publishNotReadyAddresses` has made them ready in the slice already. */
function places(slices: readonly EndpointSlice[]): Place[] {
  return slices.filter(({ addressType }) => addressType !== 'FQDN').flatMap(({ endpoints = [] }) => endpoints.filter(isReady).flatMap(({ addresses = [], hostname }) =>
    addresses.map((address) => ({ address: usualForm(address), hostname: hostname?.toLowerCase() ?? dashed(address) }))));
}

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready ?? true;

/** IPv6 addresses can be written in many ways; addresses are compared in one. */
export function usualForm(address: string): string {
  return address.includes(':') && ipaddr.IPv6.isValid(address) ? ipaddr.IPv6.parse(address).toString() : address;
}
