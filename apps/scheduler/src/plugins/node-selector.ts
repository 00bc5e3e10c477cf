import type { Node, NodeSelectorRequirement, NodeSelectorTerm } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { LabelColumn } from '../snapshot/label-columns';
import type { NodeTable } from '../snapshot/node-table';

/** Whether a label value (undefined: no such label) satisfies a requirement. Gt and Lt compare whole numbers; what is none never matches. */
export function valueSatisfies(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In': return value !== undefined && values.includes(value);
    case 'NotIn': return value === undefined || !values.includes(value);
    case 'Exists': return value !== undefined;
    case 'DoesNotExist': return value === undefined;
    case 'Gt': return compareWhole(value, values, (a, b) => a > b);
    case 'Lt': return compareWhole(value, values, (a, b) => a < b);
    default: return false;
  }
}

function compareWhole(value: string | undefined, values: readonly string[], holds: (a: bigint, b: bigint) => boolean): boolean {
  const [bound] = values;
  const whole = /^[+-]?\d+$/;
  if (value === undefined || bound === undefined || values.length !== 1 || !whole.test(value) || !whole.test(bound)) return false;
  return holds(BigInt(value.replace('+', '')), BigInt(bound.replace('+', '')));
}

function isEmpty(term: NodeSelectorTerm): boolean {
  return !term.matchExpressions?.length && !term.matchFields?.length;
}

/** The same question asked of one node object; for queueing hints. A term without any requirement matches nothing. */
export function termMatchesNode(term: NodeSelectorTerm, node: Node): boolean {
  return !isEmpty(term)
    && (term.matchExpressions ?? []).every((requirement) => valueSatisfies(requirement, node.metadata?.labels?.[requirement.key ?? '']))
    && (term.matchFields ?? []).every((requirement) => requirement.key === 'metadata.name' && valueSatisfies(requirement, node.metadata?.name));
}

const unknown = 0;
const yes = 1;

/** A requirement over a label column: each value is judged once. */
class ColumnRequirement {
  private memo = new Uint8Array(8);

  constructor(private readonly requirement: NodeSelectorRequirement, private readonly column: LabelColumn) {}

  matches(row: number): boolean {
    const id = this.column.ids[row] as number;
    if (id >= this.memo.length) this.growMemo(id);
    const known = this.memo[id] as number;
    if (known !== unknown) return known === yes;
    const holds = valueSatisfies(this.requirement, id === 0 ? undefined : this.column.values.textOf(id));
    this.memo[id] = holds ? yes : 2;
    return holds;
  }

  private growMemo(id: number): void {
    const grown = new Uint8Array(Math.max(id + 1, this.memo.length * 2));
    grown.set(this.memo);
    this.memo = grown;
  }
}

/** One node selector term, ready to be asked of rows. */
export class CompiledTerm {
  private readonly labels: readonly ColumnRequirement[];
  private readonly fields: readonly NodeSelectorRequirement[];
  private readonly empty: boolean;

  constructor(term: NodeSelectorTerm, nodes: NodeTable) {
    this.labels = (term.matchExpressions ?? []).map((requirement) => new ColumnRequirement(requirement, nodes.labelColumn(requirement.key ?? '')));
    this.fields = term.matchFields ?? [];
    this.empty = isEmpty(term);
  }

  matches(nodes: NodeTable, row: number): boolean {
    if (this.empty) return false;
    for (let i = 0; i < this.labels.length; i++) if (!this.labels[i]?.matches(row)) return false;
    for (let i = 0; i < this.fields.length; i++) {
      const field = this.fields[i] as NodeSelectorRequirement;
      if (field.key !== 'metadata.name' || !valueSatisfies(field, nodes.names[row])) return false;
    }
    return true;
  }
}

/** nodeSelector as the term it stands for. */
export function termOfLabels(labels: Readonly<Record<string, string>>): NodeSelectorTerm {
  return { matchExpressions: Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] })) };
}

/** The node names a term allows by metadata.name; undefined where it does not name any. */
export function namesAllowedBy(term: NodeSelectorTerm): ReadonlySet<string> | undefined {
  let allowed: ReadonlySet<string> | undefined;
  for (const { key, operator, values } of term.matchFields ?? []) {
    if (key !== 'metadata.name' || operator !== 'In') continue;
    const named = new Set(values);
    allowed = allowed ? new Set([...allowed].filter((name) => named.has(name))) : named;
  }
  return allowed;
}
