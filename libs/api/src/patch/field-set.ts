import { ApiError } from '@navarch/base';

import type { JsonObject, JsonValue } from '../resource';

/**
 * A set of paths into an object, as a tree. A key is a path element in the words of FieldsV1: `f:name` for a member,
 * `k:{"name":"a"}` for an element of a keyed list, `v:"x"` for a member of a set. Values are shared: never changed.
 */
export interface FieldSet {
  /** Whether the path that leads here is in the set itself. */
  readonly self: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const emptyFields: FieldSet = { self: false, children: new Map() };
export const leafField: FieldSet = { self: true, children: new Map() };

export function isEmptySet(set: FieldSet): boolean {
  return !set.self && set.children.size === 0;
}

/** `set` with other children, or itself where they are the same: sets of many thousand elements are mostly shared, not copied. */
function rebuilt(set: FieldSet, self: boolean, change: (key: string, child: FieldSet) => FieldSet): FieldSet {
  let children: Map<string, FieldSet> | undefined;
  for (const [key, child] of set.children) {
    const next = change(key, child);
    if (!children && next === child) continue;
    children ??= upTo(key, set.children);
    if (!isEmptySet(next)) children.set(key, next);
  }
  if (!children && self === set.self) return set;
  children ??= new Map(set.children);
  return self || children.size > 0 ? { self, children } : emptyFields;
}

function upTo(last: string, children: FieldSet['children']): Map<string, FieldSet> {
  const result = new Map<string, FieldSet>();
  for (const [key, child] of children) {
    if (key === last) break;
    result.set(key, child);
  }
  return result;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  if (b.children.size === 0) return a.self ? a : { self: true, children: a.children };
  const children = new Map(a.children);
  let changed = b.self && !a.self;
  for (const [key, child] of b.children) {
    const present = children.get(key);
    const next = present ? union(present, child) : child;
    if (next === present) continue;
    children.set(key, next);
    changed = true;
  }
  return changed ? { self: a.self || b.self, children } : a;
}

/** The paths of `a` that are not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  if (a === b) return emptyFields;
  return rebuilt(a, a.self && !b.self, (key, child) => {
    const other = b.children.get(key);
    return other ? difference(child, other) : child;
  });
}

/** `a` without any path at or below a path of `b`. */
export function withoutSubtrees(a: FieldSet, b: FieldSet): FieldSet {
  if (b.self) return emptyFields;
  if (b.children.size === 0) return a;
  return rebuilt(a, a.self, (key, child) => {
    const other = b.children.get(key);
    return other ? withoutSubtrees(child, other) : child;
  });
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (b.children.size === 0 && a.children.size === 0) return a.self && b.self ? a : emptyFields;
  return rebuilt(a, a.self && b.self, (key, child) => {
    const other = b.children.get(key);
    return other ? intersection(child, other) : emptyFields;
  });
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a.self !== b.self || a.children.size !== b.children.size) return false;
  return [...a.children].every(([key, child]) => {
    const other = b.children.get(key);
    return other !== undefined && equalSets(child, other);
  });
}

/** Each path of the set as its elements, in order of the keys. */
export function pathsOf(set: FieldSet): string[][] {
  const below = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([key, child]) => pathsOf(child).map((path) => [key, ...path]));
  return set.self ? [[], ...below] : below;
}

/** A path as Kubernetes prints it in conflicts: `.spec.containers[name="a"].image`. */
export function printPath(path: readonly string[]): string {
  return path.map((element) => {
    if (element.startsWith('f:')) return `.${element.slice(2)}`;
    if (element.startsWith('v:')) return `[=${element.slice(2)}]`;
    const keys = Object.entries(keysOf(element.slice(2)));
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
  }).join('');
}

/** Clients write managedFields too, and what they wrote may be no JSON. */
function keysOf(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return { [text]: null };
  }
}

/** The JSON of FieldsV1. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const members: JsonObject = {};
  for (const key of [...set.children.keys()].sort()) {
    const child = set.children.get(key) as FieldSet;
    const below = toFieldsV1(child);
    // Every key has a prefix: none is a setter's name.
    members[key] = child.self && child.children.size > 0 ? { '.': {}, ...below } : below;
  }
  return members;
}

const pathElement = /^[fkvi]:/;

/** Reads FieldsV1; throws BadRequest where it is none. */
export function fromFieldsV1(json: JsonValue): FieldSet {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new ApiError('BadRequest', 'fieldsV1 must be an object');
  const children = new Map<string, FieldSet>();
  for (const key of Object.keys(json)) {
    if (key === '.') continue;
    if (!pathElement.test(key)) throw new ApiError('BadRequest', `fieldsV1: unknown path element ${JSON.stringify(key)}`);
    const value = json[key] as JsonValue;
    const child = fromFieldsV1(value);
    children.set(key, child.children.size === 0 ? leafField : { self: Object.hasOwn(value as JsonObject, '.'), children: child.children });
  }
  return { self: false, children };
}
