import type { StatsResponse, Usage as UsageMessage } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';

import type { Usage } from './meter';
import type { Measurements } from './node-stats';

/** What is measured, as KubeletService tells it. */
export function statsResponse({ node, pods }: Measurements): StatsResponse {
  return {
    ...(node && { node: usageMessage(node) }),
    pods: pods.map(({ identity, containers }) => ({
      namespace: identity.namespace, pod: identity.name, podUid: identity.uid, containers: containers.map(({ name, usage }) => ({ name, usage: usageMessage(usage) })),
    })),
  };
}

/** Whole numbers: the monotonic clock has fractions. */
function usageMessage({ atMs, windowMs, cpuNanocores, workingSetBytes }: Usage): UsageMessage {
  return { timeMs: Math.round(atMs), windowMs: Math.round(windowMs), cpuNanocores, workingSetBytes };
}
