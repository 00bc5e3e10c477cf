import fc from 'fast-check';

import type { JsonObject } from '../resource';
import { kindMergeSchema } from './kind-merge-schema';
import { strategicMerge } from './strategic-merge';

const schema = kindMergeSchema();
const pod = 'k8s.io.api.core.v1.Pod';
const merge = (original: JsonObject, patch: JsonObject): JsonObject => strategicMerge(original, patch, pod, schema);
const containers = (...list: JsonObject[]): JsonObject => ({ spec: { containers: list } });

describe('strategic merge patch', () => {
  it.each<[string, JsonObject, JsonObject, JsonObject]>([
    ['sets, replaces and (by null) removes members', { metadata: { labels: { a: '1', b: '2' } } }, { metadata: { labels: { a: null, c: '3' } } }, { metadata: { labels: { b: '2', c: '3' } } }],
    ['merges list elements by their key', containers({ name: 'a', image: 'x' }, { name: 'b', image: 'y' }), containers({ name: 'b', image: 'z' }), containers({ name: 'a', image: 'x' }, { name: 'b', image: 'z' })],
    ['puts a new element in front of what only the server has', containers({ name: 'a' }), containers({ name: 'b' }), containers({ name: 'b' }, { name: 'a' })],
    ['deletes an element by $patch: delete', containers({ name: 'a' }, { name: 'b' }), containers({ $patch: 'delete', name: 'a' }), containers({ name: 'b' })],
    ['replaces a list by an element $patch: replace', containers({ name: 'a' }, { name: 'b' }), containers({ name: 'c' }, { $patch: 'replace' }), containers({ name: 'c' })],
    ['replaces a map by $patch: replace', { spec: { securityContext: { runAsUser: 1 } } }, { spec: { securityContext: { $patch: 'replace', runAsGroup: 2 } } }, { spec: { securityContext: { runAsGroup: 2 } } }],
    ['empties a map by $patch: delete', { spec: { securityContext: { runAsUser: 1 } } }, { spec: { securityContext: { $patch: 'delete' } } }, { spec: { securityContext: {} } }],
    ['replaces a list that has no merge strategy', { spec: { tolerations: [{ key: 'a' }] } }, { spec: { tolerations: [{ key: 'b' }] } }, { spec: { tolerations: [{ key: 'b' }] } }],
    ['appends to a set of scalars without doubling', { metadata: { finalizers: ['a', 'b'] } }, { metadata: { finalizers: ['b', 'c'] } }, { metadata: { finalizers: ['a', 'b', 'c'] } }],
    ['takes scalars out by $deleteFromPrimitiveList', { metadata: { finalizers: ['a', 'b'] } }, { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }, { metadata: { finalizers: ['b'] } }],
    ['orders elements by $setElementOrder', containers({ name: 'a' }, { name: 'b' }, { name: 'c' }),
      { spec: { '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }, { name: 'b' }], containers: [{ name: 'a', image: 'n' }] } },
      containers({ name: 'c' }, { name: 'a', image: 'n' }, { name: 'b' })],
    ['orders a list that it does not otherwise touch', containers({ name: 'a' }, { name: 'b' }), { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } }, containers({ name: 'b' }, { name: 'a' })],
    ['keeps only what $retainKeys lists', { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } },
      { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'emptyDir'], emptyDir: {} }] } }, { spec: { volumes: [{ name: 'v', emptyDir: {} }] } }],
    ['merges members of inlined messages', containers({ name: 'a', livenessProbe: { httpGet: { path: '/a', port: 1 } } }), containers({ name: 'a', livenessProbe: { httpGet: { port: 2 } } }),
      containers({ name: 'a', livenessProbe: { httpGet: { path: '/a', port: 2 } } })],
    ['drops nulls where nothing stood before', {}, { metadata: { labels: { a: null, b: '1' } } }, { metadata: { labels: { b: '1' } } }],
  ])('%s', (_what, original, patch, expected) => {
    const before = structuredClone(original);
    expect(merge(original, patch)).toEqual(expected);
    expect(original).toEqual(before);
  });

  it.each<[string, JsonObject, RegExp]>([
    ['an unknown $patch', { spec: { $patch: 'explode' } }, /spec: unknown \$patch/],
    ['an element without its merge key', containers({ image: 'x' }), /spec\.containers\[0\]: does not contain declared merge key: name/],
    ['an element that is no object', { spec: { containers: ['x'] } }, /spec\.containers\[0\]: must be an object/],
    ['$retainKeys that forgets a member', { spec: { volumes: [{ name: 'v', $retainKeys: ['name'], emptyDir: {} }] } }, /emptyDir is missing/],
  ])('refuses %s, and says where', (_what, patch, message) => {
    expect(() => merge(containers({ name: 'a' }), patch)).toThrow(message);
  });

  it('does not reach the prototype', () => {
    const result = merge({ metadata: { labels: {} } }, JSON.parse('{"metadata":{"labels":{"__proto__":"x"},"__proto__":{"polluted":true}}}') as JsonObject);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys((result['metadata'] as JsonObject)['labels'] as JsonObject)).toEqual(['__proto__']);
  });

  it('changes nothing with an empty patch, and nothing more when applied twice', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 5 });
    fc.assert(fc.property(names, names, (present, wanted) => {
      const original = containers(...present.map((name) => ({ name, image: 'old' })));
      const patch = containers(...wanted.map((name) => ({ name, image: 'new' })));
      const once = merge(original, patch);
      expect(merge(original, {})).toEqual(original);
      expect(merge(once, patch)).toEqual(once);
      const list = (once['spec'] as JsonObject)['containers'] as JsonObject[];
      expect(new Set(list.map(({ name }) => name))).toEqual(new Set([...present, ...wanted]));
    }));
  });
});
