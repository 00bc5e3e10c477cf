import type { ApiObject } from '@navarch/api';

/** Answers the values under which an object is found by `by(index, value)`. */
export type IndexFunction<T> = (object: T) => readonly string[];

interface Entry<T, H> {
  readonly object: T;
  readonly headers: H;
}

/** Objects by namespace and name, with indexes. Holds what it is given; never copies, never changes an object. */
export class ObjectCache<T extends ApiObject, H> {
  private readonly entries = new Map<string, Entry<T, H>>();
  private readonly indexes = new Map<string, Map<string, Set<string>>>();
  private readonly functions: ReadonlyMap<string, IndexFunction<T>>;

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>>) {
    this.functions = new Map<string, IndexFunction<T>>([[namespaceIndex, (object) => [object.metadata?.namespace ?? '']], ...Object.entries(indexes)]);
    for (const name of this.functions.keys()) this.indexes.set(name, new Map());
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: string): Entry<T, H> | undefined {
    return this.entries.get(key);
  }

  keys(): string[] {
    return [...this.entries.keys()];
  }

  list(namespace?: string): T[] {
    if (namespace !== undefined) return this.by(namespaceIndex, namespace);
    return Array.from(this.entries.values(), ({ object }) => object);
  }

  by(index: string, value: string): T[] {
    const values = this.indexes.get(index);
    if (!values) throw new Error(`no such index: ${index}`);
    return Array.from(values.get(value) ?? [], (key) => (this.entries.get(key) as Entry<T, H>).object);
  }

  /** Answers what was there before. */
  put(key: string, object: T, headers: H): T | undefined {
    const old = this.remove(key);
    this.entries.set(key, { object, headers });
    for (const [name, values] of this.valuesOf(object)) {
      const index = this.indexes.get(name) as Map<string, Set<string>>;
      for (const value of values) {
        const keys = index.get(value);
        if (keys) keys.add(key);
        else index.set(value, new Set([key]));
      }
    }
    return old;
  }

  /** Answers what was there. */
  remove(key: string): T | undefined {
    const old = this.entries.get(key)?.object;
    if (!old) return undefined;
    this.entries.delete(key);
    for (const [name, values] of this.valuesOf(old)) {
      const index = this.indexes.get(name) as Map<string, Set<string>>;
      for (const value of values) {
        const keys = index.get(value);
        keys?.delete(key);
        if (keys?.size === 0) index.delete(value);
      }
    }
    return old;
  }

  private valuesOf(object: T): [string, readonly string[]][] {
    return Array.from(this.functions, ([name, values]) => [name, values(object)]);
  }
}

const namespaceIndex = '\0namespace';

export const cacheKey = (namespace: string, name: string): string => `${namespace}/${name}`;
