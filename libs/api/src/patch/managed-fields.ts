import { ApiError } from '@navarch/base';

import type { JsonObject, JsonValue } from '../resource';
import {
  difference, emptyFields, equalSets, fromFieldsV1, intersection, isEmptySet, leafField, pathsOf, printPath, toFieldsV1, union, withoutSubtrees, type FieldSet,
} from './field-set';
import { VersionedFields, type FieldVersions } from './field-versions';
import type { MergeSchema } from './merge-schema';
import { changedFields, isJsonObject, TypedWalker } from './typed-value';

/**
 * Field ownership (KEP-555, server-side apply): who last set each field, kept in metadata.managedFields, and the two ways
 * to write with it. Pure: objects are their JSON, time is handed in.
 */
export interface FieldManager {
  /** The caller's name for itself. */
  readonly manager: string;
  /** group/version the caller wrote in. */
  readonly apiVersion: string;
  /** '' for the object itself. */
  readonly subresource: string;
  /** RFC 3339, whole seconds. */
  readonly time: string;
}

interface Entry extends FieldManager {
  readonly operation: 'Apply' | 'Update';
  readonly fields: FieldSet;
}

/** Fields nobody owns: identity, and what only the server writes. */
const unowned: FieldSet = fromFieldsV1({
  'f:apiVersion': {}, 'f:kind': {},
  'f:metadata': {
    'f:name': {}, 'f:generateName': {}, 'f:namespace': {}, 'f:creationTimestamp': {}, 'f:deletionTimestamp': {}, 'f:deletionGracePeriodSeconds': {},
    'f:generation': {}, 'f:managedFields': {}, 'f:resourceVersion': {}, 'f:selfLink': {}, 'f:uid': {},
  },
});

/** The parts that every object has, written or not: their members are owned, they are not. */
const frame: FieldSet = { self: false, children: new Map(['f:metadata', 'f:spec', 'f:status'].map((key) => [key, leafField])) };

function ownable(set: FieldSet, ignored: FieldSet | undefined): FieldSet {
  return difference(withoutSubtrees(withoutSubtrees(set, unowned), ignored ?? emptyFields), frame);
}

/** Update entries beyond this many are folded into one, the oldest first. */
const maxUpdateEntries = 10;
const foldedManager = 'ancient-changes';

export interface RecordOptions extends FieldManager {
  /** Paths that this endpoint does not write (status through the object itself, all else through status). */
  readonly ignored?: FieldSet;
  /** The other forms of the object: an entry keeps the paths of the one it was made in. */
  readonly versions?: FieldVersions;
}

export interface ApplyOptions extends RecordOptions {
  readonly force: boolean;
}

/**
 * Applies `intent` as `options.manager`: sets its fields, drops those it set before and no longer does, unless others hold
 * them. Throws Conflict (a cause per field and manager) where it would change what others own, unless forced.
 */
export function applyIntent(live: JsonObject | undefined, intent: JsonObject, message: string, schema: MergeSchema, options: ApplyOptions): JsonObject {
  const walker = new TypedWalker(schema, message);
  if (managedFieldsOf(intent).length > 0) throw new ApiError('BadRequest', 'metadata.managedFields must be nil');
  const wanted = options.ignored ? walker.remove(withoutNulls(intent), options.ignored) : withoutNulls(intent);
  const base = withoutManagedFields(live ?? {});
  const entries = live ? entriesOf(live, walker, options) : [];
  const mine = entries.find((entry) => isSame(entry, { ...options, operation: 'Apply' }));
  const others = entries.filter((entry) => entry !== mine);

  const fields = ownable(walker.fieldsOf(wanted), options.ignored);
  const merged = walker.merge(base, wanted);
  const versions = new VersionedFields(schema, walker, options.versions, options.apiVersion, base);
  const changes = (apiVersion: string): FieldSet => {
    const all = ownable(changedFields(versions.changes(apiVersion, merged)), options.ignored);
    return apiVersion === options.apiVersion ? intersection(all, fields) : all;
  };
  // Merging takes nothing away, but what replaces a whole here may be the end of a field there.
  const remaining = resolveConflicts(others, changes, options.force)
    .map((entry) => ({ ...entry, fields: difference(entry.fields, ownable(versions.changes(entry.apiVersion, merged).removed, options.ignored)) }));

  const held = remaining.reduce((set, entry) => union(set, versions.translate(entry.fields, entry.apiVersion)), emptyFields);
  const dropped = mine ? difference(difference(versions.translate(mine.fields, mine.apiVersion), fields), held) : emptyFields;
  const pruned = walker.remove(merged, onlyWholeRemovals(dropped, union(fields, held)));
  return withEntries(pruned, [...remaining, keepTime({ ...pick(options), operation: 'Apply', fields }, mine)]);
}

