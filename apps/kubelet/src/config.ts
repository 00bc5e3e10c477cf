import type { Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ClusterDns } from './pod/sandbox-config';

/** What one kubelet is told about its node. Paths are absolute, durations in milliseconds. */
export interface KubeletConfig {
  /** The node's own addresses; the first is its InternalIP. */
  readonly addresses: readonly string[];
  /** Where the apiserver finds this kubelet: `unix:/…` or `host:port`; absent: it serves nothing. */
  readonly endpoint?: string;
  readonly rootDirectory: string;
  readonly podLogsDirectory: string;
  /** Below which the node's pods have their cgroups: '' on a machine of its own, /name where several nodes share one. */
  readonly cgroupRoot: string;
  /** Where the CNI configuration goes when the node has a pod range; absent: it is made by someone else. */
  readonly cni?: { readonly configDirectory: string; readonly dataDirectory: string; readonly hostPorts: boolean; readonly bandwidth?: boolean; readonly templateDirectory?: string; readonly mtu?: number };
  readonly maxPods: number;
  /** A container's log of this size is put aside; 0: never. */
  readonly containerLogMaxBytes: number;
  readonly containerLogMaxFiles: number;
  /** Percent of the disk in use from which unused images go (100: never), and down to which. */
  readonly imageGcHighPercent: number;
  readonly imageGcLowPercent: number;
  readonly imageMinAgeMs: number;
  /** Kept from pods, as quantities: cpu, memory, ephemeral-storage. */
  readonly reserved: Readonly<Record<string, string>>;
  readonly clusterDns: ClusterDns;
  readonly labels: Readonly<Record<string, string>>;
  /** Which the node has from its registration on; later they are the cluster's business. */
  readonly taints: readonly Taint[];
  readonly version: string;
}

export const defaultConfig: KubeletConfig = {
  addresses: [], rootDirectory: '/var/lib/kubelet', podLogsDirectory: '/var/log/pods', cgroupRoot: '', maxPods: 110, reserved: {},
  containerLogMaxBytes: 10 * 1024 * 1024, containerLogMaxFiles: 5, imageGcHighPercent: 85, imageGcLowPercent: 80, imageMinAgeMs: 120_000,
  clusterDns: { servers: [], domain: 'cluster.local' }, labels: {}, taints: [], version: 'v1.36.0-navarch',
};
