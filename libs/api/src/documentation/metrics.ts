import type { PackageText } from './text';

/** Documentation of metrics.k8s.io/v1beta1. */
export const metrics: PackageText = {
  ContainerMetrics: ['What a container uses.', {
    name: 'Name of the container.',
    usage: 'Use of cpu and memory in the window.',
  }],
  NodeMetrics: ['What a node uses.', {
    timestamp: 'End of the window that was measured.',
    window: 'Length of the window that was measured.',
    usage: 'Use of cpu and memory in the window.',
  }],
  PodMetrics: ['What a pod uses.', {
    timestamp: 'End of the window that was measured.',
    window: 'Length of the window that was measured.',
    containers: 'One entry for each container.',
  }],
};
