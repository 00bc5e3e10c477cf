import type { ConfigMap, PodSpec, Secret } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ConfigSettling } from './config-settling';
import { compareConfig, configIndex, configMatters, configState, configUses, type ConfigSource } from './config-use';

const named = (name: string) => ({ localObjectReference: { name } });
const source = (configMaps: Record<string, ConfigMap> = {}, secrets: Record<string, Secret> = {}): ConfigSource => ({ configMaps: { get: (_ns, name) => configMaps[name] }, secrets: { get: (_ns, name) => secrets[name] } });
const template = (spec: PodSpec) => ({ spec });
const uses = (spec: PodSpec) => configUses(template(spec)).map(({ id, optional, keys }) => `${id}${optional ? '?' : ''}${keys ? `:${[...keys].sort().join('+')}` : ''}`);

describe('the configuration that a template uses', () => {
  it.each<[string, PodSpec, string[]]>([
    ['single variables', { containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { configMapKeyRef: { ...named('app'), key: 'a' } } }, { name: 'B', valueFrom: { secretKeyRef: { ...named('db'), key: 'b', optional: true } } }] }] }, ['configmap/app:a', 'secret/db?:b']],
    ['all variables of an object, also in init containers', { initContainers: [{ name: 'i', envFrom: [{ secretRef: named('db') }] }], containers: [{ name: 'c', envFrom: [{ configMapRef: { ...named('app'), optional: true } }] }] }, ['configmap/app?', 'secret/db']],
    ['volumes, whole or some keys', { containers: [], volumes: [{ name: 'v', volumeSource: { configMap: { ...named('app'), items: [{ key: 'k', path: 'p' }] } } }, { name: 'w', volumeSource: { secret: { secretName: 'db' } } }] }, ['configmap/app:k', 'secret/db']],
    ['projected volumes', { containers: [], volumes: [{ name: 'v', volumeSource: { projected: { sources: [{ configMap: named('app') }, { secret: { ...named('db'), items: [{ key: 'x', path: 'x' }] } }, { serviceAccountToken: { path: 't' } }] } } }] }, ['configmap/app', 'secret/db:x']],
    ['one object used twice: all its keys, required once is required', { containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { configMapKeyRef: { ...named('app'), key: 'a', optional: true } } }, { name: 'B', valueFrom: { configMapKeyRef: { ...named('app'), key: 'b' } } }] }] }, ['configmap/app:a+b']],
    ['whole beats single keys', { containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { configMapKeyRef: { ...named('app'), key: 'a' } } }], envFrom: [{ configMapRef: named('app') }] }] }, ['configmap/app']],
    ['pull secrets are none', { containers: [], imagePullSecrets: [{ name: 'registry' }] }, []],
  ])('%s', (_name, spec, expected) => expect(uses(spec)).toEqual(expected));

  it('is found by an index, for owners that ask only', () => {
    const spec = { template: template({ containers: [{ name: 'c', envFrom: [{ configMapRef: named('app') }] }] }) };
    expect(configIndex({ metadata: { namespace: 'shop', annotations: { 'navarch.io/rollout-on-config-change': 'true' } }, spec })).toEqual(['shop/configmap/app']);
    expect(configIndex({ metadata: { namespace: 'shop', annotations: { 'navarch.io/rollout-on-config-change': 'yes' } }, spec })).toEqual([]);
  });
});

describe('whether a configuration differs', () => {
  const one = template({ containers: [{ name: 'c', envFrom: [{ configMapRef: named('app') }] }] });
  const state = (data?: Record<string, string>, over: Partial<ConfigMap> = {}) => configState(one, 'default', source(data ? { app: { data, ...over } } : {}));
  const record = (data?: Record<string, string>) => compareConfig(undefined, state(data)).record;

  it('by values, not by the order of keys, labels or versions', () => {
    expect(compareConfig(record({ a: '1', b: '2' }), state({ b: '2', a: '1' }, { metadata: { labels: { x: 'y' } } })).changed).toEqual([]);
    expect(compareConfig(record({ a: '1' }), state({ a: '2' })).changed).toEqual(['configmap/app']);
    expect(compareConfig(record({ a: '1' }), state({ a: '1', b: '' })).changed).toEqual(['configmap/app']);
    expect(compareConfig(record({ ab: 'c' }), state({ a: 'bc' })).changed).toEqual(['configmap/app']);
  });

  it('without a record, or with one that is none, nothing does', () => {
    for (const before of [undefined, 'no json', '[]', 'null', '{"configmap/app":7}']) expect(compareConfig(before, state({ a: '1' }))).toEqual({ changed: [], record: record({ a: '1' }) });
  });

  it('a required object that is missing: its last version goes on counting', () => {
    const missing = compareConfig(record({ a: '1' }), state());
    expect(missing).toEqual({ changed: [], record: record({ a: '1' }) });
    expect(compareConfig(record(), state({ a: '1' }))).toEqual({ changed: [], record: record({ a: '1' }) });
  });

  it('a Secret’s values cannot be guessed from its record: it is salted with the uid', () => {
    const spec = template({ containers: [{ name: 'c', envFrom: [{ secretRef: named('db') }] }] });
    const of = (uid: string) => compareConfig(undefined, configState(spec, 'default', source({}, { db: { metadata: { uid }, data: { p: Buffer.from('1234') } } }))).record;
    expect(of('one')).not.toBe(of('two'));
  });

  it('the record stays small, whatever the template uses, and still notices each change', () => {
    const many = template({ containers: [{ name: 'c', envFrom: Array.from({ length: 500 }, (_, at) => ({ configMapRef: named(`${'n'.repeat(240)}-${at}`) })) }] });
    const objects = (last: string) => source(Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`${'n'.repeat(240)}-${at}`, { data: { a: at === 99 ? last : '1' } }])));
    const before = compareConfig(undefined, configState(many, 'default', objects('1'))).record;
    expect(before.length).toBeLessThan(20_000);
    expect(compareConfig(before, configState(many, 'default', objects('2'))).changed).toEqual(['others']);
  });

  it('only changes of values wake anybody', () => {
    const headers = { commitTimeMs: 0 };
    const change = (before: ConfigMap | undefined, after: ConfigMap) => configMatters({ type: before ? 'MODIFIED' : 'ADDED', object: after, ...(before && { old: before }), headers, initial: false });
    expect(change({ data: { a: '1' } }, { data: { a: '1' }, metadata: { labels: { x: 'y' } } })).toBe(false);
    expect(change({ data: { a: '1' } }, { data: { a: '2' } })).toBe(true);
    expect(change(undefined, { data: {} })).toBe(true);
  });
});

describe('a configuration settles', () => {
  const settling = () => new ConfigSettling({ quietMs: 3_000, maxWaitMs: 10_000 });

  it('after a quiet time that each change begins anew', () => {
    const each = settling();
    expect([each.wait('u', 'a', 0), each.wait('u', 'a', 2_000), each.wait('u', 'b', 2_500), each.wait('u', 'b', 5_500)]).toEqual([3_000, 1_000, 3_000, 0]);
  });

  it('or when it has been changing for too long', () => {
    const each = settling();
    expect(Array.from({ length: 6 }, (_, at) => each.wait('u', String(at), at * 2_000))).toEqual([3_000, 3_000, 3_000, 3_000, 2_000, 0]);
  });

  it('each owner for itself, and from the start when it was calm', () => {
    const each = settling();
    each.wait('u', 'a', 0);
    expect(each.wait('v', 'a', 9_000)).toBe(3_000);
    each.calm('u');
    expect(each.wait('u', 'a', 9_000)).toBe(3_000);
  });
});
