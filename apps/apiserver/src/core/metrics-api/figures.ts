import { quantity, timeFromMs } from '@navarch/api';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { NodeMetrics, PodMetrics } from '@navarch/proto/k8s/io/metrics/pkg/apis/metrics/v1beta1/metrics';
import type { StatsResponse, Usage } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';

/** A kubelet's figures as metrics.k8s.io has them; undefined where there are none. */
export function nodeMetricsOf({ metadata }: Node, stats: StatsResponse | undefined, nowMs: number): NodeMetrics | undefined {
  return stats?.node && { metadata: describe(metadata, nowMs), ...windowOf(stats.node), usage: amounts(stats.node) };
}

/** The same of a pod; its containers may have been measured one after the other, and the time told is the first one's. */
export function podMetricsOf({ metadata }: Pod, stats: StatsResponse | undefined, nowMs: number): PodMetrics | undefined {
  // A name may have come back with another uid: the old pod's figures are not the new one's.
  const containers = stats?.pods?.find(({ podUid }) => podUid === metadata?.uid)?.containers ?? [];
  const [first] = containers.flatMap(({ usage = {} }) => usage).sort((a, b) => (a.timeMs ?? 0) - (b.timeMs ?? 0));
  return first && { metadata: describe(metadata, nowMs), ...windowOf(first), containers: containers.map(({ name, usage = {} }) => ({ name, usage: amounts(usage) })) };
}

/** When it was made is now: the object lives for one answer. */
function describe({ name, namespace, labels }: NonNullable<Pod['metadata']> = {}, nowMs: number): Pod['metadata'] {
  return { name, ...(namespace !== undefined && { namespace }), ...(labels && { labels }), creationTimestamp: timeFromMs(Math.floor(nowMs / 1_000) * 1_000) };
}

function windowOf({ timeMs = 0, windowMs = 0 }: Usage): Pick<NodeMetrics, 'timestamp' | 'window'> {
  return { timestamp: timeFromMs(Math.floor(timeMs / 1_000) * 1_000), window: { duration: windowMs * 1_000_000 } };
}

/** As fine as Kubernetes' metrics-server has them: nanocores, and whole KiB. */
function amounts({ cpuNanocores = 0, workingSetBytes = 0 }: Usage): NodeMetrics['usage'] {
  return { cpu: quantity(cpuNanocores === 0 ? '0' : `${cpuNanocores}n`), memory: quantity(workingSetBytes < 1_024 ? '0' : `${Math.floor(workingSetBytes / 1_024)}Ki`) };
}
