import { podRequests, quantityMilliValue, quantityValue } from '@navarch/api';
import type { Node, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
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
  if (!matchesNode(pod, facts.node)) {
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

function matchesNode(pod: Pod, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  if (!Object.entries(pod.spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesTerm(term, labels, node.metadata?.name ?? ''));
}

function matchesTerm(term: NodeSelectorTerm, labels: Readonly<Record<string, string>>, name: string): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  return expressions.every((entry) => matches(entry, labels[entry.key ?? ''])) && fields.every((entry) => matches(entry, entry.key === 'metadata.name' ? name : undefined));
}

function matches({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number.parseInt(value, 10) > Number.parseInt(values[0] ?? '', 10);
    case 'Lt':
      return value !== undefined && Number.parseInt(value, 10) < Number.parseInt(values[0] ?? '', 10);
    default:
      return false;
  }
}
