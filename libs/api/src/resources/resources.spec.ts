import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';

import { withResourceVersion } from '../codec/with-resource-version';
import type { Fields } from '../codec/plan';
import type { ApiObject, JsonValue, Resource } from '../resource';
import { arbitraryMessage } from '../testing/arbitrary';
import { minimalObjects } from '../testing/samples';
import { allResources } from '.';

interface Facts {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly (readonly [string])[];
  readonly columns: readonly (readonly [string, string, string, number])[];
}

const facts = (JSON.parse(readFileSync(join(__dirname, '../../../../tools/facts/k8s-resources.json'), 'utf8')) as { resources: Facts[] }).resources;
const nowMs = 1_700_000_000_000;

/** As the server would hold it after a create. */
function created(resource: Resource): ApiObject {
  const object = structuredClone(minimalObjects[`${resource.plural}.${resource.version}.${resource.group}`] ?? minimalObjects[resource.plural]) as ApiObject;
  object.metadata = { ...object.metadata, uid: '0' };
  resource.setDefaults(object);
  resource.prepareForCreate(object);
  return object;
}

const copy = (object: ApiObject): ApiObject => structuredClone(object);

/** Two faces of one kind have the same plural: those that are stored otherwise are told by group and version. */
const titleOf = ({ plural, group, version, storedAs }: Resource): string => (storedAs ? `${plural}.${version}.${group}` : plural);

