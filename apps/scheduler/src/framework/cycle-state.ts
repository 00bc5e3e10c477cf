/** Names a plugin's slot in the cycle state and says what is in it. */
export class StateKey<T> {
  declare protected readonly content: T;

  constructor(readonly name: string) {}
}

/**
 * What plugins hand from one extension point to the next for one pod. Pods with one signature share it up to Reserve,
 * so nothing in it may depend on more than the signature.
 */
export class CycleState {
  private readonly values = new Map<StateKey<unknown>, unknown>();

  set<T>(key: StateKey<T>, value: T): void {
    this.values.set(key, value);
  }

  /** A missing slot is a bug of the plugin: its earlier extension point did not run. */
  get<T>(key: StateKey<T>): T {
    const value = this.values.get(key);
    if (value === undefined) throw new Error(`cycle state has no ${key.name}`);
    return value as T;
  }

  find<T>(key: StateKey<T>): T | undefined {
    return this.values.get(key) as T | undefined;
  }
}