/** Records that `options.manager` changed `live` into `next` by anything but apply; answers `next` with its managedFields. */
export function recordUpdate(live: JsonObject | undefined, next: JsonObject, message: string, schema: MergeSchema, options: RecordOptions): JsonObject {
  const walker = new TypedWalker(schema, message);
  // A writer that sends an empty entry asks for ownership to be forgotten, one that sends others hands it over; none at all leaves it as it was.
  const reset = live !== undefined && isReset(next);
  const entries = live && !reset ? entriesOf(managedFieldsOf(next).length > 0 ? next : live, walker, options) : [];
  const after = withoutManagedFields(next);
  const versions = new VersionedFields(schema, walker, options.versions, options.apiVersion, withoutManagedFields(live ?? {}));
  const changes = (apiVersion: string): { taken: FieldSet; gone: FieldSet } => {
    const comparison = versions.changes(apiVersion, after);
    return { taken: ownable(changedFields(comparison), options.ignored), gone: ownable(comparison.removed, options.ignored) };
  };
  const { taken, gone } = changes(options.apiVersion);
  const mine = entries.find((entry) => isSame(entry, { ...options, operation: 'Update' }));
  const others = entries.filter((entry) => entry !== mine).map((entry) => {
    const lost = entry.apiVersion === options.apiVersion ? { taken, gone } : changes(entry.apiVersion);
    return { ...entry, fields: difference(difference(entry.fields, lost.taken), lost.gone) };
  });
  const fields = difference(union(mine?.fields ?? emptyFields, taken), gone);
  return withEntries(after, [...others, keepTime({ ...pick(options), operation: 'Update', fields }, mine)]);
}

function pick({ manager, apiVersion, subresource, time }: FieldManager): FieldManager {
  return { manager, apiVersion, subresource, time };
}

function isSame(entry: Entry, other: FieldManager & { operation: Entry['operation'] }): boolean {
  return entry.manager === other.manager && entry.operation === other.operation && entry.subresource === other.subresource
    && (entry.operation === 'Apply' || entry.apiVersion === other.apiVersion);
}

/** An entry keeps its time as long as its fields stay the same. */
function keepTime(entry: Entry, previous: Entry | undefined): Entry {
  return previous && equalSets(previous.fields, entry.fields) ? { ...entry, time: previous.time } : entry;
}

function resolveConflicts(others: readonly Entry[], changes: (apiVersion: string) => FieldSet, force: boolean): Entry[] {
  const conflicts = others.map((entry) => ({ entry, fields: intersection(entry.fields, changes(entry.apiVersion)) })).filter(({ fields }) => !isEmptySet(fields));
  if (conflicts.length === 0) return [...others];
  if (!force) throw conflictError(conflicts);
  return others.map((entry) => ({ ...entry, fields: difference(entry.fields, changes(entry.apiVersion)) }));
}

function conflictError(conflicts: readonly { entry: Entry; fields: FieldSet }[]): ApiError {
  const causes = conflicts.flatMap(({ entry, fields }) => pathsOf(fields).map((path) => ({
    reason: 'FieldManagerConflict', field: printPath(path),
    message: `conflict with ${JSON.stringify(entry.manager)}${entry.subresource ? ` with subresource ${JSON.stringify(entry.subresource)}` : ''}${entry.operation === 'Update' ? ` using ${entry.apiVersion}` : ''}`,
  })));
  const list = causes.map(({ message, field }) => `${message}: ${field}`);
  const text = list.length === 1 ? list[0] : `conflicts with ${conflicts.map(({ entry }) => JSON.stringify(entry.manager)).join(', ')}:\n${list.map((line) => `- ${line}`).join('\n')}`;
  return new ApiError('Conflict', `Apply failed with ${causes.length} conflict${causes.length === 1 ? '' : 's'}: ${text}`, { causes });
}

