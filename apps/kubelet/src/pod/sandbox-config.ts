import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import { Protocol, type DNSConfig, type PodSandboxConfig } from '@navarch/proto/runtime/v1/cri';

import { identityOf, labels, podPaths, type KubeletPaths } from './identity';
import { podCgroup, sandboxResources } from './linux-resources';
import { sandboxSecurity } from './security';

export interface ClusterDns {
  /** Empty while there is no cluster DNS. */
  readonly servers: readonly string[];
  readonly domain: string;
}

/** What resolv.conf of the node says. */
export interface NodeDns {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export interface SandboxSettings extends KubeletPaths {
  readonly cgroupRoot: string;
  readonly clusterDns: ClusterDns;
  readonly nodeDns: NodeDns;
}

/** Kubernetes' limits on resolv.conf. */
const maxServers = 3;
const maxSearches = 32;
const maxSearchCharacters = 2_048;
const maxKernelHostname = 64;

/** KEP-free ground: dnsPolicy as kubelet's GetPodDNS has it; ClusterFirst without a cluster DNS falls back to Default. */
export function dnsConfigOf(pod: Pod, { clusterDns, nodeDns }: Pick<SandboxSettings, 'clusterDns' | 'nodeDns'>): DNSConfig {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  const hasCluster = clusterDns.servers.length > 0;
  const usesCluster = hasCluster && (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !pod.spec?.hostNetwork));
  const { namespace } = identityOf(pod);
  const { domain } = clusterDns;
  const base: NodeDns = policy === 'None' ? { servers: [], searches: [], options: [] }
    : usesCluster ? { servers: clusterDns.servers, searches: [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...nodeDns.searches], options: ['ndots:5'] }
      : nodeDns;
  const extra = pod.spec?.dnsConfig;
  const given = (extra?.options ?? []).map(({ name, value }) => (value === undefined ? `${name}` : `${name}:${value}`));
  const overridden = new Set((extra?.options ?? []).map(({ name }) => name));
  return {
    servers: unique([...base.servers, ...(extra?.nameservers ?? [])]).slice(0, maxServers),
    searches: thatFit(unique([...base.searches, ...(extra?.searches ?? [])]).slice(0, maxSearches)),
    options: unique([...base.options.filter((option) => !overridden.has(option.split(':')[0])), ...given]),
  };
}

/** The first ones, as long as their line is. */
function thatFit(searches: readonly string[]): string[] {
  let characters = -1;
  return searches.filter((search) => (characters += search.length + 1) <= maxSearchCharacters);
}

const unique = (items: readonly string[]): string[] => [...new Set(items)];

export function hostnameOf(pod: Pod): string {
  return (pod.spec?.hostname ?? pod.metadata?.name ?? '').slice(0, 63).replace(/[-.]+$/, '');
}

/** The pod's name in the cluster's DNS, where it has one: only with a subdomain. */
export function fullHostnameOf(pod: Pod, { domain }: ClusterDns): string | undefined {
  const { subdomain } = pod.spec ?? {};
  return subdomain === undefined ? undefined : `${hostnameOf(pod)}.${subdomain}.${identityOf(pod).namespace}.svc.${domain}`;
}

/** What the kernel is told (sethostname(2) takes 64 bytes). KEP-1797: a longer full name is the pod's fault, never cut. */
function kernelHostname(pod: Pod, clusterDns: ClusterDns): string {
  if (pod.spec?.hostNetwork) return '';
  const full = pod.spec?.setHostnameAsFQDN ? fullHostnameOf(pod, clusterDns) : undefined;
  if (full !== undefined && full.length > maxKernelHostname) throw new Error(`setHostnameAsFQDN: "${full}" has ${full.length} characters; the kernel takes ${maxKernelHostname}`);
  return full ?? hostnameOf(pod);
}

export function sandboxConfig(pod: Pod, attempt: number, settings: SandboxSettings): PodSandboxConfig {
  const identity = identityOf(pod);
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return {
    metadata: { ...identity, attempt }, hostname: kernelHostname(pod, settings.clusterDns), logDirectory: podPaths(settings, identity).logs,
    dnsConfig: dnsConfigOf(pod, settings),
    portMappings: ports.filter((port) => port.hostPort).map((port) => ({
      protocol: port.protocol === 'UDP' ? Protocol.UDP : port.protocol === 'SCTP' ? Protocol.SCTP : Protocol.TCP,
      containerPort: port.containerPort, hostPort: port.hostPort, hostIp: port.hostIP,
    })),
    labels: { ...pod.metadata?.labels, [labels.podName]: identity.name, [labels.podNamespace]: identity.namespace, [labels.podUid]: identity.uid },
    annotations: { ...pod.metadata?.annotations },
    linux: {
      cgroupParent: podCgroup(settings.cgroupRoot, pod), securityContext: sandboxSecurity(pod), resources: sandboxResources(pod),
      sysctls: Object.fromEntries((pod.spec?.securityContext?.sysctls ?? []).map(({ name, value }) => [name ?? '', value ?? ''])),
    },
  };
}
