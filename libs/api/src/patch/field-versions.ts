import type { JsonObject } from '../resource';
import { difference, type FieldSet } from './field-set';
import type { MergeSchema } from './merge-schema';
import { TypedWalker, type Comparison } from './typed-value';

/** Another form in which the same objects are served: how they read there, and how what reads so there reads here. */
export interface FieldVersion {
  readonly message: string;
  from(object: JsonObject): JsonObject;
  back(object: JsonObject): JsonObject;
}

/** By apiVersion; undefined for the form that is spoken now, and for those nobody knows (any more). */
export type FieldVersions = (apiVersion: string) => FieldVersion | undefined;

/**
 * Field sets between the forms of one object. A set has the paths of the form it was made in, and a path has no counterpart by itself: what an object's parts are in the other form
 * is learned by converting the object.
 */
export class VersionedFields {
  private readonly walkers = new Map<string, { readonly version: FieldVersion; readonly walker: TypedWalker }>();
  private readonly comparisons = new Map<string, Comparison>();

  /** `before` and `after` in the form spoken now. */
  constructor(
    private readonly schema: MergeSchema, private readonly walker: TypedWalker, private readonly versions: FieldVersions | undefined, private readonly spoken: string,
    private readonly before: JsonObject,
  ) {}

  /** What changes between the object and `after`, in the paths of `apiVersion`. */
  changes(apiVersion: string, after: JsonObject): Comparison {
    const known = this.comparisons.get(apiVersion);
    if (known) return known;
    const other = this.other(apiVersion);
    const comparison = other ? other.walker.compare(other.version.from(this.before), other.version.from(after)) : this.walker.compare(this.before, after);
    this.comparisons.set(apiVersion, comparison);
    return comparison;
  }

  /** The paths spoken now of what a set of another version holds of the object. */
  translate(fields: FieldSet, apiVersion: string): FieldSet {
    const other = this.other(apiVersion);
    if (!other) return fields;
    const there = other.version.from(this.before);
    const held = other.walker.remove(there, withoutContainers(difference(other.walker.fieldsOf(there), fields), fields));
    return this.walker.fieldsOf(other.version.back(held));
  }

  private other(apiVersion: string): { readonly version: FieldVersion; readonly walker: TypedWalker } | undefined {
    if (apiVersion === this.spoken) return undefined;
    const known = this.walkers.get(apiVersion);
    if (known) return known;
    const version = this.versions?.(apiVersion);
    if (!version) return undefined;
    const made = { version, walker: new TypedWalker(this.schema, version.message) };
    this.walkers.set(apiVersion, made);
    return made;
  }
}

/** Of `gone`, no path above one that is held: removing it would take the held one along. */
function withoutContainers(gone: FieldSet, held: FieldSet): FieldSet {
  const children = [...gone.children].map(([key, child]): [string, FieldSet] => {
    const below = held.children.get(key);
    return [key, below ? withoutContainers(child, below) : child];
  });
  return { self: gone.self && held.children.size === 0 && !held.self, children: new Map(children) };
}
