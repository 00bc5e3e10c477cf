import type { TableModel } from './table-model';

/** Elements of sets that several want: there as long as one of them does. */
export class SharedElements {
  private readonly wanted = new Map<string, number>();

  constructor(private readonly model: TableModel) {}

  want(set: string, key: string): void {
    const name = `${set} ${key}`;
    this.wanted.set(name, (this.wanted.get(name) ?? 0) + 1);
    this.model.put(set, key);
  }

  release(set: string, key: string): void {
    const name = `${set} ${key}`;
    const left = (this.wanted.get(name) ?? 0) - 1;
    if (left > 0) {
      this.wanted.set(name, left);
      return;
    }
    this.wanted.delete(name);
    this.model.remove(set, key);
  }
}
