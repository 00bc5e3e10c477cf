import { podRequests, qosClassOf, quantityMilliValue, quantityValue } from '@navarch/api';
import type { Container, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { LinuxContainerResources } from '@navarch/proto/runtime/v1/cri';

import { identityOf } from './identity';

/** Kubernetes' cpu.cfs_period_us, and the least the kernel takes as quota. */
const periodUs = 100_000;
const minQuotaUs = 1_000;

/** cpu.shares for a request: 1024 a core, at least 2. */
export function cpuShares(milli: number): number {
  return Math.min(262_144, Math.max(2, Math.floor((milli * 1024) / 1000)));
}

export function cpuQuotaUs(milli: number): number {
  return Math.max(minQuotaUs, Math.floor((milli * periodUs) / 1000));
}

/** Kubernetes' qos.GetContainerOOMScoreAdjust: the less of its node a container asked for, the earlier it goes. */
export function oomScoreAdj(pod: Pod, container: Container, nodeMemoryBytes: number): number {
  if ((pod.spec?.priority ?? 0) >= 2_000_000_000) return -997;
  const qos = qosClassOf(pod.spec ?? {});
  if (qos === 'Guaranteed') return -997;
  if (qos === 'BestEffort') return 1000;
  const request = container.resources?.requests?.memory;
  const share = nodeMemoryBytes > 0 ? Math.floor((1000 * (request ? quantityValue(request) : 0)) / nodeMemoryBytes) : 0;
  return Math.min(999, Math.max(3, 1000 - share));
}

export function containerResources(pod: Pod, container: Container, nodeMemoryBytes: number): LinuxContainerResources {
  const { requests, limits } = container.resources ?? {};
  const cpuRequest = requests?.cpu ?? limits?.cpu;
  return {
    cpuShares: cpuShares(cpuRequest ? quantityMilliValue(cpuRequest) : 0),
    ...(limits?.cpu && quantityMilliValue(limits.cpu) > 0 && { cpuPeriod: periodUs, cpuQuota: cpuQuotaUs(quantityMilliValue(limits.cpu)) }),
    ...(limits?.memory && { memoryLimitInBytes: quantityValue(limits.memory) }),
    oomScoreAdj: oomScoreAdj(pod, container, nodeMemoryBytes),
  };
}

/** /kubepods[/burstable|/besteffort]/pod<uid> below the node's own root. */
export function podCgroup(cgroupRoot: string, pod: Pod): string {
  const qos = qosClassOf(pod.spec ?? {});
  const parent = qos === 'Guaranteed' ? '' : `/${qos.toLowerCase()}`;
  return `${cgroupRoot}/kubepods${parent}/pod${identityOf(pod).uid}`;
}

/** Wherever its cgroup may be: an orphan's class is not known any more. */
export function possiblePodCgroups(cgroupRoot: string, uid: string): string[] {
  return ['', '/burstable', '/besteffort'].map((parent) => `${cgroupRoot}/kubepods${parent}/pod${uid}`);
}

/** What the sandbox's cgroup is told of the whole pod (CRI's LinuxPodSandboxConfig.resources). */
export function sandboxResources(pod: Pod): LinuxContainerResources {
  const requests = podRequests(pod.spec ?? {});
  const containers = pod.spec?.containers ?? [];
  const sumOf = (name: 'cpu' | 'memory'): number | undefined => {
    const limits = containers.map((container) => container.resources?.limits?.[name]);
    const value = name === 'cpu' ? quantityMilliValue : quantityValue;
    return limits.every((limit) => limit) ? limits.reduce((sum, limit) => sum + (limit ? value(limit) : 0), 0) : undefined;
  };
  const cpu = sumOf('cpu');
  const memory = sumOf('memory');
  return {
    cpuShares: cpuShares(requests.cpu ? quantityMilliValue(requests.cpu) : 0),
    ...(cpu && { cpuPeriod: periodUs, cpuQuota: cpuQuotaUs(cpu) }), ...(memory && { memoryLimitInBytes: memory }),
  };
}
