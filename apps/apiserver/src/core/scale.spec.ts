import { daemonSets, deployments, jobs, scales, statefulSets, type Resource } from '@navarch/api';
import type { Deployment } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Scale } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import { startCore, type Harness } from '../testing/harness';

const deploy = deployments as unknown as Resource;
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };
const deployment = (more: Deployment['spec'] = {}): Deployment => ({ metadata: { name: 'web', namespace: 'default' }, spec: { selector: { matchLabels: { app: 'web' } }, template, ...more } });
const target = { resource: deploy, namespace: 'default', name: 'web', subresource: 'scale' } as const;
const patchOf = (type: string, value: unknown) => ({ contentType: `application/${type}+json`, bytes: Buffer.from(JSON.stringify(value)) });

let cluster: Harness;
beforeEach(async () => {
  cluster = await startCore();
  await cluster.one({ verb: 'create', resource: deploy, object: deployment() });
});
afterEach(() => cluster.stop());

const stored = async (): Promise<Deployment> => (await cluster.one({ ...target, subresource: undefined, verb: 'get' })).object as Deployment;

describe('the scale subresource', () => {
  it('shows an object’s size, and which pods that counts', async () => {
    const shown = await cluster.one({ ...target, verb: 'get' });
    const { metadata } = await stored();
    expect(shown.resource).toBe(scales);
    expect(shown.object).toEqual({
      metadata: { name: 'web', namespace: 'default', uid: metadata?.uid, resourceVersion: metadata?.resourceVersion, creationTimestamp: metadata?.creationTimestamp },
      spec: { replicas: 1 }, status: { selector: 'app=web' },
    });
    expect(JSON.parse(shown.json.toString())).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 0, selector: 'app=web' } });
  });

  it('takes a new size by update, which is a new generation and changes nothing else', async () => {
    const before = await stored();
    const scaled = await cluster.one({ ...target, verb: 'update', object: { metadata: { name: 'web', namespace: 'default' }, spec: { replicas: 5 } } as Scale });
    expect((scaled.object as Scale).spec).toEqual({ replicas: 5 });
    const after = await stored();
    expect(after).toEqual({ ...before, metadata: { ...before.metadata, generation: 2, resourceVersion: scaled.resourceVersion }, spec: { ...before.spec, replicas: 5 } });
  });

  it('goes down to zero, which is not the same as unset', async () => {
    await cluster.one({ ...target, verb: 'update', object: { spec: {} } as Scale });
    expect((await stored()).spec?.replicas).toBe(0);
  });

  it.each([
    ['merge-patch', { spec: { replicas: 3 } }], ['strategic-merge-patch', { spec: { replicas: 3 } }],
    ['json-patch', [{ op: 'test', path: '/spec/replicas', value: 1 }, { op: 'replace', path: '/spec/replicas', value: 3 }]],
  ])('takes a new size by %s', async (type, patch) => {
    const scaled = await cluster.one({ ...target, verb: 'patch', body: patchOf(type, patch) });
    expect((scaled.object as Scale).spec).toEqual({ replicas: 3 });
    expect((await stored()).spec?.replicas).toBe(3);
  });

  it('refuses a size below zero, a version that is gone, and another object’s name', async () => {
    const update = (object: Scale) => cluster.one({ ...target, verb: 'update', object });
    await expect(update({ spec: { replicas: -1 } })).rejects.toMatchObject({
      reason: 'Invalid', message: 'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    });
    await expect(update({ metadata: { resourceVersion: '1' }, spec: { replicas: 2 } })).rejects.toMatchObject({ reason: 'Conflict' });
    await expect(update({ metadata: { name: 'other' }, spec: { replicas: 2 } })).rejects.toMatchObject({ reason: 'BadRequest' });
    expect((await stored()).metadata?.generation).toBe(1);
  });

  it('is applied by a manager, who owns the object’s size, conflicts with others, and takes over by force', async () => {
    const apply = (replicas: number | undefined, fieldManager: string, force = false) => cluster.one({
      ...target, verb: 'patch', body: { contentType: 'application/apply-patch+yaml', bytes: Buffer.from(JSON.stringify({ apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, spec: { replicas } })) }, options: { fieldManager, force },
    });
    const owners = async () => ((deploy.codec.toJson(await stored() as never)['metadata'] as { managedFields?: { manager: string; subresource?: string; operation: string; apiVersion: string; fieldsV1: unknown }[] }).managedFields ?? [])
      .filter(({ fieldsV1 }) => JSON.stringify(fieldsV1).includes('f:replicas')).map(({ manager, operation, subresource, apiVersion }) => [manager, operation, subresource, apiVersion]);
    expect(((await apply(3, 'autoscaler', true)).object as Scale).spec).toEqual({ replicas: 3 });
    expect((await stored()).spec?.replicas).toBe(3);
    expect(await owners()).toEqual([['autoscaler', 'Apply', 'scale', 'apps/v1']]);
    await expect(apply(5, 'other')).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('conflict with "autoscaler" with subresource "scale": .spec.replicas') as string });
    await apply(5, 'other', true);
    expect([(await stored()).spec?.replicas, await owners()]).toEqual([5, [['other', 'Apply', 'scale', 'apps/v1']]]);
    await apply(undefined, 'other');
    expect((await stored()).spec?.replicas).toBe(5);
    await expect(apply(-1, 'other')).rejects.toMatchObject({ reason: 'Invalid' });
  });

  it('records who scaled an object whose fields are owned', async () => {
    await cluster.one({ ...target, verb: 'patch', body: patchOf('merge-patch', { spec: { replicas: 4 } }), options: { fieldManager: 'kubectl-scale' } });
    expect(deploy.codec.toJson(await stored() as never)).toMatchObject({ metadata: { managedFields: expect.arrayContaining([expect.objectContaining({ manager: 'kubectl-scale', operation: 'Update', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } })]) as unknown } });
  });

  it('answers a dry run without scaling', async () => {
    const scaled = await cluster.one({ ...target, verb: 'update', object: { spec: { replicas: 4 } } as Scale, options: { dryRun: ['All'] } });
    expect((scaled.object as Scale).spec).toEqual({ replicas: 4 });
    expect((await stored()).spec?.replicas).toBe(1);
  });

  it('is there for kinds that can be scaled, and for no others', async () => {
    await cluster.one({ verb: 'create', resource: statefulSets as unknown as Resource, object: { ...deployment() } });
    expect((await cluster.one({ ...target, resource: statefulSets as unknown as Resource, verb: 'get' })).object).toMatchObject({ spec: { replicas: 1 } });
    await expect(cluster.one({ ...target, resource: daemonSets as unknown as Resource, verb: 'get' })).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(cluster.one({ ...target, verb: 'create', object: {} })).rejects.toMatchObject({ reason: 'MethodNotAllowed' });
  });
});

describe('a job', () => {
  const resource = jobs as unknown as Resource;
  const spec = { template: { spec: { restartPolicy: 'Never', containers: template.spec.containers } } };

  it('whose name the server makes up selects its pods by that name', async () => {
    const { object } = await cluster.one({ verb: 'create', resource, object: { metadata: { generateName: 'once-', namespace: 'default' }, spec } as Job });
    const { metadata, spec: made } = object as Job;
    expect(metadata?.name).toMatch(/^once-.{5}$/);
    expect(made?.selector).toEqual({ matchLabels: { 'batch.kubernetes.io/controller-uid': metadata?.uid } });
    expect(made?.template?.metadata?.labels).toEqual({
      'job-name': metadata?.name, 'batch.kubernetes.io/job-name': metadata?.name, 'controller-uid': metadata?.uid, 'batch.kubernetes.io/controller-uid': metadata?.uid,
    });
  });
});
