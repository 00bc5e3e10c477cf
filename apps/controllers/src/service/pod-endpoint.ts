import { deepEqual, findCondition, intOrStringValue, isPodReady, isPodTerminal, isSidecar, type IpFamily } from '@navarch/api';
import type { Pod, Service, ServicePort } from '@navarch/proto/k8s/io/api/core/v1/core';

/** What of a pod its Services' endpoints depend on; nothing else about it brings work. */
export function endpointFacts({ metadata, spec, status }: Pod): unknown {
  return {
    labels: metadata?.labels, deleting: metadata?.deletionTimestamp !== undefined, node: spec?.nodeName, hostname: spec?.hostname, subdomain: spec?.subdomain,
    addresses: status?.podIPs ?? status?.podIP, ready: isPodReady({ status }), terminal: isPodTerminal({ status }),
  };
}

export const endpointChanged = (pod: Pod, old: Pod | undefined): boolean => !old || pod.metadata?.uid !== old.metadata?.uid || !deepEqual(endpointFacts(pod), endpointFacts(old));

/** A pod that can be an endpoint at all: it has an address, and it has not finished. */
export const isEndpoint = (pod: Pod): boolean => !isPodTerminal(pod) && podAddresses(pod).length > 0;

export function podAddresses({ status }: Pod): string[] {
  const listed = (status?.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  return listed.length > 0 ? listed : status?.podIP ? [status.podIP] : [];
}

export const addressIn = (pod: Pod, family: IpFamily): string | undefined => podAddresses(pod).find((address) => address.includes(':') === (family === 'IPv6'));

/** The number behind a Service's port in this pod; undefined where the pod has no port of that name and protocol. */
export function targetPort(pod: Pod, { port, protocol = 'TCP', targetPort: target }: ServicePort): number | undefined {
  const wanted = intOrStringValue(target) ?? port;
  if (typeof wanted === 'number') return wanted;
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []).filter(isSidecar)];
  return containers.flatMap(({ ports = [] }) => ports).find((one) => one.name === wanted && (one.protocol ?? 'TCP') === protocol)?.containerPort;
}

/** The name by which DNS knows the pod below this Service; absent unless both have asked for it. */
export function hostnameIn({ spec, metadata }: Pod, service: Service): string | undefined {
  const own = spec?.hostname && spec.subdomain === service.metadata?.name && metadata?.namespace === service.metadata?.namespace;
  return own ? spec.hostname : undefined;
}

/** When the pod last became what its endpoint says: when it was told to go, else when its readiness changed. Seconds since 1970; 0 where it never was anything. */
export function triggerSeconds({ metadata, status }: Pod): number {
  // A deletion's time is that of its deadline.
  if (metadata?.deletionTimestamp) return Number(metadata.deletionTimestamp.seconds ?? 0) - Number(metadata.deletionGracePeriodSeconds ?? 0);
  return Number(findCondition(status?.conditions, 'Ready')?.lastTransitionTime?.seconds ?? 0);
}
