import { hasReason, type ApiError } from '@navarch/base';
import fc from 'fast-check';

import type { JsonObject } from '../resource';
import { emptyFields, equalSets, fromFieldsV1, toFieldsV1, union } from './field-set';
import { applyIntent, recordUpdate } from './managed-fields';
import { kindMergeSchema } from './kind-merge-schema';

const schema = kindMergeSchema();
const who = (manager: string, force = false) => ({ manager, force, apiVersion: 'v1', subresource: '', time: '2026-01-01T00:00:00Z' });
const pod = 'k8s.io.api.core.v1.Pod';
const configMap = 'k8s.io.api.core.v1.ConfigMap';
const apply = (live: JsonObject | undefined, intent: JsonObject, manager: string, force = false, message = configMap): JsonObject =>
  applyIntent(live, intent, message, schema, who(manager, force));
const update = (live: JsonObject | undefined, next: JsonObject, manager: string, message = configMap): JsonObject =>
  recordUpdate(live, next, message, schema, who(manager));
const data = (values: Record<string, string>): JsonObject => ({ metadata: { name: 'c' }, data: values });
const owners = (object: JsonObject): Record<string, JsonObject> => Object.fromEntries(
  ((object['metadata'] as JsonObject)['managedFields'] as JsonObject[]).map(({ manager, operation, fieldsV1 }) => [`${String(manager)} ${String(operation)}`, fieldsV1 as JsonObject]));

function conflictOf(work: () => unknown): ApiError {
  try {
    work();
  } catch (error) {
    if (hasReason(error, 'Conflict')) return error;
    throw error;
  }
  throw new Error('no conflict');
}

