import { pods, type Resource } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { startCore, type Harness } from '../../testing/harness';

const po = pods as unknown as Resource;
const applied = 'application/apply-patch+yaml';
const strategic = 'application/strategic-merge-patch+json';
const merge = 'application/merge-patch+json';
const debug = { name: 'debug', image: 'busybox', targetContainerName: 'main', stdin: true, tty: true };
const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } };

let cluster: Harness;
beforeEach(async () => { cluster = await startCore(); });
afterEach(() => cluster.stop());

async function create(spec: object = {}, metadata: object = {}): Promise<Pod> {
  const json = { metadata: { name: 'web', namespace: 'default', ...metadata }, spec: { containers: [{ name: 'main', image: 'web:1', resources }], ...spec } };
  return (await cluster.one({ verb: 'create', resource: po, object: po.codec.fromJson(json as never) })).object as Pod;
}
const get = async (subresource?: string): Promise<Pod> => (await cluster.one({ verb: 'get', resource: po, name: 'web', subresource })).object as Pod;
const patch = async (subresource: string, contentType: string, body: object, options = {}): Promise<Pod> =>
  (await cluster.one({ verb: 'patch', resource: po, name: 'web', subresource, body: { contentType, bytes: Buffer.from(JSON.stringify(body)) }, options })).object as Pod;
const put = async (subresource: string, object: Pod): Promise<Pod> => (await cluster.one({ verb: 'update', resource: po, name: 'web', subresource, object: object as never })).object as Pod;
const json = (pod: Pod): unknown => po.codec.toJson(pod as never);
const namesIn = (pod: Pod): unknown[] => (pod.spec?.ephemeralContainers ?? []).map(({ ephemeralContainerCommon }) => ephemeralContainerCommon?.name);

describe('pods/ephemeralcontainers', () => {
  it('adds a container by strategic merge, as kubectl debug does, and is a new generation', async () => {
    await create();
    const pod = await patch('ephemeralcontainers', strategic, { spec: { ephemeralContainers: [debug] } });
    expect(json(pod)).toMatchObject({ metadata: { generation: 2 }, spec: { ephemeralContainers: [{ ...debug, terminationMessagePath: '/dev/termination-log', imagePullPolicy: 'Always' }] } });
    expect(namesIn(await patch('ephemeralcontainers', strategic, { spec: { ephemeralContainers: [{ name: 'second', image: 'busybox' }] } }))).toEqual(expect.arrayContaining(['debug', 'second']));
    expect(await get('ephemeralcontainers')).toEqual(await get());
  });

  it('takes only the ephemeral containers of what is sent, by update too', async () => {
    const made = await create();
    const sent: Pod = { ...structuredClone(made), metadata: { ...made.metadata, labels: { other: 'label' } }, spec: { ...made.spec, priority: 7, ephemeralContainers: [{ ephemeralContainerCommon: { name: 'debug', image: 'busybox' } }] } };
    const pod = await put('ephemeralcontainers', sent);
    expect(namesIn(pod)).toEqual(['debug']);
    expect([pod.metadata?.labels, pod.spec?.priority]).toEqual([made.metadata?.labels, made.spec?.priority]);
  });

  it('neither removes nor changes one that is there', async () => {
    await create();
    const pod = await patch('ephemeralcontainers', strategic, { spec: { ephemeralContainers: [debug] } });
    await expect(put('ephemeralcontainers', { ...structuredClone(pod), spec: { ...pod.spec, ephemeralContainers: [] } })).rejects.toMatchObject({
      reason: 'Invalid', message: expect.stringContaining('spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed') as string,
    });
    await expect(patch('ephemeralcontainers', strategic, { spec: { ephemeralContainers: [{ name: 'debug', image: 'other' }] } })).rejects.toMatchObject({
      reason: 'Invalid', message: expect.stringContaining('existing ephemeral containers "debug" may not be changed') as string,
    });
  });

  it.each([
    ['ports', { ports: [{ containerPort: 80 }] }], ['resources', { resources }], ['lifecycle', { lifecycle: { preStop: { exec: { command: ['a'] } } } }],
    ['livenessProbe', { livenessProbe: { exec: { command: ['a'] } } }],
  ])('refuses %s, which rest on promises', async (member, more) => {
    await create();
    await expect(patch('ephemeralcontainers', strategic, { spec: { ephemeralContainers: [{ ...debug, ...more }] } })).rejects.toMatchObject({
      reason: 'Invalid', message: expect.stringContaining(`spec.ephemeralContainers[0].${member}: Forbidden: cannot be set for an Ephemeral Container`) as string,
    });
  });

  it('refuses a name that is taken and a target that is none', async () => {
    await create();
    await expect(patch('ephemeralcontainers', strategic, { spec: { ephemeralContainers: [{ ...debug, name: 'main' }] } })).rejects.toMatchObject({ message: expect.stringContaining('Duplicate value: "main"') as string });
    await expect(patch('ephemeralcontainers', strategic, { spec: { ephemeralContainers: [{ ...debug, targetContainerName: 'nobody' }] } })).rejects.toMatchObject({
      message: expect.stringContaining('spec.ephemeralContainers[0].targetContainerName: Not found: "nobody"') as string,
    });
  });

  it('is closed to static pods, and the main door to ephemeral containers', async () => {
    await create({ nodeName: 'node-a' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } });
    await expect(patch('ephemeralcontainers', strategic, { spec: { ephemeralContainers: [debug] } })).rejects.toMatchObject({ message: expect.stringContaining('static pods do not support ephemeral containers') as string });
    await expect(patch('', strategic, { spec: { ephemeralContainers: [debug] } })).rejects.toMatchObject({ reason: 'Invalid' });
  });

  it('lets server-side apply own the ephemeral containers and nothing else', async () => {
    await create();
    const intent = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { a: 'b' } }, spec: { terminationGracePeriodSeconds: 5, ephemeralContainers: [debug] } };
    const pod = await patch('ephemeralcontainers', applied, intent, { fieldManager: 'debugger' });
    expect(namesIn(pod)).toEqual(['debug']);
    const [entry] = (json(pod) as { metadata: { managedFields: { manager: string; subresource?: string; fieldsV1: object }[] } }).metadata.managedFields.filter(({ manager }) => manager === 'debugger');
    expect(entry).toMatchObject({ operation: 'Apply', subresource: 'ephemeralcontainers' });
    expect(entry?.fieldsV1).toEqual({ 'f:spec': { 'f:ephemeralContainers': { 'k:{"name":"debug"}': expect.anything() as unknown } } });
  });
});