/** Of the paths to drop, those under which nothing else is held: a shared container stays. */
function onlyWholeRemovals(dropped: FieldSet, kept: FieldSet): FieldSet {
  const children = [...dropped.children].map(([key, child]): [string, FieldSet] => {
    const other = kept.children.get(key);
    return [key, other ? onlyWholeRemovals(child, other) : child];
  });
  const keptBelow = kept.children.size > 0 || kept.self;
  return { self: dropped.self && !keptBelow, children: new Map(children.filter(([, child]) => !isEmptySet(child))) };
}

function managedFieldsOf(object: JsonObject): JsonValue[] {
  const metadata = object['metadata'];
  const list = isJsonObject(metadata) ? metadata['managedFields'] : undefined;
  return Array.isArray(list) ? list : [];
}

function isReset(object: JsonObject): boolean {
  const metadata = object['metadata'];
  return isJsonObject(metadata) && Array.isArray(metadata['managedFields']) && managedFieldsOf(object).every((entry) => isJsonObject(entry) && Object.keys(entry).length === 0);
}

/** The entries of a live object. Where it has none, all that it sets counts as set before anybody applied. */
function entriesOf(live: JsonObject, walker: TypedWalker, writer: FieldManager): Entry[] {
  const entries = managedFieldsOf(live).filter(isJsonObject).map((entry): Entry => ({
    manager: String(entry['manager'] ?? 'unknown'), operation: entry['operation'] === 'Apply' ? 'Apply' : 'Update', apiVersion: String(entry['apiVersion'] ?? ''),
    subresource: String(entry['subresource'] ?? ''), time: String(entry['time'] ?? ''), fields: fromFieldsV1(entry['fieldsV1'] ?? {}),
  }));
  if (entries.length > 0) return entries;
  const fields = withoutSubtrees(walker.fieldsOf(withoutManagedFields(live)), unowned);
  return [{ manager: 'before-first-apply', operation: 'Update', apiVersion: writer.apiVersion, subresource: '', time: writer.time, fields }];
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const metadata = object['metadata'];
  if (!isJsonObject(metadata) || !Object.hasOwn(metadata, 'managedFields')) return object;
  const { managedFields: _managedFields, ...rest } = metadata;
  return { ...object, metadata: rest };
}

function withEntries(object: JsonObject, entries: readonly Entry[]): JsonObject {
  const held = fold(entries.filter(({ fields }) => !isEmptySet(fields)));
  const order = (entry: Entry): string => `${entry.operation} ${entry.time} ${entry.manager} ${entry.subresource}`;
  const managedFields = held.sort((a, b) => (order(a) < order(b) ? -1 : 1)).map((entry): JsonObject => ({
    manager: entry.manager, operation: entry.operation, apiVersion: entry.apiVersion, time: entry.time,
    fieldsType: 'FieldsV1', fieldsV1: toFieldsV1(entry.fields), ...(entry.subresource && { subresource: entry.subresource }),
  }));
  const metadata = object['metadata'];
  return { ...object, metadata: { ...(isJsonObject(metadata) && metadata), ...(managedFields.length > 0 && { managedFields }) } };
}

function fold(entries: readonly Entry[]): Entry[] {
  const updates = entries.filter(({ operation }) => operation === 'Update').sort((a, b) => (a.time < b.time ? -1 : 1));
  const surplus = updates.length - maxUpdateEntries;
  const oldest = updates[0];
  if (surplus <= 0 || !oldest) return [...entries];
  const folded = updates.slice(0, surplus + 1);
  const fields = folded.reduce((set, entry) => union(set, entry.fields), emptyFields);
  return [...entries.filter((entry) => !folded.includes(entry)), { ...oldest, manager: foldedManager, fields }];
}

/** An intent without nulls, which say nothing; what has none is not copied. */
function withoutNulls<T extends JsonValue>(value: T): T {
  if (Array.isArray(value)) {
    const items = value.map((item) => withoutNulls(item));
    return (items.every((item, index) => item === value[index]) ? value : items) as T;
  }
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== null).map(([key, member]): [string, JsonValue] => [key, withoutNulls(member)]);
  const same = entries.length === Object.keys(value).length && entries.every(([key, member]) => member === value[key]);
  return same ? value : Object.fromEntries(entries) as T;
}
