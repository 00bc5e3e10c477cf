import type { ChainDefinition, SetDefinition, TableChanges, TableContent } from './table-model';

/** Elements in one command: a line stays below 200 kB, a transaction below some tens of milliseconds. */
const chunk = 2000;

const addChain = (table: string, name: string, hook?: string): string => `add chain inet ${table} ${name}${hook ? ` { ${hook} }` : ''}`;
const addRule = (table: string, chain: string, rule: string): string => `add rule inet ${table} ${chain} ${rule}`;
const addSet = (table: string, name: string, { kind, type }: SetDefinition): string => `add ${kind} inet ${table} ${name} { ${type} }`;
const elementText = ([key, value]: readonly [string, string]): string => (value === '' ? key : `${key} : ${value}`);

function* chunks<T>(items: Iterable<T>): Generator<T[]> {
  let part: T[] = [];
  for (const item of items) {
    part.push(item);
    if (part.length === chunk) {
      yield part;
      part = [];
    }
  }
  if (part.length > 0) yield part;
}

function* addElements(table: string, set: string, elements: Iterable<readonly [string, string]>): Generator<string> {
  for (const part of chunks(elements)) yield `add element inet ${table} ${set} { ${part.map(elementText).join(', ')} }`;
}

/** One transaction for a change: what rules refer to comes first and goes last; an element that changes goes and comes again. */
export function changeCommands(table: string, changes: TableChanges): string[] {
  return [
    ...changes.newSets.map(([name, definition]) => addSet(table, name, definition)),
    ...changes.newChains.map((name) => addChain(table, name)),
    ...changes.rules.flatMap(([name, rules]) => [`flush chain inet ${table} ${name}`, ...rules.map((rule) => addRule(table, name, rule))]),
    ...changes.removed.flatMap(([set, keys]) => [...chunks(keys)].map((part) => `delete element inet ${table} ${set} { ${part.join(', ')} }`)),
    ...changes.added.flatMap(([set, elements]) => [...addElements(table, set, elements)]),
    ...changes.goneChains.map((name) => `flush chain inet ${table} ${name}`),
    ...changes.goneChains.map((name) => `delete chain inet ${table} ${name}`),
    ...changes.goneSets.map((name) => `delete set inet ${table} ${name}`),
  ];
}

/**
 * A whole table in bounded transactions, none of which any packet meets: hooks are not among them. Sets of verdicts name chains, so chains come
 * first, their rules after the sets. What is to be written is fixed by this call; later changes of the content are not in it.
 */
export function buildCommands(table: string, { sets, chains, elements }: TableContent): string[][] {
  const inner = [...chains].filter(([, { hook }]) => !hook);
  const skeleton = [
    `add table inet ${table}`, `delete table inet ${table}`, `add table inet ${table}`,
    ...[...sets].map(([name, definition]) => addSet(table, name, definition)),
    ...inner.map(([name]) => addChain(table, name)),
    ...inner.flatMap(([name, { rules }]) => rules.map((rule) => addRule(table, name, rule))),
  ];
  return [skeleton, ...[...elements].flatMap(([set, content]) => [...addElements(table, set, content)].map((command) => [command]))];
}

/** The transaction that lets packets meet the new table, and takes the old one away. */
export function switchCommands(table: string, chains: ReadonlyMap<string, ChainDefinition>, old: readonly string[]): string[] {
  return [
    ...[...chains].flatMap(([name, { hook, rules }]) => (hook ? [addChain(table, name, hook), ...rules.map((rule) => addRule(table, name, rule))] : [])),
    ...old.flatMap(removeCommands),
  ];
}

/** Also where there is no such table. */
export function removeCommands(table: string): string[] {
  return [`add table inet ${table}`, `delete table inet ${table}`];
}

export { addElements };
