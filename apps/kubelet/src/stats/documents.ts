import { timeFromMs, timeToText } from '@navarch/api';

import type { Usage } from './meter';
import type { ContainerUsage, Measurements, PodUsage } from './node-stats';

const text = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : timeToText(timeFromMs(ms)));

/** /stats/summary, as far as it is measured here: cpu and memory of the node, its pods and their containers (k8s.io/kubelet, stats/v1alpha1). */
export function statsSummary(nodeName: string, { node, pods }: Measurements): object {
  return {
    node: { nodeName, ...(node && resources(node)) },
    pods: pods.map((pod) => ({
      podRef: pod.identity, startTime: text(pod.startedAtMs), containers: pod.containers.map((container) => ({ name: container.name, startTime: text(container.startedAtMs), ...resources(container.usage) })),
      ...resources(sumOf(pod)),
    })),
  };
}

function resources({ atMs, cpuNanocores, cpuNanoseconds, memoryBytes, workingSetBytes }: Usage): object {
  const time = text(atMs);
  return {
    cpu: { time, usageNanoCores: cpuNanocores, usageCoreNanoSeconds: cpuNanoseconds },
    memory: { time, ...(memoryBytes !== undefined && { usageBytes: memoryBytes }), workingSetBytes },
  };
}

/** Of a pod: its containers together, at the time of the last reading. */
function sumOf({ containers }: PodUsage): Usage {
  const usages = containers.map(({ usage }) => usage);
  const sum = (of: (usage: Usage) => number): number => usages.reduce((total, usage) => total + of(usage), 0);
  return {
    atMs: Math.max(...usages.map(({ atMs }) => atMs)), windowMs: Math.max(...usages.map(({ windowMs }) => windowMs)), cpuNanocores: sum((usage) => usage.cpuNanocores),
    cpuNanoseconds: sum((usage) => usage.cpuNanoseconds), memoryBytes: sum((usage) => usage.memoryBytes ?? 0), workingSetBytes: sum((usage) => usage.workingSetBytes),
  };
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number, atMs?: number | undefined];

/** Prometheus' text format, version 0.0.4. */
function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value, atMs]) => {
    const pairs = Object.entries(labels).map(([key, label]) => `${key}=${JSON.stringify(label)}`).join(',');
    return `${name}${pairs && `{${pairs}}`} ${value}${atMs === undefined ? '' : ` ${atMs}`}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

const seconds = (nanoseconds: number): number => nanoseconds / 1e9;

/** /metrics/resource (KEP-727): cpu and memory of the node, its pods and their containers. */
export function resourceMetrics({ node, pods }: Measurements): string {
  const ofNode = (value: (usage: Usage) => number): Sample[] => (node ? [[{}, value(node), node.atMs]] : []);
  const ofPods = (value: (usage: Usage) => number): Sample[] => pods.map((pod) => {
    const usage = sumOf(pod);
    return [{ namespace: pod.identity.namespace, pod: pod.identity.name }, value(usage), usage.atMs];
  });
  const ofContainers = (value: (container: ContainerUsage) => number, at = (container: ContainerUsage): number | undefined => container.usage.atMs): Sample[] =>
    pods.flatMap(({ identity, containers }) => containers.map((container) => [{ container: container.name, namespace: identity.namespace, pod: identity.name }, value(container), at(container)]));
  return [
    family('node_cpu_usage_seconds_total', 'counter', 'CPU time of the node.', ofNode((usage) => seconds(usage.cpuNanoseconds))),
    family('node_memory_working_set_bytes', 'gauge', 'Working set of the node.', ofNode((usage) => usage.workingSetBytes)),
    family('container_cpu_usage_seconds_total', 'counter', 'CPU time of the container.', ofContainers(({ usage }) => seconds(usage.cpuNanoseconds))),
    family('container_memory_working_set_bytes', 'gauge', 'Working set of the container.', ofContainers(({ usage }) => usage.workingSetBytes)),
    family('container_start_time_seconds', 'gauge', 'Start of the container, since 1970.', ofContainers(({ startedAtMs }) => startedAtMs / 1_000, () => undefined)),
    family('pod_cpu_usage_seconds_total', 'counter', 'CPU time of the pod.', ofPods((usage) => seconds(usage.cpuNanoseconds))),
    family('pod_memory_working_set_bytes', 'gauge', 'Working set of the pod.', ofPods((usage) => usage.workingSetBytes)),
    family('resource_scrape_error', 'gauge', '1 if there was an error while reading container metrics, 0 otherwise.', [[{}, node ? 0 : 1]]),
  ].join('');
}

/** /metrics: of the kubelet itself. */
export function kubeletMetrics(nodeName: string, pods: number, containers: number): string {
  return [
    family('kubelet_node_name', 'gauge', 'The node.', [[{ node: nodeName }, 1]]),
    family('kubelet_running_pods', 'gauge', 'Pods of which a container runs.', [[{}, pods]]),
    family('kubelet_running_containers', 'gauge', 'Containers that run.', [[{ container_state: 'running' }, containers]]),
  ].join('');
}
