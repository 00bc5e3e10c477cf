import { matchesNodeOf, podRequests, quantityMilliValue, quantityValue } from '@navarch/api';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

export interface AdmissionFacts {
  readonly node: Node;
  readonly allocatable: Readonly<Record<string, Quantity>>;
  /** Pods that have room here already. */
  readonly others: readonly Pod[];
}

/**
 * Whether the node takes a pod that was bound to it: by a scheduler that has seen less than the kubelet, or by hand. As kubelet's own
 * admission (the scheduler's filters once more, without preemption).
 */
export function admit(pod: Pod, facts: AdmissionFacts): Refusal | undefined {
  if (!matchesNodeOf(pod.spec ?? {}, facts.node)) {
    return { reason: 'NodeAffinity', message: 'Pod was rejected: Predicate NodeAffinity failed: node(s) didn\'t match Pod\'s node affinity/selector' };
  }
  const os = pod.spec?.os?.name;
  if (os && os !== 'linux') return { reason: 'PodOSNotSupported', message: `Pod was rejected: Failed to admit pod as the OS field doesn't match node OS` };
  return outOf(pod, facts);
}

const amount = (name: string, value: Quantity): number => (name === 'cpu' ? quantityMilliValue(value) : quantityValue(value));

function outOf(pod: Pod, { allocatable, others }: AdmissionFacts): Refusal | undefined {
  const wanted = { ...podRequests(pod.spec ?? {}), pods: { string: '1' } };
  for (const [name, quantity] of Object.entries(wanted)) {
    const requested = amount(name, quantity);
    const total = allocatable[name];
    const capacity = total ? amount(name, total) : 0;
    const used = name === 'pods' ? others.length : others.reduce((sum, other) => sum + amount(name, podRequests(other.spec ?? {})[name] ?? { string: '0' }), 0);
    if (requested > 0 && requested + used > capacity) {
      return { reason: `OutOf${name}`, message: `Pod was rejected: Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}` };
    }
  }
  return undefined;
}
