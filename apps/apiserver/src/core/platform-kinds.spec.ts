import { certificateSigningRequests, pods, priorityClasses, type Resource } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { admin, startCore, type Harness } from '../testing/harness';

const po = pods as unknown as Resource;
const pod = (name: string, spec: object = {}): Pod => ({ metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec } });
const mergePatch = (value: unknown) => ({ contentType: 'application/merge-patch+json', bytes: Buffer.from(JSON.stringify(value)) });
/** An empty request: the signer, not the server, looks inside. */
const certificateRequestPem = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nMAIFAA==\n-----END CERTIFICATE REQUEST-----\n');

let cluster: Harness;
beforeEach(async () => {
  cluster = await startCore();
});
afterEach(() => cluster.stop());

describe('priority classes', () => {
  const pc = priorityClasses as unknown as Resource;
  const makeClass = (name: string, more: object) => cluster.one({ verb: 'create', resource: pc, object: { metadata: { name }, ...more } });

  it('of the system are objects that every cluster has', async () => {
    expect((await cluster.list(pc)).items.map(({ object }) => object)).toMatchObject([
      { metadata: { name: 'system-cluster-critical', generation: 1 }, value: 2_000_000_000, preemptionPolicy: 'PreemptLowerPriority' },
      { metadata: { name: 'system-node-critical', generation: 1 }, value: 2_000_001_000 },
    ]);
  });

  it('made by a user count from the next pod on, on every replica', async () => {
    const other = await startCore({ beside: cluster });
    await makeClass('batch', { value: -5, preemptionPolicy: 'Never' });
    for (const [index, replica] of [cluster, other].entries()) {
      const { object } = await replica.one({ verb: 'create', resource: po, object: pod(`p-${index}`, { priorityClassName: 'batch' }) });
      expect((object as Pod).spec).toMatchObject({ priorityClassName: 'batch', priority: -5, preemptionPolicy: 'Never' });
    }
    await other.stop();
  });

  it('have at most one default, which pods without a class get', async () => {
    await makeClass('usual', { value: 10, globalDefault: true });
    const { object } = await cluster.one({ verb: 'create', resource: po, object: pod('p') });
    expect((object as Pod).spec).toMatchObject({ priorityClassName: 'usual', priority: 10 });
    await expect(makeClass('another', { value: 20, globalDefault: true })).rejects.toMatchObject({
      reason: 'Forbidden', message: expect.stringContaining('PriorityClass usual has already been marked as default. Only one default can exist'),
    });
    await cluster.one({ verb: 'patch', resource: pc, name: 'usual', body: mergePatch({ description: 'what else' }) });
  });

  it('may not take the system’s names or more than a user may', async () => {
    await expect(makeClass('system-mine', { value: 1 })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining("are reserved for system use only") });
    await expect(makeClass('mine', { value: 1_000_000_001 })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('maximum allowed value of a user defined priority is 1000000000') });
  });
});

describe('certificate signing requests', () => {
  const csr = certificateSigningRequests as unknown as Resource;
  const asked = { metadata: { name: 'x' }, spec: { request: certificateRequestPem, signerName: 'example.com/robots', usages: ['client auth'], username: 'somebody-else', groups: ['system:masters'] } };
  const condition = (type: string) => ({ status: { conditions: [{ type, status: 'True', reason: 'Test' }] } });

  it('say who asked, whatever the request claims', async () => {
    const { object } = await cluster.one({ verb: 'create', resource: csr, object: asked, user: { ...admin, name: 'carol', uid: '7' } });
    expect(object).toMatchObject({ spec: { username: 'carol', uid: '7', groups: [...admin.groups] } });
  });

  it('are decided through approval only, and a certificate is issued through status only', async () => {
    await cluster.one({ verb: 'create', resource: csr, object: asked });
    const patch = (subresource: string | undefined, value: object) => cluster.one({ verb: 'patch', resource: csr, name: 'x', subresource, body: mergePatch(value) });
    expect((await patch(undefined, condition('Approved'))).object).not.toHaveProperty('status.conditions');
    await expect(patch('status', condition('Approved'))).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('updates may not add a condition of type "Approved"') });
    expect((await patch('approval', { ...condition('Approved'), spec: { signerName: 'example.com/other' } })).object).toMatchObject({ spec: { signerName: 'example.com/robots' }, ...condition('Approved') });
    await expect(patch('approval', condition('Denied'))).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('updates may not remove a condition of type "Approved"') });
    await expect(patch('status', { status: { certificate: Buffer.from('no').toString('base64') } })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('must contain at least one CERTIFICATE PEM block') });
  });
});
