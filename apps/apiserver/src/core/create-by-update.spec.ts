import { configMaps, leases, services, type ApiObject, type Resource } from '@navarch/api';

import { firstThatAllows, type Authorizer } from './auth/authorizer';
import { superusers } from './auth/superusers';
import type { User } from './request';
import { startCore, type Harness } from '../testing/harness';

const lease = leases as unknown as Resource;
const editor: User = { name: 'editor', groups: ['system:authenticated'] };
/** May change what is there, and make nothing. */
const editing: Authorizer = { authorize: ({ user, verb }) => (user.name === 'editor' && verb !== 'create' ? 'allow' : 'none') };
const object = (name: string, more: ApiObject['metadata'] = {}): ApiObject => ({ metadata: { name, namespace: 'default', ...more } });

let cluster: Harness;
beforeEach(async () => { cluster = await startCore({ authorizer: () => firstThatAllows(superusers, editing) }); });
afterEach(() => cluster.stop());

describe('an update of what is not there', () => {
  it('makes it where Kubernetes lets it (leases, services …), and tells that it did', async () => {
    const first = await cluster.ask({ verb: 'update', resource: lease, name: 'l', object: object('l') });
    expect(first).toMatchObject({ type: 'object', created: true });
    const second = await cluster.ask({ verb: 'update', resource: lease, name: 'l', object: object('l', { labels: { a: 'b' } }) });
    expect(second).toMatchObject({ type: 'object', created: false });
    const service = await cluster.ask({ verb: 'update', resource: services as unknown as Resource, name: 's', object: { ...object('s'), spec: { type: 'ExternalName', externalName: 'example.com' } } as ApiObject });
    expect(service).toMatchObject({ created: true });
  });

  it('is NotFound for all other kinds, and where a version or uid says that something is gone', async () => {
    await expect(cluster.ask({ verb: 'update', resource: configMaps as unknown as Resource, name: 'c', object: object('c') })).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(cluster.ask({ verb: 'update', resource: lease, name: 'l', object: object('l', { resourceVersion: '7' }) })).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(cluster.ask({ verb: 'update', resource: lease, name: 'l', object: object('l', { uid: '00000000-0000-4000-8000-000000000000' }) })).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('in a dry run makes nothing', async () => {
    await cluster.ask({ verb: 'update', resource: lease, name: 'l', object: object('l'), options: { dryRun: ['All'] } });
    await expect(cluster.ask({ verb: 'get', resource: lease, name: 'l' })).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('needs the right to create, as an apply of what is not there does', async () => {
    await expect(cluster.ask({ verb: 'update', resource: lease, name: 'l', object: object('l'), user: editor })).rejects.toMatchObject({ reason: 'Forbidden', message: expect.stringContaining('cannot create') as string });
    const body = { contentType: 'application/apply-patch+yaml', bytes: Buffer.from('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}') };
    const apply = { verb: 'patch', resource: configMaps as unknown as Resource, name: 'c', body, options: { fieldManager: 'me' } } as const;
    await expect(cluster.ask({ ...apply, user: editor })).rejects.toMatchObject({ reason: 'Forbidden' });
    expect(await cluster.ask(apply)).toMatchObject({ created: true });
    expect(await cluster.ask({ ...apply, user: editor })).toMatchObject({ created: false });
  });
});