describe('server-side apply', () => {
  it('creates with the intent and owns just what it sets', () => {
    const created = apply(undefined, data({ a: '1' }), 'alice');
    expect(created['data']).toEqual({ a: '1' });
    expect(owners(created)).toEqual({ 'alice Apply': { 'f:data': { 'f:a': {} } } });
  });

  it('drops what the manager set before and no longer does', () => {
    const created = apply(undefined, data({ a: '1', b: '2' }), 'alice');
    expect(apply(created, data({ b: '2' }), 'alice')['data']).toEqual({ b: '2' });
  });

  it('keeps a dropped field that another manager holds too', () => {
    const shared = apply(apply(undefined, data({ a: '1' }), 'alice'), data({ a: '1' }), 'bob');
    const left = apply(shared, data({}), 'alice');
    expect(left['data']).toEqual({ a: '1' });
    expect(owners(left)).toEqual({ 'bob Apply': { 'f:data': { 'f:a': {} } }, 'alice Apply': { 'f:data': {} } });
  });

  it('refuses to change what another holds, naming manager and field, and takes it when forced', () => {
    const created = apply(undefined, data({ a: '1' }), 'alice');
    const error = conflictOf(() => apply(created, data({ a: '2' }), 'bob'));
    expect(error.message).toBe('Apply failed with 1 conflict: conflict with "alice": .data.a');
    expect(error.details.causes).toEqual([{ reason: 'FieldManagerConflict', field: '.data.a', message: 'conflict with "alice"' }]);
    const forced = apply(created, data({ a: '2' }), 'bob', true);
    expect(forced['data']).toEqual({ a: '2' });
    expect(owners(forced)).toEqual({ 'bob Apply': { 'f:data': { 'f:a': {} } } });
  });

  it('shares a field that both set to the same value', () => {
    const shared = apply(apply(undefined, data({ a: '1' }), 'alice'), data({ a: '1' }), 'bob');
    expect(Object.keys(owners(shared))).toEqual(expect.arrayContaining(['alice Apply', 'bob Apply']));
  });

  it('lets an update take fields over, and names its way of writing in the conflict', () => {
    const created = apply(undefined, data({ a: '1', b: '2' }), 'alice');
    const changed = update(created, { ...created, data: { a: '9', b: '2' } }, 'editor');
    expect(owners(changed)).toEqual({ 'alice Apply': { 'f:data': { 'f:b': {} } }, 'editor Update': { 'f:data': { 'f:a': {} } } });
    expect(conflictOf(() => apply(changed, data({ a: '1' }), 'alice')).message).toContain('conflict with "editor" using v1: .data.a');
  });

  it('forgets fields that an update removes', () => {
    const created = update(undefined, data({ a: '1', b: '2' }), 'editor');
    const changed = update(created, { ...created, data: { b: '2' } }, 'other');
    expect(owners(changed)['editor Update']).toEqual({ 'f:data': { '.': {}, 'f:b': {} } });
  });

  it('counts what stood before anybody applied as set by before-first-apply', () => {
    expect(conflictOf(() => apply(data({ a: '1' }), data({ a: '2' }), 'alice')).message).toContain('"before-first-apply" using v1: .data.a');
  });

  it('keeps the entry and its time when nothing changes', () => {
    const created = apply(undefined, data({ a: '1' }), 'alice');
    const again = applyIntent(created, data({ a: '1' }), configMap, schema, { ...who('alice'), time: '2027-01-01T00:00:00Z' });
    expect(again).toEqual(created);
  });

  it('merges keyed lists by element, with the defaulted key of a port', () => {
    const spec = (...ports: JsonObject[]): JsonObject => ({ metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'x', ports }] } });
    const created = apply(undefined, spec({ containerPort: 80 }), 'alice', false, pod);
    const both = apply(created, { spec: { containers: [{ name: 'a', ports: [{ containerPort: 80, protocol: 'UDP' }] }] } }, 'bob', false, pod);
    const [container] = (both['spec'] as JsonObject)['containers'] as JsonObject[];
    expect(container).toEqual({ name: 'a', image: 'x', ports: [{ containerPort: 80 }, { containerPort: 80, protocol: 'UDP' }] });
    expect(Object.keys((owners(both)['bob Apply']?.['f:spec'] as JsonObject)['f:containers'] as JsonObject)).toEqual(['k:{"name":"a"}']);
  });

  it('removes an element that only its manager held, and keeps one that others hold a part of', () => {
    const two = apply(undefined, { spec: { containers: [{ name: 'a', image: 'x' }, { name: 'b', image: 'y' }] } }, 'alice', false, pod);
    const one = apply(two, { spec: { containers: [{ name: 'a', image: 'x' }] } }, 'alice', false, pod);
    expect((one['spec'] as JsonObject)['containers']).toEqual([{ name: 'a', image: 'x' }]);
    const shared = apply(two, { spec: { containers: [{ name: 'b', tty: true }] } }, 'bob', false, pod);
    const left = apply(shared, { spec: { containers: [{ name: 'a', image: 'x' }] } }, 'alice', false, pod);
    expect((left['spec'] as JsonObject)['containers']).toEqual([{ name: 'a', image: 'x' }, { name: 'b', tty: true }]);
  });

  it('treats an atomic list as one field', () => {
    const created = apply(undefined, { spec: { tolerations: [{ key: 'a' }] } }, 'alice', false, pod);
    expect(conflictOf(() => apply(created, { spec: { tolerations: [{ key: 'b' }] } }, 'bob', false, pod)).message).toContain('.spec.tolerations');
  });

  it('owns neither identity nor what only the server writes', () => {
    const created = update(undefined, { metadata: { name: 'c', uid: 'u', labels: { a: '1' } } }, 'editor');
    expect(owners(created)).toEqual({ 'editor Update': { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } } } });
  });

  it('folds the oldest update entries into one beyond ten', () => {
    let object = data({});
    for (let index = 0; index < 15; index++) {
      const values = { ...(object['data'] as Record<string, string>), [`k${index}`]: 'v' };
      object = recordUpdate(object, { ...object, data: values }, configMap, schema, { ...who(`m${index}`), time: `2026-01-01T00:00:${String(index + 10)}Z` });
    }
    const names = Object.keys(owners(object));
    expect(names).toHaveLength(10);
    expect(names).toContain('ancient-changes Update');
  });

  it('refuses an intent with managedFields and an element without keys', () => {
    const created = apply(undefined, data({ a: '1' }), 'alice');
    expect(() => apply(created, created, 'alice')).toThrow('metadata.managedFields must be nil');
    expect(() => apply(undefined, { spec: { containers: [{ image: 'x' }] } }, 'alice', false, pod)).toThrow('lacks the keys of its list: name');
  });

  it('applied twice changes nothing, and forced it always ends with the intent (any values)', () => {
    const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2', '3'));
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('alice', 'bob', 'carol'), values), { minLength: 1, maxLength: 8 }), (steps) => {
      let live: JsonObject | undefined;
      for (const [manager, wanted] of steps) {
        live = apply(live, data(wanted), manager, true);
        expect(live['data']).toMatchObject(wanted);
        expect(apply(live, data(wanted), manager)).toEqual(live);
      }
      const held = Object.values(owners(live as JsonObject)).map(fromFieldsV1).reduce(union, emptyFields);
      const present = Object.keys((live as JsonObject)['data'] as JsonObject).sort();
      const owned = [...(held.children.get('f:data')?.children.keys() ?? [])].map((key) => key.slice(2)).sort();
      expect(owned).toEqual(present);
    }));
  });

  it('reads FieldsV1 as it wrote it', () => {
    const json: JsonObject = { 'f:spec': { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:image': {} } } }, 'f:metadata': { 'f:finalizers': { 'v:"x"': {} } } };
    expect(toFieldsV1(fromFieldsV1(json))).toEqual(json);
    expect(equalSets(fromFieldsV1(json), fromFieldsV1(toFieldsV1(fromFieldsV1(json))))).toBe(true);
    expect(() => fromFieldsV1({ nonsense: {} })).toThrow('unknown path element');
  });
});
