import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { matchesRequirement, type LabelOperator, type Labels } from '../selectors/label-selector';

type NodeLike = Pick<Node, 'metadata'>;

const operators: ReadonlySet<string> = new Set<LabelOperator>(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']);

function meets({ key = '', operator = '', values = [] }: NodeSelectorRequirement, labels: Labels): boolean {
  return operators.has(operator) && matchesRequirement({ key, operator: operator as LabelOperator, values }, labels);
}

/** All of a term's requirements hold; a term without any matches no node. */
export function matchesNodeSelectorTerm(term: NodeSelectorTerm, node: NodeLike): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  const fields = { 'metadata.name': node.metadata?.name ?? '' };
  return matchExpressions.every((requirement) => meets(requirement, node.metadata?.labels ?? {})) && matchFields.every((requirement) => meets(requirement, fields));
}

/** Any term matches. */
export function matchesNodeSelector(selector: NodeSelector, node: NodeLike): boolean {
  return (selector.nodeSelectorTerms ?? []).some((term) => matchesNodeSelectorTerm(term, node));
}

/** What a pod requires of its node: nodeSelector and required node affinity, both. */
export function matchesNodeOf(spec: Pick<PodSpec, 'nodeSelector' | 'affinity'>, node: NodeLike): boolean {
  const labels = node.metadata?.labels ?? {};
  if (!Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return !required || matchesNodeSelector(required, node);
}
