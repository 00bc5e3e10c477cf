import { timeFromMs } from '@navarch/api';
import type { Service, ServicePort, ServiceSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Endpoint, EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

/** A Service `default/<name>` of one TCP port 80, unless told. */
export function serviceOf(name: string, clusterIP: string | readonly string[], spec: ServiceSpec = {}, bornMs = 0): Service {
  const clusterIPs = typeof clusterIP === 'string' ? [clusterIP] : [...clusterIP];
  return { metadata: { namespace: 'default', name, creationTimestamp: timeFromMs(bornMs) }, spec: { type: 'ClusterIP', clusterIP: clusterIPs[0], clusterIPs, ports: [portOf()], ...spec } };
}

export const portOf = (port: ServicePort = {}): ServicePort => ({ protocol: 'TCP', port: 80, ...port });

/** The slice of a Service: endpoints by address; a text is ready and on no known node. */
export function sliceOf(service: string, endpoints: readonly (string | Endpoint)[], port: { port?: number; protocol?: string; name?: string } = {}): EndpointSlice {
  const full = endpoints.map((endpoint) => (typeof endpoint === 'string' ? { addresses: [endpoint] } : endpoint));
  const family = full[0]?.addresses?.[0]?.includes(':') ? 'IPv6' : 'IPv4';
  return {
    metadata: { namespace: 'default', name: `${service}-${family.toLowerCase()}`, labels: { 'kubernetes.io/service-name': service } },
    addressType: family, endpoints: full, ports: [{ name: '', port: 8080, protocol: 'TCP', ...port }],
  };
}