describe.each(allResources.map((resource) => [titleOf(resource), resource] as const))('%s', (_title, resource) => {
  const { plural } = resource;
  const fact = facts.find((one) => one.plural === plural && one.group === resource.group && one.version === resource.version) as Facts;

  it('has the names, verbs and subresources that Kubernetes gives it', () => {
    const { kind, singular, shortNames, categories, namespaced } = resource;
    expect({ kind, singular, shortNames, categories, namespaced }).toEqual({
      kind: fact.kind, singular: fact.singular, shortNames: fact.shortNames, categories: fact.categories, namespaced: fact.namespaced,
    });
    expect([...resource.verbs].sort()).toEqual(fact.verbs);
    expect([...resource.subresources].sort()).toEqual(fact.subresources.map(([name]) => name));
  });

  it('prints the columns that Kubernetes prints', () => {
    expect(resource.columns.map(({ name, type, priority = 0 }) => [name, type, priority])).toEqual(fact.columns.map(([name, type, , priority]) => [name, type, priority]));
    for (const column of resource.columns) expect(['string', 'number', 'boolean']).toContain(typeof column.value(created(resource), nowMs));
    for (const column of resource.columns) expect(() => column.value({}, nowMs)).not.toThrow();
  });

  it('accepts the least that it needs', () => {
    expect(resource.validateCreate(created(resource))).toEqual([]);
  });

  it('has idempotent defaults', () => {
    const once = created(resource);
    const twice = copy(once);
    resource.setDefaults(twice);
    expect(twice).toEqual(once);
  });

  it('has idempotent defaults on any object, which change nothing that was set', () => {
    fc.assert(fc.property(arbitraryMessage(resource.codec.message), (message) => {
      const once = copy(message as ApiObject);
      resource.setDefaults(once);
      const twice = copy(once);
      resource.setDefaults(twice);
      expect(twice).toEqual(once);
    }), { numRuns: 15 });
  });

  it('survives protobuf and JSON with its defaults set, and carries its version', () => {
    const object = created(resource);
    const bytes = resource.codec.encode(object);
    const normal = resource.codec.decode(bytes);
    expect(resource.codec.fromJson(resource.codec.toJson(normal), { fieldValidation: 'Strict' })).toEqual(normal);
    expect(resource.codec.decode(resource.codec.encode(normal))).toEqual(normal);
    expect(resource.codec.decode(withResourceVersion(bytes, '42')).metadata?.resourceVersion).toBe('42');
  });

  it('validates any object without throwing', () => {
    fc.assert(fc.property(arbitraryMessage(resource.codec.message), arbitraryMessage(resource.codec.message), (one, other) => {
      const [next, previous] = [one, other].map((message) => copy(message as ApiObject)) as [ApiObject, ApiObject];
      resource.setDefaults(next);
      expect(Array.isArray(resource.validateCreate(next))).toBe(true);
      resource.prepareForUpdate(next, previous);
      expect(Array.isArray(resource.validateUpdate(next, previous))).toBe(true);
      if (resource.status) expect(Array.isArray(resource.status.validateUpdate(resource.status.prepareForUpdate(next, previous), previous))).toBe(true);
    }), { numRuns: 15 });
  });

  it('refuses an object without a name, with a malformed one, and with a wrong namespace', () => {
    const broken = (metadata: ApiObject['metadata']): string[] => {
      const object = created(resource);
      object.metadata = { ...object.metadata, ...metadata };
      return resource.validateCreate(object).map(({ field }) => field);
    };
    expect(broken({ name: undefined })).toContain('metadata.name');
    expect(broken({ name: 'Not_A/Name' })).toContain('metadata.name');
    expect(broken({ namespace: resource.namespaced ? undefined : 'team' })).toContain('metadata.namespace');
    expect(broken({ labels: { '-bad-': 'x' } })).toContain('metadata.labels');
    expect(broken({ annotations: { a: 'x'.repeat(256 * 1024) } })).toContain('metadata.annotations');
    expect(broken({ finalizers: ['mine'] })).toContain('metadata.finalizers[0]');
    expect(broken({ ownerReferences: [{ kind: 'Pod', name: 'x', uid: '1' }] })).toContain('metadata.ownerReferences[0].apiVersion');
  });

  it('accepts an unchanged update, and refuses one that changes the identity', () => {
    const previous = created(resource);
    previous.metadata = { ...previous.metadata, uid: '1', creationTimestamp: { seconds: 1 } };
    const same = copy(previous);
    resource.prepareForUpdate(same, previous);
    expect(resource.validateUpdate(same, previous)).toEqual([]);
    expect(resource.changesWanted(same, previous)).toBe(false);
    const other = copy(previous);
    other.metadata = { ...other.metadata, uid: '2' };
    expect(resource.validateUpdate(other, previous)).toContainEqual({ type: 'Invalid', field: 'metadata.uid', message: 'Invalid value: "2": field is immutable' });
  });

  it('refuses a finalizer that is new while the object is being deleted', () => {
    const previous = created(resource);
    previous.metadata = { ...previous.metadata, deletionTimestamp: { seconds: 5 }, finalizers: ['a.b/c'] };
    const next = copy(previous);
    next.metadata = { ...next.metadata, finalizers: ['a.b/c', 'a.b/d'] };
    expect(resource.validateUpdate(next, previous)).toContainEqual({
      type: 'Forbidden', field: 'metadata.finalizers', message: 'Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ["a.b/d"]',
    });
  });

  it('offers only field selectors that answer for every object', () => {
    for (const read of Object.values(resource.fieldSelectors)) {
      expect(typeof read(created(resource))).toBe('string');
      expect(typeof read({})).toBe('string');
    }
    for (const field of resource.indexedFields) expect(resource.fieldSelectors).toHaveProperty([field]);
  });

  it('lets status change through its own door only', () => {
    if (!resource.status) return expect(resource.subresources).not.toContain('status');
    const previous = created(resource) as ApiObject & { status?: Fields };
    const next = copy(previous) as ApiObject & { status?: Fields; spec?: Fields };
    // The older face of autoscalers has no conditions.
    next.status = { ...next.status, ...(resource.storedAs ? { observedGeneration: 7 } : { conditions: [{ type: 'New', status: 'True' }] }) };
    const throughMain = copy(next);
    resource.prepareForUpdate(throughMain, previous);
    expect((throughMain as typeof next).status).toEqual(previous.status);
    next.spec = { changed: true };
    const throughStatus = resource.status.prepareForUpdate(next, previous) as typeof next;
    expect(throughStatus.status).toEqual(next.status);
    expect(throughStatus.spec).toEqual((previous as typeof next).spec);
    expect(resource.changesWanted(throughStatus, previous)).toBe(false);
  });

  it('prints JSON that a strict reader takes', () => {
    const json = { apiVersion: 'v1', kind: resource.kind, ...resource.codec.toJson(created(resource)) } as JsonValue;
    expect(() => resource.codec.fromJson(json, { fieldValidation: 'Strict' })).not.toThrow();
  });
});
