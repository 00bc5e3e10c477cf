import type { ApiObject, FieldError, Resource } from '../resource';

const texts = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

/** A kind's rules, as the server applies them in turn; each call works on copies. */
export function judge<T extends ApiObject>(resource: Resource<T>): {
  /** With its defaults. */
  defaulted(object: T): T;
  /** As a create leaves it. */
  created(object: T): T;
  /** What a create complains of. */
  create(object: T): string[];
  /** The state an update asks for, from one that was created. */
  updated(next: T, previous: T): T;
  /** What an update complains of. */
  update(next: T, previous: T): string[];
  /** What a status update complains of. */
  status(next: T, previous: T): string[];
  cells(object: T, nowMs?: number): Record<string, string | number | boolean>;
} {
  const defaulted = (object: T): T => {
    const copy = structuredClone(object);
    resource.setDefaults(copy);
    return copy;
  };
  const created = (object: T): T => {
    const made = defaulted(object);
    resource.prepareForCreate(made);
    return made;
  };
  const updated = (next: T, previous: T): T => {
    const made = defaulted(next);
    // As the server does it: generation is not the caller's.
    if (made.metadata) made.metadata.generation = previous.metadata?.generation;
    resource.prepareForUpdate(made, previous);
    return made;
  };
  return {
    defaulted, created, updated,
    create: (object) => texts(resource.validateCreate(created(object))),
    update(next, previous) {
      const before = created(previous);
      return texts(resource.validateUpdate(updated(next, before), before));
    },
    status(next, previous) {
      const prepared = resource.status?.prepareForUpdate(defaulted(next), previous);
      return prepared && resource.status ? texts(resource.status.validateUpdate(prepared, previous)) : [];
    },
    cells: (object, nowMs = 100_000) => Object.fromEntries(resource.columns.map(({ name, value }) => [name, value(object, nowMs)])),
  };
}
