import { configMaps, pods } from '@navarch/api';
import { hasReason, type ErrorReason } from '@navarch/base';
import type { ConfigMap, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { startCore, type Ask, type Harness } from '../testing/harness';

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

describe('patches of every kind', () => {
  let api: Harness;
  beforeEach(async () => { api = await startCore(); });
  afterEach(() => api.stop());

  const patch = (type: string, value: unknown, more: Partial<Ask> = {}): Ask => ({
    verb: 'patch', resource: configMaps, namespace: 'default', name: 'c', body: { contentType: type, bytes: json(value) }, ...more,
  });
  const apply = (manager: string | undefined, data: Record<string, string>, force = false): Ask =>
    patch('application/apply-patch+yaml', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' }, data }, { options: { ...(manager && { fieldManager: manager }), force } });
  const create = (data: Record<string, string>, options = {}): Promise<unknown> =>
    api.one({ verb: 'create', resource: configMaps, object: { metadata: { namespace: 'default', name: 'c' }, data } as ConfigMap, options });
  const dataOf = async (ask: Ask): Promise<unknown> => ((await api.one(ask)).object as ConfigMap).data;
  const managers = async (): Promise<unknown> => (await api.one({ verb: 'get', resource: configMaps, namespace: 'default', name: 'c' })).metadata.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`);

  async function refused(ask: Ask, reason: ErrorReason, message: RegExp): Promise<void> {
    const error: unknown = await api.ask(ask).then(() => undefined, (thrown: unknown) => thrown);
    expect(hasReason(error, reason) && error.message).toMatch(message);
  }

  it('JSON patch changes what its operations name, and says which one does not fit', async () => {
    await create({ a: '1' });
    expect(await dataOf(patch('application/json-patch+json', [{ op: 'test', path: '/data/a', value: '1' }, { op: 'add', path: '/data/b', value: '2' }]))).toEqual({ a: '1', b: '2' });
    await refused(patch('application/json-patch+json', [{ op: 'remove', path: '/data/z' }]), 'Invalid', /operation 0/);
    await refused(patch('application/json-patch+json', { op: 'remove' }), 'BadRequest', /must be a list/);
  });

  it('strategic merge patch merges lists by their keys', async () => {
    const pod: Pod = { metadata: { namespace: 'default', name: 'c' }, spec: { containers: [{ name: 'a', image: 'x' }, { name: 'b', image: 'y' }] } };
    await api.one({ verb: 'create', resource: pods, object: pod });
    const patched = await api.one(patch('application/strategic-merge-patch+json', { spec: { containers: [{ name: 'b', image: 'z' }] } }, { resource: pods }));
    expect((patched.object as Pod).spec?.containers?.map(({ name, image }) => `${name}:${image}`)).toEqual(['a:x', 'b:z']);
  });

  it('apply creates, merges with others, drops what it no longer says and keeps what others hold', async () => {
    expect(await dataOf(apply('alice', { a: '1', b: '2' }))).toEqual({ a: '1', b: '2' });
    expect(await dataOf(apply('bob', { b: '2', c: '3' }))).toEqual({ a: '1', b: '2', c: '3' });
    expect(await dataOf(apply('alice', {}))).toEqual({ b: '2', c: '3' });
    expect(await managers()).toEqual(['alice Apply', 'bob Apply']);
  });

  it('apply refuses to take what another holds, naming both, unless forced', async () => {
    await create({ a: '1' }, { fieldManager: 'editor' });
    await refused(apply('alice', { a: '2' }), 'Conflict', /^Apply failed with 1 conflict: conflict with "editor" using v1: \.data\.a$/);
    expect(await dataOf(apply('alice', { a: '2' }, true))).toEqual({ a: '2' });
    // The editor still holds the map itself, which it made.
    expect(await managers()).toEqual(['alice Apply', 'editor Update']);
  });

  it('apply over what nobody claimed conflicts with before-first-apply', async () => {
    await create({ a: '1' });
    expect(await managers()).toBeUndefined();
    await refused(apply('alice', { a: '2' }), 'Conflict', /"before-first-apply"/);
  });

  it('apply that changes nothing writes nothing', async () => {
    const first = await api.one(apply('alice', { a: '1' }));
    expect((await api.one(apply('alice', { a: '1' }))).resourceVersion).toBe(first.resourceVersion);
  });

  it('apply needs a field manager, and judges the intent itself', async () => {
    await refused(apply(undefined, { a: '1' }), 'Invalid', /fieldManager: Required value/);
    const typo = patch('application/apply-patch+yaml', { metadata: { name: 'c' }, dta: {} }, { options: { fieldManager: 'alice', fieldValidation: 'Strict' } });
    await refused(typo, 'BadRequest', /unknown field "dta"/);
  });

  it('an update takes the fields it changes, and leaves the others to their owners', async () => {
    await api.one(apply('alice', { a: '1', b: '2' }));
    await api.one(patch('application/merge-patch+json', { data: { a: '9' } }, { options: { fieldManager: 'editor' } }));
    expect(await managers()).toEqual(['alice Apply', 'editor Update']);
    await refused(apply('alice', { a: '1', b: '2' }), 'Conflict', /"editor" using v1: \.data\.a/);
  });

  it('an update hands ownership over by the managedFields it sends, and forgets it by an empty entry', async () => {
    const { metadata } = await api.one(apply('alice', { a: '1' }));
    const [entry] = metadata.managedFields ?? [];
    const fieldsV1 = JSON.parse(Buffer.from(entry?.fieldsV1?.Raw ?? []).toString()) as unknown;
    const claim = { manager: 'bob', operation: 'Apply', apiVersion: 'v1', time: '2026-01-01T00:00:00Z', fieldsType: 'FieldsV1', fieldsV1 };
    await api.one(patch('application/json-patch+json', [{ op: 'replace', path: '/metadata/managedFields', value: [claim] }], { options: { fieldManager: 'bob' } }));
    expect(await managers()).toEqual(['bob Apply']);
    expect(await dataOf(apply('bob', { a: '2' }))).toEqual({ a: '2' });
    await api.one(patch('application/merge-patch+json', { metadata: { managedFields: [{}] } }, { options: { fieldManager: 'bob' } }));
    expect(await managers()).toBeUndefined();
  });

  it('a status write owns status only', async () => {
    const pod: Pod = { metadata: { namespace: 'default', name: 'c' }, spec: { containers: [{ name: 'a', image: 'x' }] } };
    await api.one({ verb: 'create', resource: pods, object: pod, options: { fieldManager: 'editor' } });
    const patched = await api.one(patch('application/merge-patch+json', { status: { message: 'm' } }, { resource: pods, subresource: 'status', options: { fieldManager: 'kubelet' } }));
    const entry = patched.metadata.managedFields?.find(({ manager }) => manager === 'kubelet');
    expect([entry?.subresource, Buffer.from(entry?.fieldsV1?.Raw ?? []).toString()]).toEqual(['status', '{"f:status":{"f:message":{}}}']);
  });

  it('loses no intent where many apply at once', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, index) => api.one(apply(`m${index}`, { [`k${index}`]: 'v' }))));
    const { object } = await api.one({ verb: 'get', resource: configMaps, namespace: 'default', name: 'c' });
    expect(Object.keys((object as ConfigMap).data ?? {})).toHaveLength(10);
  });
});
