import type { PackageText } from './text';

/** Documentation of policy/v1. */
export const policy: PackageText = {
  Eviction: ['Asks to delete a pod unless its disruption budget forbids it.', {
    deleteOptions: 'Options of the delete.',
  }],
  PodDisruptionBudget: ['How many of some pods may be disrupted on purpose at a time.'],
  PodDisruptionBudgetSpec: ['Which pods, and how many.', {
    minAvailable: 'Pods that must stay available, as number or percentage; excludes maxUnavailable.',
    selector: 'Pods that are meant; an empty selector means all of the namespace.',
    maxUnavailable: 'Pods that may be missing, as number or percentage; excludes minAvailable.',
    unhealthyPodEvictionPolicy: 'IfHealthyBudget or AlwaysAllow: when pods that are not ready may go; default IfHealthyBudget.',
  }],
  PodDisruptionBudgetStatus: ['How many pods may be disrupted now.', {
    disruptedPods: 'Pods whose eviction was granted and is not yet seen, with the time.',
    disruptionsAllowed: 'Pods that may be evicted now.',
    currentHealthy: 'Pods that are ready.',
    desiredHealthy: 'Pods that must be ready.',
    expectedPods: 'Pods that there should be.',
  }],
};
