import type { ConfigFields, ConfigOf } from '@navarch/service';

import { clusterRangesOf, defaultConfig, type ControllersConfig } from './config';

/** The controllers' own flags, named as kube-controller-manager names them. */
export const controllerFields = {
  clusterCidr: { type: 'list', default: ['10.244.0.0/16'], description: 'Where pod ranges of nodes come from: one CIDR, or one of each family.' },
  nodeCidrMaskSizeIpv4: { type: 'integer', default: 24, min: 1, max: 32, description: 'Prefix length of a node\'s IPv4 pod range.' },
  nodeCidrMaskSizeIpv6: { type: 'integer', default: 64, min: 1, max: 128, description: 'Prefix length of a node\'s IPv6 pod range.' },
  nodeMonitorGracePeriod: { type: 'duration', default: defaultConfig.nodeMonitorGracePeriodMs, min: 1_000, description: 'A node whose Lease was not renewed for so long is Unknown.' },
  nodeStartupGracePeriod: { type: 'duration', default: defaultConfig.nodeStartupGracePeriodMs, min: 1_000, description: 'The same for a node that never reported.' },
  nodeMonitorPeriod: { type: 'duration', default: defaultConfig.nodeMonitorPeriodMs, min: 100, description: 'How often a node that is not ready is looked at.' },
  nodeEvictionRate: { type: 'number', default: defaultConfig.nodeEvictionRate, min: 0, description: 'Nodes per second and zone from which pods are driven away.' },
  secondaryNodeEvictionRate: { type: 'number', default: defaultConfig.secondaryNodeEvictionRate, min: 0, description: 'The same in a large zone most of which is down.' },
  largeClusterSizeThreshold: { type: 'integer', default: defaultConfig.largeClusterThreshold, min: 0, description: 'More nodes than this make a zone large.' },
  terminatedPodGcThreshold: { type: 'integer', default: defaultConfig.terminatedPodThreshold, min: 0, description: 'More terminated pods than this: the oldest are deleted. 0: never.' },
  horizontalPodAutoscalerSyncPeriod: { type: 'duration', default: defaultConfig.autoscalerPeriodMs, min: 1_000, description: 'How often an autoscaler looks.' },
  horizontalPodAutoscalerTolerance: { type: 'number', default: defaultConfig.autoscalerTolerance, min: 0, description: 'How far a figure may be from its target without anything being done, as a share of it, where the autoscaler does not say.' },
  horizontalPodAutoscalerDownscaleStabilization: { type: 'duration', default: defaultConfig.downscaleStabilizationMs, min: 0, description: 'How long a higher recommendation holds up a smaller size, where the autoscaler does not say.' },
  horizontalPodAutoscalerCpuInitializationPeriod: { type: 'duration', default: defaultConfig.cpuInitializationPeriodMs, min: 0, description: 'For so long after its start a pod\'s CPU counts only while it is ready.' },
  horizontalPodAutoscalerInitialReadinessDelay: { type: 'duration', default: defaultConfig.initialReadinessDelayMs, min: 0, description: 'A pod that became unready within so long after its start has never been ready.' },
} as const satisfies ConfigFields;

/** Throws an Error that says what would be right where the cluster's ranges do not fit. */
export function configOf(flags: ConfigOf<typeof controllerFields>): Partial<ControllersConfig> {
  return {
    clusterRanges: clusterRangesOf(flags.clusterCidr, { ipv4: flags.nodeCidrMaskSizeIpv4, ipv6: flags.nodeCidrMaskSizeIpv6 }),
    nodeMonitorGracePeriodMs: flags.nodeMonitorGracePeriod,
    nodeStartupGracePeriodMs: flags.nodeStartupGracePeriod,
    nodeMonitorPeriodMs: flags.nodeMonitorPeriod,
    nodeEvictionRate: flags.nodeEvictionRate,
    secondaryNodeEvictionRate: flags.secondaryNodeEvictionRate,
    largeClusterThreshold: flags.largeClusterSizeThreshold,
    terminatedPodThreshold: flags.terminatedPodGcThreshold,
    autoscalerPeriodMs: flags.horizontalPodAutoscalerSyncPeriod,
    autoscalerTolerance: flags.horizontalPodAutoscalerTolerance,
    downscaleStabilizationMs: flags.horizontalPodAutoscalerDownscaleStabilization,
    cpuInitializationPeriodMs: flags.horizontalPodAutoscalerCpuInitializationPeriod,
    initialReadinessDelayMs: flags.horizontalPodAutoscalerInitialReadinessDelay,
  };
}
