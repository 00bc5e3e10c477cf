import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import { Interner } from './interner';

/** One label key's value per node row, as ids; 0 where the node has no such label. */
export class LabelColumn {
  readonly values = new Interner();
  ids: Int32Array;

  constructor(private readonly key: string, capacity: number) {
    this.ids = new Int32Array(capacity);
  }

  set(row: number, node: Node | undefined): void {
    const value = node?.metadata?.labels?.[this.key];
    this.ids[row] = value === undefined ? 0 : this.values.intern(value);
  }

  grow(capacity: number): void {
    const grown = new Int32Array(capacity);
    grown.set(this.ids);
    this.ids = grown;
  }
}

/** Columns only for the label keys that some selector has asked for; made at the first question, then kept up to date. */
export class LabelColumns {
  private readonly columns = new Map<string, LabelColumn>();

  get(key: string, nodes: readonly (Node | undefined)[], capacity: number): LabelColumn {
    let column = this.columns.get(key);
    if (!column) {
      column = new LabelColumn(key, capacity);
      for (let row = 0; row < nodes.length; row++) column.set(row, nodes[row]);
      this.columns.set(key, column);
    }
    return column;
  }

  update(row: number, node: Node | undefined): void {
    for (const column of this.columns.values()) column.set(row, node);
  }

  grow(capacity: number): void {
    for (const column of this.columns.values()) column.grow(capacity);
  }
}
