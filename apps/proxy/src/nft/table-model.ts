/**
 * What one nftables table should hold: chains of rules, and sets and maps of elements, as text of the nft language. Every change
 * is noted, so that the kernel is told what changed and nothing else, whatever the table's size.
 */
export interface SetDefinition {
  readonly kind: 'set' | 'map';
  /** What stands between the braces, such as `type ipv4_addr; flags interval;`. */
  readonly type: string;
  /** The kernel's rules add to it: it has no wanted elements, and what it holds outlives a rebuild. */
  readonly learned?: boolean;
}

export interface ChainDefinition {
  /** Type, hook and priority of a base chain; absent for a chain that others jump to. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

/** Elements by set or map: key → value; '' for the elements of a set. */
type Elements = Map<string, Map<string, string>>;

export interface TableContent {
  readonly sets: ReadonlyMap<string, SetDefinition>;
  readonly chains: ReadonlyMap<string, ChainDefinition>;
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** What must be done to a table that holds what this model held when changes were last taken. */
export interface TableChanges {
  readonly newSets: readonly (readonly [string, SetDefinition])[];
  readonly goneSets: readonly string[];
  readonly newChains: readonly string[];
  readonly goneChains: readonly string[];
  readonly rules: readonly (readonly [string, readonly string[]])[];
  readonly removed: readonly (readonly [string, readonly string[]])[];
  readonly added: readonly (readonly [string, readonly (readonly [string, string])[]])[];
}

export class TableModel {
  private readonly sets = new Map<string, SetDefinition>();
  private readonly chains = new Map<string, ChainDefinition>();
  private readonly elements: Elements = new Map();
  /** Of each name touched since changes were last taken, what was there then. */
  private readonly setsBefore = new Map<string, SetDefinition | undefined>();
  private readonly chainsBefore = new Map<string, ChainDefinition | undefined>();
  private readonly elementsBefore = new Map<string, Map<string, string | undefined>>();

  /** All that is wanted, live: it changes with the model. */
  get content(): TableContent {
    return { sets: this.sets, chains: this.chains, elements: this.elements };
  }

  defineSet(name: string, definition: SetDefinition): void {
    if (this.sets.has(name)) return;
    note(this.setsBefore, name, undefined);
    this.sets.set(name, definition);
    this.elements.set(name, new Map());
  }

  removeSet(name: string): void {
    const before = this.sets.get(name);
    if (!before) return;
    note(this.setsBefore, name, before);
    // What the kernel holds in it must still be known: the set may be defined anew before changes are taken, and then stays.
    for (const [key, value] of this.elementsOf(name)) this.noteElement(name, key, value);
    this.sets.delete(name);
    this.elements.delete(name);
  }

  defineChain(name: string, chain: ChainDefinition): void {
    const before = this.chains.get(name);
    if (before && before.rules.length === chain.rules.length && before.rules.every((rule, at) => rule === chain.rules[at])) return;
    note(this.chainsBefore, name, before);
    this.chains.set(name, chain);
  }

  removeChain(name: string): void {
    const before = this.chains.get(name);
    if (!before) return;
    note(this.chainsBefore, name, before);
    this.chains.delete(name);
  }

  put(set: string, key: string, value = ''): void {
    const present = this.elementsOf(set);
    const before = present.get(key);
    if (before === value) return;
    this.noteElement(set, key, before);
    present.set(key, value);
  }

  remove(set: string, key: string): void {
    const present = this.elementsOf(set);
    const before = present.get(key);
    if (before === undefined) return;
    this.noteElement(set, key, before);
    present.delete(key);
  }

  /** The net changes since the last call (or since nothing); undefined where there are none. */
  takeChanges(): TableChanges | undefined {
    const newSets = [...this.setsBefore].flatMap(([name, before]) => (!before && this.sets.has(name) ? [[name, this.sets.get(name)!] as const] : []));
    const goneSets = [...this.setsBefore].flatMap(([name, before]) => (before && !this.sets.has(name) ? [name] : []));
    const newChains = [...this.chainsBefore].flatMap(([name, before]) => (!before && this.chains.has(name) ? [name] : []));
    const goneChains = [...this.chainsBefore].flatMap(([name, before]) => (before && !this.chains.has(name) ? [name] : []));
    const rules = [...this.chainsBefore.keys()].flatMap((name) => (this.chains.has(name) ? [[name, this.chains.get(name)!.rules] as const] : []));
    const { removed, added } = this.elementChanges();
    this.setsBefore.clear();
    this.chainsBefore.clear();
    this.elementsBefore.clear();
    const changes = { newSets, goneSets, newChains, goneChains, rules, removed, added };
    return Object.values(changes).some((part) => part.length > 0) ? changes : undefined;
  }

  private elementChanges(): Pick<TableChanges, 'removed' | 'added'> {
    const removed: [string, string[]][] = [];
    const added: [string, [string, string][]][] = [];
    for (const [set, touched] of this.elementsBefore) {
      if (!this.sets.has(set)) continue;
      const present = this.elementsOf(set);
      const gone: string[] = [];
      const put: [string, string][] = [];
      for (const [key, before] of touched) {
        const now = present.get(key);
        if (now === before) continue;
        if (before !== undefined) gone.push(key);
        if (now !== undefined) put.push([key, now]);
      }
      if (gone.length > 0) removed.push([set, gone]);
      if (put.length > 0) added.push([set, put]);
    }
    return { removed, added };
  }

  private noteElement(set: string, key: string, before: string | undefined): void {
    let touched = this.elementsBefore.get(set);
    if (!touched) this.elementsBefore.set(set, touched = new Map());
    note(touched, key, before);
  }

  private elementsOf(set: string): Map<string, string> {
    const present = this.elements.get(set);
    if (!present) throw new Error(`no set ${set} in this table`);
    return present;
  }
}

function note<T>(notes: Map<string, T>, key: string, before: T): void {
  if (!notes.has(key)) notes.set(key, before);
}
