import type { PackageText } from './text';

/** Documentation of scheduling.k8s.io/v1. */
export const scheduling: PackageText = {
  PriorityClass: ['A priority by name, for pods to refer to.', {
    value: 'The priority; higher goes first; at most 1000000000 for users; cannot change.',
    globalDefault: 'Whether pods that name no class get it; one class at most; default false.',
    description: 'When the class is to be used, for people.',
    preemptionPolicy: 'PreemptLowerPriority or Never; default PreemptLowerPriority; cannot change.',
  }],
};
