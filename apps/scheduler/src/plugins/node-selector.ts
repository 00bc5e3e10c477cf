import { matchesRequirement, type LabelOperator } from '@navarch/api';
import type { NodeSelectorRequirement, NodeSelectorTerm } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { LabelColumn } from '../snapshot/label-columns';
import type { NodeTable } from '../snapshot/node-table';

function isOperator(operator: string): operator is LabelOperator {
  return ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'].includes(operator);
}

/** Whether a label value (undefined: no such label) satisfies a requirement; an unknown operator never matches. */
function valueSatisfies({ key = '', operator = '', values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  return isOperator(operator) && matchesRequirement({ key, operator, values }, value === undefined ? {} : { [key]: value });
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

/** A requirement on the node's name, the only field there is to select by. */
class NameRequirement {
  private readonly names: ReadonlySet<string>;

  constructor(private readonly requirement: NodeSelectorRequirement) {
    this.names = new Set(requirement.values);
  }

  matches(name: string): boolean {
    const { key, operator } = this.requirement;
    if (key !== 'metadata.name' || (operator !== 'In' && operator !== 'NotIn')) return false;
    return this.names.has(name) === (operator === 'In');
  }
}

/** One node selector term, ready to be asked of rows. A term without any requirement matches nothing. */
export class CompiledTerm {
  private readonly labels: readonly ColumnRequirement[];
  private readonly fields: readonly NameRequirement[];

  constructor(term: NodeSelectorTerm, nodes: NodeTable) {
    this.labels = (term.matchExpressions ?? []).map((requirement) => new ColumnRequirement(requirement, nodes.labelColumn(requirement.key ?? '')));
    this.fields = (term.matchFields ?? []).map((requirement) => new NameRequirement(requirement));
  }

  matches(nodes: NodeTable, row: number): boolean {
    if (this.labels.length + this.fields.length === 0) return false;
    for (let i = 0; i < this.labels.length; i++) if (!this.labels[i]?.matches(row)) return false;
    for (let i = 0; i < this.fields.length; i++) if (!this.fields[i]?.matches(nodes.names[row] as string)) return false;
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