describe('pods/resize', () => {
  const resized = (cpu: string): object => ({ spec: { containers: [{ name: 'main', resources: { requests: { cpu }, limits: { cpu } } }] } });

  it('changes what containers may use, and nothing else, by patch and update', async () => {
    const made = await create();
    const pod = await patch('resize', strategic, { metadata: { labels: { a: 'b' } }, spec: { activeDeadlineSeconds: 5, containers: [{ name: 'main', image: 'web:2', resources: { requests: { cpu: '150m' } }, resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] }] } });
    expect(json(pod)).toMatchObject({ metadata: { generation: 2 }, spec: { containers: [{ name: 'main', image: 'web:1', resources: { requests: { cpu: '150m', memory: '64Mi' }, limits: resources.limits } }] } });
    expect([pod.metadata?.labels, pod.spec?.activeDeadlineSeconds]).toEqual([made.metadata?.labels, undefined]);
    const [main] = pod.spec?.containers ?? [];
    const again = await put('resize', { ...structuredClone(pod), spec: { ...pod.spec, containers: [{ ...main, resources: { ...main?.resources, limits: { cpu: { string: '300m' }, memory: { string: '256Mi' } } } }] } });
    expect(json(again)).toMatchObject({ spec: { containers: [{ resources: { limits: { cpu: '300m', memory: '256Mi' } } }] } });
    expect(await get('resize')).toEqual(await get());
  });

  it('is refused by the main door', async () => {
    await create();
    await expect(patch('', strategic, resized('1'))).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('pod updates may not change fields other than') as string });
  });

  it('keeps the QoS class', async () => {
    await create();
    await expect(patch('resize', strategic, { spec: { containers: [{ name: 'main', resources: { requests: resources.limits } }] } })).rejects.toMatchObject({
      message: expect.stringContaining('spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing') as string,
    });
  });

  it.each([
    ['another resource', { spec: { containers: [{ name: 'main', resources: { requests: { 'ephemeral-storage': '1Gi' } } }] } }, 'only cpu and memory resources are mutable'],
    ['a request taken away', { spec: { containers: [{ name: 'main', resources: { requests: { cpu: null }, limits: { cpu: null } } }] } }, 'resource limits cannot be removed'],
    ['another container', { spec: { containers: [{ name: 'second', image: 'i' }] } }, 'containers may not be added or removed on resize'],
  ])('refuses %s', async (_what, body, message) => {
    await create();
    await expect(patch('resize', strategic, body)).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining(message) as string });
  });

  it('refuses containers in another order, and init containers that do not go on running', async () => {
    const other = { name: 'other', image: 'i', resources };
    await create({ containers: [{ name: 'main', image: 'i', resources }, other], initContainers: [{ name: 'first', image: 'i', resources }] });
    const pod = await get();
    await expect(put('resize', { ...structuredClone(pod), spec: { ...pod.spec, containers: (pod.spec?.containers ?? []).toReversed() } })).rejects.toMatchObject({ message: expect.stringContaining('containers may not be renamed or reordered on resize') as string });
    await expect(patch('resize', strategic, { spec: { initContainers: [{ name: 'first', resources: { requests: { cpu: '150m' } } }] } })).rejects.toMatchObject({ message: expect.stringContaining('resources for non-sidecar init containers are immutable') as string });
  });

  it('honours the version that the caller names, and pretends in a dry run', async () => {
    const made = await create();
    await patch('resize', strategic, { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '110m' } } }] } });
    await expect(put('resize', made)).rejects.toMatchObject({ reason: 'Conflict' });
    const pretended = await patch('resize', merge, { spec: { containers: [{ name: 'main', image: 'web:1', resources: { requests: { cpu: '1m', memory: '64Mi' }, limits: resources.limits } }] } }, { dryRun: ['All'] });
    expect(json(pretended)).toMatchObject({ spec: { containers: [{ resources: { requests: { cpu: '1m' } } }] } });
    expect(json(await get())).toMatchObject({ spec: { containers: [{ resources: { requests: { cpu: '110m' } } }] } });
  });
});
