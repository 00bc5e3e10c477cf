import type { StoredObject } from './stored-object';

/** Which objects have which value of an indexed field, by tree key. Only the present state: snapshots are scanned. */
export class FieldIndex {
  private readonly values = new Map<string, Map<string, StoredObject>>();

  constructor(readonly valueOf: (object: StoredObject) => string) {}

  replace(key: string, before: StoredObject | undefined, after: StoredObject | undefined): void {
    const old = before && this.valueOf(before);
    const now = after && this.valueOf(after);
    if (old !== undefined && old !== now) this.remove(old, key);
    if (after && now !== undefined) this.add(now, key, after);
  }

  clear(): void {
    this.values.clear();
  }

  /** In the order of the tree. */
  find(value: string): StoredObject[] {
    const found = this.values.get(value);
    if (!found) return [];
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  private add(value: string, key: string, object: StoredObject): void {
    const objects = this.values.get(value);
    if (objects) objects.set(key, object);
    else this.values.set(value, new Map([[key, object]]));
  }

  private remove(value: string, key: string): void {
    const objects = this.values.get(value);
    objects?.delete(key);
    if (objects?.size === 0) this.values.delete(value);
  }
}
