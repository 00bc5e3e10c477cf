import type { PackageText } from './text';

/** Documentation of node.k8s.io/v1. */
export const node: PackageText = {
  Overhead: ['Resources that running a pod takes by itself.', {
    podFixed: 'Amount of each resource, the same for each pod.',
  }],
  RuntimeClass: ['A container runtime by name, for pods to refer to.', {
    handler: 'Name by which nodes know the runtime; a DNS label; cannot change.',
    overhead: 'Resources that each of its pods takes beside its containers.',
    scheduling: 'Nodes that have the runtime.',
  }],
  Scheduling: ['Nodes that have a runtime.', {
    nodeSelector: "Labels of such nodes, added to the pod's own.",
    tolerations: "Tolerations added to the pod's own.",
  }],
};
