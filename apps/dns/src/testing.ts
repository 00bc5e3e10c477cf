import { seededRandom } from '@navarch/base';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { ClusterZone, clusterAddresses, type ClusterView } from './zone/zone';

const service = (name: string, spec: Service['spec'], namespace = 'shop'): Service => ({ metadata: { namespace, name }, spec });
const port = (name: string, number: number, protocol = 'TCP'): { name: string; port: number; protocol: string } => ({ name, port: number, protocol });

/** A cluster with one Service of each kind. */
export const sampleServices: readonly Service[] = [
  service('web', { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1', 'fd00:96::1'], ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'RequireDualStack', ports: [port('http', 80), port('syslog', 514, 'UDP')] }),
  service('db', { clusterIP: 'None', clusterIPs: ['None'], ports: [port('sql', 5432)] }),
  service('none', { clusterIP: 'None', clusterIPs: ['None'], ports: [port('sql', 5432)] }),
  service('far', { type: 'ExternalName', externalName: 'www.example.com.' }),
  service('near', { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' }),
  service('loop', { type: 'ExternalName', externalName: 'loop.shop.svc.cluster.local' }),
];

const slice = (name: string, of: string, addressType: string, endpoints: EndpointSlice['endpoints']): EndpointSlice =>
  ({ metadata: { namespace: 'shop', name, labels: { 'kubernetes.io/service-name': of } }, addressType, ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }], endpoints });

export const sampleSlices: readonly EndpointSlice[] = [
  slice('db-1', 'db', 'IPv4', [
    { addresses: ['10.244.0.7'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.1.8'], conditions: { ready: true } },
    { addresses: ['10.244.1.9'], hostname: 'db-2', conditions: { ready: false } },
  ]),
  slice('db-2', 'db', 'IPv6', [{ addresses: ['fd00:244::0:7'], hostname: 'db-0', conditions: {} }]),
  slice('web-1', 'web', 'IPv4', [{ addresses: ['10.244.0.20'], conditions: { ready: true } }]),
];

export function viewOf(services: readonly Service[] = sampleServices, slices: readonly EndpointSlice[] = sampleSlices): ClusterView {
  const serviceOf = (each: EndpointSlice): string | undefined => each.metadata?.labels?.['kubernetes.io/service-name'];
  return {
    hasNamespace: (name) => name === 'shop' || name === 'default',
    service: (namespace, name) => services.find(({ metadata }) => metadata?.namespace === namespace && metadata.name === name),
    slices: (namespace, name) => slices.filter((each) => each.metadata?.namespace === namespace && serviceOf(each) === name),
    servicesAt: (address) => services.filter((each) => clusterAddresses(each).includes(address)),
    slicesAt: (address) => slices.filter(({ endpoints = [] }) => endpoints.some(({ addresses = [] }) => addresses.some((each) => each.replace('::0:', '::') === address))),
  };
}

export const sampleZone = (view = viewOf()): ClusterZone => new ClusterZone({ domain: 'cluster.local', view, random: seededRandom(7), ttl: 5 });
