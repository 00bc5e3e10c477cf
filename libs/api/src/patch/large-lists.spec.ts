import type { JsonObject } from '../resource';
import { difference, fromFieldsV1, intersection, toFieldsV1, union } from './field-set';
import { kindMergeSchema } from './kind-merge-schema';
import { applyIntent } from './managed-fields';
import type { MergeSchema } from './merge-schema';
import { strategicMerge } from './strategic-merge';

const message = 'k8s.io.api.core.v1.Pod';
const podWith = (count: number, value: string): JsonObject => ({
  metadata: { name: 'web' }, spec: { containers: [{ name: 'main', image: 'web:1', env: Array.from({ length: count }, (_, index) => ({ name: `e${index}`, value })) }] },
});
const options = (manager: string) => ({ manager, apiVersion: 'v1', subresource: '', time: '2026-01-01T00:00:00Z', force: true });

/** How often the work asks for a rule: once or a few times for each part that it looks at. */
function lookups(work: (schema: MergeSchema) => void): number {
  let count = 0;
  work((name, key) => {
    count++;
    return kindMergeSchema()(name, key);
  });
  return count;
}

describe('lists of many keyed elements', () => {
  const cases: readonly (readonly [string, (count: number) => (schema: MergeSchema) => void])[] = [
    ['apply into being', (count) => (schema) => void applyIntent(undefined, podWith(count, '1'), message, schema, options('a'))],
    ['apply what is there', (count) => {
      const live = applyIntent(undefined, podWith(count, '1'), message, kindMergeSchema(), options('a'));
      return (schema) => void applyIntent(live, podWith(count, '1'), message, schema, options('a'));
    }],
    ['take all of them over', (count) => {
      const live = applyIntent(undefined, podWith(count, '1'), message, kindMergeSchema(), options('a'));
      return (schema) => void applyIntent(live, podWith(count, '2'), message, schema, options('b'));
    }],
    ['merge strategically', (count) => (schema) => void strategicMerge(podWith(count, '1'), podWith(count, '2'), message, schema)],
  ];

  it.each(cases)('cost twice as much work when they are twice as long: %s', (_name, prepare) => {
    const [some, twice] = [lookups(prepare(400)), lookups(prepare(800))];
    expect(some).toBeGreaterThanOrEqual(400);
    expect(twice).toBeLessThan(some * 2.1);
  });

  it('leave the parts of an object that an apply does not touch as they are, uncopied', () => {
    const live = applyIntent(undefined, podWith(3, '1'), message, kindMergeSchema(), options('a'));
    const next = applyIntent(live, { metadata: { name: 'web', labels: { a: 'b' } } }, message, kindMergeSchema(), options('b'));
    expect(next['spec']).toBe(live['spec']);
  });

  it('forget nulls of an intent, however deep they stand', () => {
    const nested = (depth: number): JsonObject => (depth === 0 ? { gone: null, kept: 'x' } : { below: nested(depth - 1), gone: null });
    const text = JSON.stringify(applyIntent(undefined, { metadata: { name: 'x' }, data: nested(300) }, 'k8s.io.api.core.v1.ConfigMap', kindMergeSchema(), options('a'))['data']);
    expect([text.includes('gone'), text.includes('kept')]).toEqual([false, true]);
  });
});

describe('sets of fields', () => {
  const a = fromFieldsV1({ 'f:spec': { 'f:x': {}, 'f:y': {}, 'k:{"name":"a"}': { '.': {}, 'f:name': {} } } });
  const b = fromFieldsV1({ 'f:spec': { 'f:y': {}, 'f:z': {}, 'k:{"name":"a"}': { 'f:name': {} } } });

  it('share what an operation leaves as it is', () => {
    expect(union(a, a)).toBe(a);
    expect(union(a, fromFieldsV1({ 'f:spec': { 'f:x': {} } }))).toBe(a);
    expect(difference(a, fromFieldsV1({ 'f:status': {} }))).toBe(a);
    expect(intersection(a, a)).toBe(a);
  });

  it('come together, apart, and meet', () => {
    expect(toFieldsV1(union(a, b))).toEqual({ 'f:spec': { 'f:x': {}, 'f:y': {}, 'f:z': {}, 'k:{"name":"a"}': { '.': {}, 'f:name': {} } } });
    expect(toFieldsV1(difference(a, b))).toEqual({ 'f:spec': { 'f:x': {}, 'k:{"name":"a"}': {} } });
    expect(toFieldsV1(intersection(a, b))).toEqual({ 'f:spec': { 'f:y': {}, 'k:{"name":"a"}': { 'f:name': {} } } });
  });
});
