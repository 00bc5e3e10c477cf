import type { ApiObject, Column, FieldError, Resource } from '../resource';

/** Failures as a person reads them. */
export const texts = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

/** What a table shows of an object, by column. */
export function cells<T extends ApiObject>(resource: { readonly columns: readonly Column<T>[] }, object: T, nowMs = 100_000): Record<string, unknown> {
  return Object.fromEntries(resource.columns.map(({ name, value }) => [name, value(object, nowMs)]));
}

/** As the server holds it after a create: uid, defaults, what the kind prepares. */
export function created<T extends ApiObject>(resource: Resource<T>, object: T): T {
  const copy = structuredClone(object);
  copy.metadata = { name: 'x', namespace: resource.namespaced ? 'team' : undefined, ...copy.metadata, uid: 'u1' };
  resource.setDefaults(copy);
  resource.prepareForCreate(copy);
  return copy;
}

/** What creating the object is refused for. */
export const refused = <T extends ApiObject>(resource: Resource<T>, object: T): string[] => texts(resource.validateCreate(created(resource, object)));

/** An update through the main door: what becomes of the object, and what is refused. */
export function updated<T extends ApiObject>(resource: Resource<T>, previous: T, change: (object: T) => void): { next: T; errors: string[] } {
  const next = structuredClone(previous);
  change(next);
  resource.setDefaults(next);
  resource.prepareForUpdate(next, previous);
  return { next, errors: texts(resource.validateUpdate(next, previous)) };
}

/** What a change through the status door is refused for. */
export function statusRefused<T extends ApiObject & { status?: unknown }>(resource: Resource<T>, previous: T, status: T['status']): string[] {
  const next = resource.status?.prepareForUpdate({ ...structuredClone(previous), status }, previous) ?? previous;
  return texts(resource.status?.validateUpdate(next, previous) ?? []);
}
