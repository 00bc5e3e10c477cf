import { parseRange } from './node/ipam/ip-range';
import { clusterRangeProblem, type ClusterRange } from './node/ipam/range-pool';
import type { MetricsSource } from './podautoscaler/metrics-source';

/** Times in milliseconds; Kubernetes' defaults. */
export interface ControllersConfig {
  /** Where nodes' pod ranges come from: one, or one of each family. */
  readonly clusterRanges: readonly ClusterRange[];
  /** A node whose Lease was not renewed for so long is Unknown. */
  readonly nodeMonitorGracePeriodMs: number;
  /** The same for a node that never reported. */
  readonly nodeStartupGracePeriodMs: number;
  /** How often a node that is not ready is looked at. */
  readonly nodeMonitorPeriodMs: number;
  /** Nodes per second and zone that get a NoExecute taint for being not ready. */
  readonly nodeEvictionRate: number;
  /** The same in a zone of which 55 % and more are not ready, where it is large; small ones stop. */
  readonly secondaryNodeEvictionRate: number;
  /** More nodes than this make a zone large. */
  readonly largeClusterThreshold: number;
  /** More terminated pods than this: the oldest go. 0: never. */
  readonly terminatedPodThreshold: number;
  readonly podCollectionPeriodMs: number;
  /** How long a node must be gone before its pods are deleted. */
  readonly orphanQuarantineMs: number;
  /** The authority of the API server's certificate (PEM), to be published in every namespace; absent: it is not. */
  readonly rootCa?: string;
  /** Signs the tokens of token Secrets; absent: they stay empty. */
  readonly signToken?: ((claims: Readonly<Record<string, string>>) => string) | undefined;
  /** Endpoints in one EndpointSlice, at most. */
  readonly maxEndpointsPerSlice: number;
  /** A ConfigMap or Secret that was changed must have been left alone for so long before it is rolled out. */
  readonly configRolloutQuietMs: number;
  /** The longest that a rollout waits for a configuration that goes on changing. */
  readonly configRolloutMaxWaitMs: number;
  /** How often an autoscaler looks. */
  readonly autoscalerPeriodMs: number;
  /** How far a figure may be from its target without anything being done, as a share of it. */
  readonly autoscalerTolerance: number;
  /** How long a higher recommendation holds up a smaller size, where the autoscaler's behaviour does not say. */
  readonly downscaleStabilizationMs: number;
  /** For so long after its start a pod's CPU counts only while it is ready. */
  readonly cpuInitializationPeriodMs: number;
  /** A pod that became unready within so long after its start has never been ready. */
  readonly initialReadinessDelayMs: number;
  /** Where autoscalers' figures come from; the API unless told. */
  readonly metrics?: MetricsSource;
}

export const defaultConfig: ControllersConfig = {
  clusterRanges: [{ cidr: '10.244.0.0/16', nodeMaskSize: 24 }],
  nodeMonitorGracePeriodMs: 40_000,
  nodeStartupGracePeriodMs: 60_000,
  nodeMonitorPeriodMs: 5_000,
  nodeEvictionRate: 0.1,
  secondaryNodeEvictionRate: 0.01,
  largeClusterThreshold: 50,
  terminatedPodThreshold: 12_500,
  podCollectionPeriodMs: 20_000,
  orphanQuarantineMs: 40_000,
  maxEndpointsPerSlice: 100,
  configRolloutQuietMs: 3_000,
  configRolloutMaxWaitMs: 60_000,
  autoscalerPeriodMs: 15_000,
  autoscalerTolerance: 0.1,
  downscaleStabilizationMs: 300_000,
  cpuInitializationPeriodMs: 300_000,
  initialReadinessDelayMs: 30_000,
};

/** The cluster ranges that CIDRs name, each with the mask of its family. Throws an Error that says what would be right. */
export function clusterRangesOf(cidrs: readonly string[], masks: { readonly ipv4: number; readonly ipv6: number }): ClusterRange[] {
  const families = new Set<string>();
  return cidrs.map((cidr) => {
    const family = parseRange(cidr)?.family ?? 'ipv4';
    const range = { cidr, nodeMaskSize: masks[family] };
    const problem = clusterRangeProblem(range) ?? (families.has(family) ? `two ranges of one family: ${cidrs.join(', ')}` : undefined);
    if (problem !== undefined) throw new Error(`--cluster-cidr: ${problem}`);
    families.add(family);
    return range;
  });
}
