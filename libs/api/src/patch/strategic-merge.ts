import { ApiError } from '@navarch/base';

import type { JsonObject, JsonValue } from '../resource';
import type { FieldRule, MergeSchema } from './merge-schema';

const replaceDirective = '$patch';
const retainDirective = '$retainKeys';
const orderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

type Item = JsonValue;

/**
 * Applies a strategic merge patch to an object of `message` and answers the result; neither argument is changed.
 * Lists merge by the kind's own patch keys; `$patch`, `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…`
 * direct it. Throws BadRequest where the patch is not one. Source: Kubernetes' "Update API Objects in Place Using kubectl
 * patch", and the api-conventions page on strategic merge patch.
 */
export function strategicMerge(original: JsonObject, patch: JsonObject, message: string, schema: MergeSchema): JsonObject {
  return mergeObject(original, patch, message, schema, '');
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(path: string, message: string): ApiError {
  return new ApiError('BadRequest', `invalid strategic merge patch${path ? ` at ${path}` : ''}: ${message}`);
}

function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets without going through a setter such as __proto__'s. */
function put(object: JsonObject, key: string, value: JsonValue): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

function mergeObject(original: JsonObject, patch: JsonObject, message: string | undefined, schema: MergeSchema, path: string): JsonObject {
  const directive = own(patch, replaceDirective);
  if (directive === 'replace') return withoutDirectives(omit(patch, replaceDirective)) as JsonObject;
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw bad(path, `unknown $patch ${JSON.stringify(directive)}; it may be replace, merge or delete`);

  const result = retain(original, patch, path);
  for (const [key, value] of Object.entries(patch)) {
    if (key === replaceDirective || key === retainDirective || key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue;
    const rule = message === undefined ? undefined : schema(message, key);
    mergeMember(result, key, value, rule, patch, schema, path ? `${path}.${key}` : key);
  }
  for (const key of Object.keys(patch)) {
    if (key.startsWith(orderPrefix)) reorderUntouched(result, key.slice(orderPrefix.length), patch, message, schema, path);
    else if (key.startsWith(deletePrefix) && !Object.hasOwn(patch, key.slice(deletePrefix.length))) deletePrimitives(result, key.slice(deletePrefix.length), patch, path);
  }
  return result;
}

function mergeMember(
  result: JsonObject, key: string, value: JsonValue, rule: FieldRule | undefined, patch: JsonObject, schema: MergeSchema, path: string,
): void {
  if (value === null) {
    delete result[key];
    return;
  }
  const present = own(result, key);
  if (isObject(value)) {
    // A map's values are objects of the map's message; the map itself has none.
    const merge = isObject(present) && !rule?.strategies.includes('replace');
    const base = merge ? present : {};
    put(result, key, rule?.shape === 'map' ? mergeMap(base, value, rule, schema, path) : mergeObject(base, value, rule?.message, schema, path));
  } else if (Array.isArray(value) && rule?.strategies.includes('merge')) {
    deletePrimitives(result, key, patch, path);
    const kept = own(result, key);
    put(result, key, mergeList(Array.isArray(kept) ? kept : [], value, rule, orderOf(patch, key, path), schema, path));
  } else {
    put(result, key, withoutDirectives(value));
  }
}

function mergeMap(original: JsonObject, patch: JsonObject, rule: FieldRule, schema: MergeSchema, path: string): JsonObject {
  const result = mergeObject(original, Object.fromEntries(Object.entries(patch).filter(([, value]) => !isObject(value))), undefined, schema, path);
  for (const [key, value] of Object.entries(patch)) {
    const present = own(original, key);
    if (isObject(value)) put(result, key, mergeObject(isObject(present) ? present : {}, value, rule.message, schema, `${path}.${key}`));
  }
  return result;
}

/** A copy of the original with only the members that `$retainKeys` lists, where the patch has one. */
function retain(original: JsonObject, patch: JsonObject, path: string): JsonObject {
  const keep = own(patch, retainDirective);
  if (keep === undefined) return { ...original };
  if (!Array.isArray(keep)) throw bad(path, '$retainKeys must be a list of member names');
  const kept = new Set(keep);
  const stray = Object.keys(patch).find((key) => !key.startsWith('$') && patch[key] !== null && !kept.has(key));
  if (stray !== undefined) throw bad(path, `$retainKeys must list every member that the patch sets; ${stray} is missing`);
  return Object.fromEntries(Object.entries(original).filter(([key]) => kept.has(key)));
}

function orderOf(patch: JsonObject, key: string, path: string): readonly Item[] | undefined {
  const order = own(patch, orderPrefix + key);
  if (order !== undefined && !Array.isArray(order)) throw bad(path, `${orderPrefix}${key} must be a list`);
  return order;
}

function deletePrimitives(result: JsonObject, key: string, patch: JsonObject, path: string): void {
  const gone = own(patch, deletePrefix + key);
  if (gone === undefined) return;
  if (!Array.isArray(gone)) throw bad(path, `${deletePrefix}${key} must be a list`);
  const present = own(result, key);
  const values = new Set(gone);
  if (Array.isArray(present)) put(result, key, present.filter((item) => !values.has(item)));
}

/** An order given for a list that the patch does not otherwise touch. */
function reorderUntouched(result: JsonObject, key: string, patch: JsonObject, message: string | undefined, schema: MergeSchema, path: string): void {
  const present = own(result, key);
  const rule = message === undefined ? undefined : schema(message, key);
  if (Object.hasOwn(patch, key) || !Array.isArray(present) || !rule?.strategies.includes('merge')) return;
  put(result, key, inOrder(present, present, orderOf(patch, key, path) ?? [], rule.patchKey));
}

function identity(item: Item, patchKey: string | undefined): string {
  return JSON.stringify(patchKey !== undefined && isObject(item) ? (own(item, patchKey) ?? null) : item);
}

function mergeList(original: readonly Item[], patch: readonly Item[], rule: FieldRule, order: readonly Item[] | undefined, schema: MergeSchema, path: string): Item[] {
  const { patchKey } = rule;
  if (patchKey === undefined) {
    return inOrder([...new Set([...original, ...patch])], original, order ?? patch, undefined);
  }
  const elements = patch.map((item, index) => {
    if (!isObject(item)) throw bad(`${path}[${index}]`, 'must be an object');
    return item;
  });
  if (elements.some((item) => item[replaceDirective] === 'replace')) {
    return elements.filter((item) => item[replaceDirective] !== 'replace').map((item) => withoutDirectives(item));
  }
  for (const [index, item] of elements.entries()) {
    if (!Object.hasOwn(item, patchKey)) throw bad(`${path}[${index}]`, `does not contain declared merge key: ${patchKey}`);
  }
  const merged = mergeElements(original, elements, patchKey, rule, schema, path);
  return inOrder(merged, original, order ?? elements, patchKey);
}

function mergeElements(original: readonly Item[], patch: readonly JsonObject[], patchKey: string, rule: FieldRule, schema: MergeSchema, path: string): Item[] {
  const gone = new Set(patch.filter((item) => item[replaceDirective] === 'delete').map((item) => identity(item, patchKey)));
  const merged = original.filter((item) => !gone.has(identity(item, patchKey)));
  const places = new Map<string, number>();
  for (const [at, item] of merged.entries()) if (!places.has(identity(item, patchKey))) places.set(identity(item, patchKey), at);
  for (const item of patch) {
    if (item[replaceDirective] === 'delete') continue;
    const id = identity(item, patchKey);
    const at = places.get(id) ?? merged.length;
    const base = merged[at];
    merged[at] = mergeObject(isObject(base) ? base : {}, item, rule.message, schema, `${path}[${patchKey}=${id}]`);
    places.set(id, at);
  }
  return merged;
}

/**
 * Items that `order` names stand in its order, the others in the original's; where both orders speak of two items, the
 * original decides which run comes first, else the ordered ones do.
 */
function inOrder(items: readonly Item[], original: readonly Item[], order: readonly Item[], patchKey: string | undefined): Item[] {
  const rank = (list: readonly Item[]): Map<string, number> => new Map(list.map((item, index) => [identity(item, patchKey), index]));
  const [wanted, before] = [rank(order), rank(original)];
  const ranked = items.map((item) => {
    const id = identity(item, patchKey);
    return { item, wanted: wanted.get(id), before: before.get(id) };
  });
  const ordered = ranked.filter((item) => item.wanted !== undefined).sort((a, b) => (a.wanted ?? 0) - (b.wanted ?? 0));
  const others = ranked.filter((item) => item.wanted === undefined).sort((a, b) => (a.before ?? 0) - (b.before ?? 0));
  const result: Item[] = [];
  let at = 0;
  for (const next of ordered) {
    for (let other = others[at]; other && isBefore(other, next); other = others[++at]) result.push(other.item);
    result.push(next.item);
  }
  return [...result, ...others.slice(at).map(({ item }) => item)];
}

function isBefore(a: { readonly before: number | undefined }, b: { readonly before: number | undefined }): boolean {
  return a.before !== undefined && b.before !== undefined && a.before < b.before;
}

function omit(object: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

/** What a patch sets where nothing stood before: without nulls and directives. */
function withoutDirectives(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.filter((item) => !isObject(item) || item[replaceDirective] !== 'delete').map(withoutDirectives);
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key, member]) =>
    member !== null && key !== replaceDirective && key !== retainDirective && !key.startsWith(orderPrefix) && !key.startsWith(deletePrefix));
  return Object.fromEntries(kept.map(([key, member]) => [key, withoutDirectives(member)]));
}
