import { ApiError } from '@navarch/base';

import type { JsonObject, JsonValue } from '../resource';
import { emptyFields, isEmptySet, leafField, union, type FieldSet } from './field-set';
import type { FieldRule, MergeSchema } from './merge-schema';

/**
 * Walks values by the list and map types of their kind (KEP-555): which paths a value sets, what differs between two
 * values, two values merged, and a value without some of its paths.
 */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** What a value is: a whole, members by name, or elements by key. */
type Shape =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'members'; readonly message?: string; readonly valueRule?: FieldRule }
  | { readonly kind: 'set' }
  | { readonly kind: 'keyed'; readonly keys: readonly string[]; readonly message?: string };

const rootRule = (message: string): FieldRule => ({ message, shape: 'single', strategies: [], listType: 'atomic', listKeys: [], atomic: false });

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export class TypedWalker {
  constructor(private readonly schema: MergeSchema, private readonly message: string) {}

  /** Every path that `value` sets. */
  fieldsOf(value: JsonObject): FieldSet {
    return { ...this.fields(value, rootRule(this.message), ''), self: false };
  }

  compare(before: JsonObject, after: JsonObject): Comparison {
    return this.difference(before, after, rootRule(this.message));
  }

  /** `over` on top of `base`: members and elements of both, those of `over` winning. */
  merge(base: JsonObject, over: JsonObject): JsonObject {
    return this.mergeValue(base, over, rootRule(this.message)) as JsonObject;
  }

  /** `value` without the given paths and what is below them; a container emptied by it stays empty. */
  remove(value: JsonObject, paths: FieldSet): JsonObject {
    return this.removeFrom(value, rootRule(this.message), paths) as JsonObject;
  }

  private shapeOf(value: JsonValue, rule: FieldRule | undefined): Shape {
    if (!rule || rule.atomic) return { kind: 'leaf' };
    const message = rule.message !== undefined ? { message: rule.message } : {};
    if (isJsonObject(value)) {
      if (rule.shape === 'list') return { kind: 'leaf' };
      if (rule.shape === 'map') return { kind: 'members', valueRule: { ...rule, shape: 'single', atomic: rule.message === undefined } };
      return { kind: 'members', ...message };
    }
    if (!Array.isArray(value) || rule.shape !== 'list' || rule.listType === 'atomic') return { kind: 'leaf' };
    return rule.listType === 'set' ? { kind: 'set' } : { kind: 'keyed', keys: rule.listKeys, ...message };
  }

  /** The parts of a value by path element; undefined where it is a whole. */
  private partsOf(value: JsonValue, rule: FieldRule | undefined): { parts: Map<string, JsonValue>; ruleOf: (element: string) => FieldRule | undefined } | undefined {
    const shape = this.shapeOf(value, rule);
    if (shape.kind === 'leaf') return undefined;
    if (shape.kind === 'members') {
      const { message, valueRule } = shape;
      return {
        parts: new Map(Object.entries(value as JsonObject).map(([key, member]) => [`f:${key}`, member])),
        ruleOf: (element) => valueRule ?? (message === undefined ? undefined : this.schema(message, element.slice(2))),
      };
    }
    const elements = (value as JsonValue[]).map((item): [string, JsonValue] => [shape.kind === 'set' ? `v:${JSON.stringify(item)}` : this.elementKey(item, shape), item]);
    const elementRule = shape.kind === 'keyed' && shape.message !== undefined ? rootRule(shape.message) : undefined;
    return { parts: new Map(elements), ruleOf: () => elementRule };
  }

  private elementKey(item: JsonValue, shape: { keys: readonly string[]; message?: string }): string {
    if (!isJsonObject(item)) throw new ApiError('BadRequest', `an element of a list with the keys ${shape.keys.join(', ')} must be an object`);
    const keys = shape.keys.toSorted().flatMap((key) => {
      const value = Object.hasOwn(item, key) ? item[key] : shape.message === undefined ? undefined : this.schema(shape.message, key)?.keyDefault;
      return value === undefined ? [] : [[key, value] as const];
    });
    if (keys.length === 0) throw new ApiError('BadRequest', `an element lacks the keys of its list: ${shape.keys.join(', ')}`);
    return `k:${JSON.stringify(Object.fromEntries(keys))}`;
  }

  private fields(value: JsonValue, rule: FieldRule | undefined, path: string): FieldSet {
    const parted = this.partsOf(value, rule);
    if (!parted || parted.parts.size === 0) return leafField;
    const children = [...parted.parts].map(([element, part]): [string, FieldSet] => [element, this.fields(part, parted.ruleOf(element), `${path}${element}`)]);
    return { self: false, children: new Map(children.map(([element, set]) => [element, element.startsWith('k:') ? { ...set, self: true } : set])) };
  }

  /** Paths of something that came or went whole: its containers too. */
  private whole(value: JsonValue, rule: FieldRule | undefined): FieldSet {
    const parted = this.partsOf(value, rule);
    if (!parted) return leafField;
    return { self: true, children: new Map([...parted.parts].map(([element, part]) => [element, this.whole(part, parted.ruleOf(element))])) };
  }

  private difference(before: JsonValue, after: JsonValue, rule: FieldRule | undefined): Comparison {
    const [old, next] = [this.partsOf(before, rule), this.partsOf(after, rule)];
    if (!old || !next) {
      const same = equalJson(before, after);
      return { added: emptyFields, modified: same ? emptyFields : leafField, removed: emptyFields };
    }
    const result = { added: new Map<string, FieldSet>(), modified: new Map<string, FieldSet>(), removed: new Map<string, FieldSet>() };
    const keep = (into: Map<string, FieldSet>, element: string, set: FieldSet): void => { if (!isEmptySet(set)) into.set(element, set); };
    for (const [element, part] of next.parts) {
      const previous = old.parts.get(element);
      if (previous === undefined) {
        keep(result.added, element, this.whole(part, next.ruleOf(element)));
        continue;
      }
      const inner = this.difference(previous, part, next.ruleOf(element));
      keep(result.added, element, inner.added);
      keep(result.modified, element, inner.modified);
      keep(result.removed, element, inner.removed);
    }
    for (const [element, part] of old.parts) if (!next.parts.has(element)) keep(result.removed, element, this.whole(part, old.ruleOf(element)));
    const set = (children: Map<string, FieldSet>): FieldSet => ({ self: false, children });
    return { added: set(result.added), modified: set(result.modified), removed: set(result.removed) };
  }

  private mergeValue(base: JsonValue, over: JsonValue, rule: FieldRule | undefined): JsonValue {
    const [under, upper] = [this.partsOf(base, rule), this.partsOf(over, rule)];
    if (!under || !upper || Array.isArray(base) !== Array.isArray(over)) return over;
    const merged = (element: string, part: JsonValue): JsonValue => {
      const present = under.parts.get(element);
      return present === undefined ? part : this.mergeValue(present, part, upper.ruleOf(element));
    };
    if (!Array.isArray(over)) {
      const members = new Map(under.parts);
      for (const [element, part] of upper.parts) members.set(element, merged(element, part));
      return Object.fromEntries([...members].map(([element, part]) => [element.slice(2), part]));
    }
    return interleave([...under.parts.keys()], [...upper.parts.keys()]).map((element) => {
      const part = upper.parts.get(element);
      return part === undefined ? (under.parts.get(element) as JsonValue) : merged(element, part);
    });
  }

  private removeFrom(value: JsonValue, rule: FieldRule | undefined, paths: FieldSet): JsonValue {
    const parted = this.partsOf(value, rule);
    if (!parted) return value;
    const kept = [...parted.parts].flatMap(([element, part]): [string, JsonValue][] => {
      const below = paths.children.get(element);
      if (!below) return [[element, part]];
      return below.self ? [] : [[element, this.removeFrom(part, parted.ruleOf(element), below)]];
    });
    return Array.isArray(value) ? kept.map(([, part]) => part) : Object.fromEntries(kept.map(([element, part]) => [element.slice(2), part]));
  }
}

/** The elements of both lists: the second keeps its order, what only the first has stays in front of what followed it. */
function interleave(first: readonly string[], second: readonly string[]): string[] {
  const [placeInFirst, inSecond] = [new Map(first.map((element, index) => [element, index])), new Set(second)];
  const result: string[] = [];
  let at = 0;
  for (const element of second) {
    const until = placeInFirst.get(element);
    if (until !== undefined) {
      for (; at < until; at++) if (!inSecond.has(first[at] as string)) result.push(first[at] as string);
    } else {
      for (; at < first.length && !inSecond.has(first[at] as string); at++) result.push(first[at] as string);
    }
    result.push(element);
  }
  for (; at < first.length; at++) if (!inSecond.has(first[at] as string)) result.push(first[at] as string);
  return result;
}

export function equalJson(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => equalJson(item, b[index] as JsonValue));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equalJson(a[key] as JsonValue, b[key] as JsonValue));
}

/** Both sets' paths together. */
export function changedFields({ added, modified }: Comparison): FieldSet {
  return union(added, modified);
}
