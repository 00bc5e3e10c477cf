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

function build(self: boolean, entries: Iterable<readonly [string, FieldSet]>): FieldSet {
  const children = new Map([...entries].filter(([, child]) => !isEmptySet(child)));
  return { self, children };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  const children = new Map(a.children);
  for (const [key, child] of b.children) children.set(key, union(children.get(key) ?? emptyFields, child));
  return { self: a.self || b.self, children };
}

/** The paths of `a` that are not in `b`. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(b)) return a;
  return build(a.self && !b.self, [...a.children].map(([key, child]) => {
    const other = b.children.get(key);
    return [key, other ? difference(child, other) : child] as const;
  }));
}

/** `a` without any path at or below a path of `b`. */
export function withoutSubtrees(a: FieldSet, b: FieldSet): FieldSet {
  if (b.self) return emptyFields;
  return build(a.self, [...a.children].map(([key, child]) => {
    const other = b.children.get(key);
    return [key, other ? withoutSubtrees(child, other) : child] as const;
  }));
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return build(a.self && b.self, [...a.children].flatMap(([key, child]) => {
    const other = b.children.get(key);
    return other ? [[key, intersection(child, other)] as const] : [];
  }));
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
  const members = [...set.children].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, child]): [string, JsonValue] =>
    [key, child.children.size === 0 ? {} : { ...(child.self && { '.': {} }), ...toFieldsV1(child) }]);
  return Object.fromEntries(members);
}

/** Reads FieldsV1; throws BadRequest where it is none. */
export function fromFieldsV1(json: JsonValue): FieldSet {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new ApiError('BadRequest', 'fieldsV1 must be an object');
  const entries = Object.entries(json).filter(([key]) => key !== '.');
  const children = entries.map(([key, value]): [string, FieldSet] => {
    if (!/^[fkvi]:/.test(key)) throw new ApiError('BadRequest', `fieldsV1: unknown path element ${JSON.stringify(key)}`);
    const child = fromFieldsV1(value);
    const isLeaf = child.children.size === 0;
    return [key, isLeaf ? leafField : { self: Object.hasOwn(value as JsonObject, '.'), children: child.children }];
  });
  return { self: false, children: new Map(children) };
}
