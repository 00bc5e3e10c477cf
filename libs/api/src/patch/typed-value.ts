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

const same: Comparison = { added: emptyFields, modified: emptyFields, removed: emptyFields };

/** What a value is: a whole, members by name, or elements by key. */
type Shape =
  | { readonly kind: 'leaf' }
  | { readonly kind: 'members'; readonly message?: string; readonly valueRule?: FieldRule }
  | { readonly kind: 'set' }
  | { readonly kind: 'keyed'; readonly keys: readonly string[]; readonly message?: string };

/** A value taken apart, and the rule of each part. */
interface Parted {
  readonly parts: ReadonlyMap<string, JsonValue>;
  ruleOf(element: string): FieldRule | undefined;
}

const rootRule = (message: string): FieldRule => ({ message, shape: 'single', strategies: [], listType: 'atomic', listKeys: [], atomic: false });

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export class TypedWalker {
  private readonly parted = new Map<JsonValue[], { readonly rule: FieldRule | undefined; readonly parted: Parted | undefined }>();

  constructor(private readonly schema: MergeSchema, private readonly message: string) {}

  /** Every path that `value` sets. */
  fieldsOf(value: JsonObject): FieldSet {
    return { ...this.fields(value, rootRule(this.message)), self: false };
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

  /** The parts of a value by path element; undefined where it is a whole. Kept for large lists, which several steps walk. */
  private partsOf(value: JsonValue, rule: FieldRule | undefined): Parted | undefined {
    if (!Array.isArray(value)) return this.takeApart(value, rule);
    const known = this.parted.get(value);
    if (known && known.rule === rule) return known.parted;
    const parted = this.takeApart(value, rule);
    this.parted.set(value, { rule, parted });
    return parted;
  }

  private takeApart(value: JsonValue, rule: FieldRule | undefined): Parted | undefined {
    const shape = this.shapeOf(value, rule);
    if (shape.kind === 'leaf') return undefined;
    const parts = new Map<string, JsonValue>();
    if (shape.kind === 'members') {
      const { message, valueRule } = shape;
      const object = value as JsonObject;
      for (const key of Object.keys(object)) parts.set(`f:${key}`, object[key] as JsonValue);
      return { parts, ruleOf: (element) => valueRule ?? (message === undefined ? undefined : this.schema(message, element.slice(2))) };
    }
    for (const item of value as JsonValue[]) parts.set(shape.kind === 'set' ? `v:${JSON.stringify(item)}` : this.elementKey(item, shape), item);
    const elementRule = shape.kind === 'keyed' && shape.message !== undefined ? rootRule(shape.message) : undefined;
    return { parts, ruleOf: () => elementRule };
  }

  private elementKey(item: JsonValue, shape: { keys: readonly string[]; message?: string }): string {
    if (!isJsonObject(item)) throw new ApiError('BadRequest', `an element of a list with the keys ${shape.keys.join(', ')} must be an object`);
    const [only] = shape.keys;
    const own = only === undefined || !Object.hasOwn(item, only) ? undefined : item[only];
    if (shape.keys.length === 1 && own !== undefined) return `k:{${JSON.stringify(only)}:${JSON.stringify(own)}}`;
    const keys = shape.keys.toSorted().flatMap((key) => {
      const value = Object.hasOwn(item, key) ? item[key] : shape.message === undefined ? undefined : this.schema(shape.message, key)?.keyDefault;
      return value === undefined ? [] : [[key, value] as const];
    });
    if (keys.length === 0) throw new ApiError('BadRequest', `an element lacks the keys of its list: ${shape.keys.join(', ')}`);
    return `k:${JSON.stringify(Object.fromEntries(keys))}`;
  }

  private fields(value: JsonValue, rule: FieldRule | undefined): FieldSet {
    const parted = this.partsOf(value, rule);
    if (!parted || parted.parts.size === 0) return leafField;
    const children = new Map<string, FieldSet>();
    for (const [element, part] of parted.parts) {
      const set = this.fields(part, parted.ruleOf(element));
      children.set(element, element.startsWith('k:') ? { self: true, children: set.children } : set);
    }
    return { self: false, children };
  }

  /** Paths of something that came or went whole: its containers too. */
  private whole(value: JsonValue, rule: FieldRule | undefined): FieldSet {
    const parted = this.partsOf(value, rule);
    if (!parted) return leafField;
    return { self: true, children: new Map([...parted.parts].map(([element, part]) => [element, this.whole(part, parted.ruleOf(element))])) };
  }

  private difference(before: JsonValue, after: JsonValue, rule: FieldRule | undefined): Comparison {
    // What a merge left as it was is the same value: most of a large object.
    if (before === after) return same;
    const [old, next] = [this.partsOf(before, rule), this.partsOf(after, rule)];
    if (!old || !next) {
      return equalJson(before, after) ? same : { added: emptyFields, modified: leafField, removed: emptyFields };
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
    const set = (children: Map<string, FieldSet>): FieldSet => (children.size === 0 ? emptyFields : { self: false, children });
    return { added: set(result.added), modified: set(result.modified), removed: set(result.removed) };
  }

  private mergeValue(base: JsonValue, over: JsonValue, rule: FieldRule | undefined): JsonValue {
    const [under, upper] = [this.partsOf(base, rule), this.partsOf(over, rule)];
    if (!under || !upper || Array.isArray(base) !== Array.isArray(over)) return equalJson(base, over) ? base : over;
    const merged = (element: string, part: JsonValue): JsonValue => {
      const present = under.parts.get(element);
      return present === undefined ? part : this.mergeValue(present, part, upper.ruleOf(element));
    };
    if (!Array.isArray(over)) {
      const members = new Map(under.parts);
      let changed = false;
      for (const [element, part] of upper.parts) {
        const next = merged(element, part);
        if (next !== under.parts.get(element)) changed = true;
        members.set(element, next);
      }
      return changed ? Object.fromEntries([...members].map(([element, part]) => [element.slice(2), part])) : base;
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
