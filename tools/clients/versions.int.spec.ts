import { events, eventsV1, horizontalPodAutoscalers, horizontalPodAutoscalersV1, type JsonObject, type Resource } from '@navarch/api';
import { EventServiceService as newEvents } from '@navarch/proto/navarch/events/v1/event_service';
import { EventServiceService as oldEvents } from '@navarch/proto/navarch/core/v1/event_service';
import { HorizontalPodAutoscalerServiceService as autoscalersV1 } from '@navarch/proto/navarch/autoscaling/v1/horizontal_pod_autoscaler_service';
import { HorizontalPodAutoscalerServiceService as autoscalersV2 } from '@navarch/proto/navarch/autoscaling/v2/horizontal_pod_autoscaler_service';

import { rawGrpcDoor, rawRestDoor, type RawAnswer, type RawAsk, type RawDoor } from './raw-doors';
import { openTwoDoors, type TwoDoors } from './two-doors';

jest.setTimeout(60_000);

const [v1, v2, core, newer] = [horizontalPodAutoscalersV1, horizontalPodAutoscalers, events, eventsV1] as unknown as [Resource, Resource, Resource, Resource];
const merge = 'application/merge-patch+json';
const scaleTargetRef = { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' };
const metrics: JsonObject[] = [
  { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
  { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
];
const behavior = { scaleDown: { stabilizationWindowSeconds: 30, selectPolicy: 'Min', policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } };
const eventOf = (name: string, more: JsonObject = {}): JsonObject => ({
  metadata: { name }, regarding: { kind: 'Pod', name: 'web' }, eventTime: '2026-01-01T00:00:00.000001Z', type: 'Normal', reason: 'Pulled', action: 'Pull', note: 'done',
  reportingController: 'example.com/agent', reportingInstance: 'agent-1', ...more,
});

interface Case {
  readonly door: RawDoor;
  readonly namespace: string;
  ask(resource: Resource, ask: Omit<RawAsk, 'resource' | 'namespace'>): Promise<RawAnswer>;
  get(resource: Resource, name: string): Promise<JsonObject>;
}

interface Metadata { name: string; uid: string; resourceVersion: string; annotations?: Record<string, string>; managedFields?: { manager: string; apiVersion: string; operation: string; fieldsV1: JsonObject }[] }
const metadataOf = (object: JsonObject | undefined): Metadata => object?.['metadata'] as unknown as Metadata;
const regardingIn = (namespace: string): JsonObject => ({ regarding: { kind: 'Pod', name: 'web', namespace } });

/** What one view writes the other reads, whichever door it comes through. */
const cases: Readonly<Record<string, (test: Case) => Promise<void>>> = {
  'an autoscaler made as v2 is read as v1, with the same name, uid and version': async ({ ask, get }) => {
    const made = (await ask(v2, { verb: 'create', object: { metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 5, metrics, behavior } } })).object;
    const seen = await get(v1, 'web');
    expect(seen).toMatchObject({ spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 60 } });
    expect(metadataOf(seen)).toMatchObject({ uid: metadataOf(made).uid, resourceVersion: metadataOf(made).resourceVersion });
    expect(Object.keys(metadataOf(seen).annotations ?? {}).sort()).toEqual(['autoscaling.alpha.kubernetes.io/behavior', 'autoscaling.alpha.kubernetes.io/metrics']);
    expect(metadataOf(await get(v2, 'web')).annotations).toBeUndefined();
  },
  'an autoscaler written back as v1 keeps what only v2 knows': async ({ ask, get }) => {
    await ask(v2, { verb: 'create', object: { metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 5, metrics, behavior } } });
    const before = await get(v2, 'web');
    const seen = await get(v1, 'web');
    await ask(v1, { verb: 'update', name: 'web', object: seen });
    expect(await get(v2, 'web')).toEqual(before);
    await ask(v1, { verb: 'patch', name: 'web', patchType: merge, patch: { spec: { maxReplicas: 9, targetCPUUtilizationPercentage: 70 } } });
    expect(await get(v2, 'web')).toMatchObject({ spec: { maxReplicas: 9, metrics: [metrics[0], { resource: { target: { averageUtilization: 70 } } }], behavior: { scaleDown: { selectPolicy: 'Min' } } } });
  },
  'an autoscaler made as v1 is read as v2, by the same defaults and rules': async ({ ask, get }) => {
    await ask(v1, { verb: 'create', object: { metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 5 } } });
    expect(await get(v2, 'web')).toMatchObject({ spec: { minReplicas: 1, metrics: [{ resource: { name: 'cpu', target: { averageUtilization: 80 } } }] } });
    await expect(ask(v1, { verb: 'create', object: { metadata: { name: 'bad' }, spec: { scaleTargetRef, maxReplicas: 0 } } })).rejects.toMatchObject({ reason: 'Invalid' });
    await expect(ask(v2, { verb: 'create', object: { metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 5 } } })).rejects.toMatchObject({ reason: 'AlreadyExists' });
  },
  'status is written through either version': async ({ ask, get }) => {
    await ask(v2, { verb: 'create', object: { metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 5, metrics } } });
    await ask(v1, { verb: 'patch', name: 'web', subresource: 'status', patchType: merge, patch: { status: { currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 40 }, spec: { maxReplicas: 1 } } });
    expect(await get(v2, 'web')).toMatchObject({ spec: { maxReplicas: 5, metrics }, status: { currentReplicas: 2, desiredReplicas: 3, currentMetrics: [{ resource: { name: 'cpu', current: { averageUtilization: 40 } } }] } });
  },
  'apply as v1 and apply as v2 hold their fields in the version they were made in, and conflict with each other': async ({ ask, get }) => {
    const apply = (resource: Resource, apiVersion: string, spec: JsonObject, fieldManager: string, force = false) => ask(resource, {
      verb: 'patch', name: 'web', patchType: 'application/apply-patch+yaml', options: { fieldManager, force },
      patch: { apiVersion, kind: 'HorizontalPodAutoscaler', metadata: { name: 'web' }, spec },
    });
    await apply(v1, 'autoscaling/v1', { scaleTargetRef, maxReplicas: 5, targetCPUUtilizationPercentage: 60 }, 'old-hand');
    await expect(apply(v2, 'autoscaling/v2', { maxReplicas: 6 }, 'new-hand')).rejects.toMatchObject({ reason: 'Conflict', message: expect.stringContaining('conflict with "old-hand"') as string });
    await expect(apply(v2, 'autoscaling/v2', { metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 61 } } }] }, 'new-hand')).rejects.toMatchObject({ reason: 'Conflict' });
    await apply(v2, 'autoscaling/v2', { minReplicas: 2 }, 'new-hand');
    const owners = async (resource: Resource) => Object.fromEntries((metadataOf(await get(resource, 'web')).managedFields ?? []).map(({ manager, apiVersion, fieldsV1 }) => [manager, [apiVersion, Object.keys(fieldsV1['f:spec'] as JsonObject).sort()]]));
    const expected = { 'old-hand': ['autoscaling/v1', ['f:maxReplicas', 'f:scaleTargetRef', 'f:targetCPUUtilizationPercentage']], 'new-hand': ['autoscaling/v2', ['f:minReplicas']] };
    expect(await owners(v1)).toEqual(expected);
    expect(await owners(v2)).toEqual(expected);
    await apply(v2, 'autoscaling/v2', { minReplicas: 2, metrics }, 'new-hand', true);
    expect((await owners(v2))['old-hand']).toEqual(['autoscaling/v1', ['f:maxReplicas', 'f:scaleTargetRef', 'f:targetCPUUtilizationPercentage']]);
    await apply(v2, 'autoscaling/v2', { minReplicas: 2, metrics: [metrics[0] ?? {}] }, 'new-hand');
    expect((await owners(v2))['old-hand']).toEqual(['autoscaling/v1', ['f:maxReplicas', 'f:scaleTargetRef']]);
    await ask(v2, { verb: 'patch', name: 'web', patchType: merge, patch: { spec: { maxReplicas: 8 } }, options: { fieldManager: 'editor' } });
    expect((await owners(v1))['old-hand']).toEqual(['autoscaling/v1', ['f:scaleTargetRef']]);
    expect((await owners(v1))['editor']).toEqual(['autoscaling/v2', ['f:maxReplicas']]);
  },
  'who applied as v1 and applies as v2 without a field drops it': async ({ ask, get }) => {
    const apply = (resource: Resource, apiVersion: string, more: JsonObject) => ask(resource, {
      verb: 'patch', name: 'web', patchType: 'application/apply-patch+yaml', options: { fieldManager: 'mover' },
      patch: { apiVersion, kind: 'HorizontalPodAutoscaler', metadata: { name: 'web', ...more }, spec: { scaleTargetRef, maxReplicas: 5 } },
    });
    await apply(v1, 'autoscaling/v1', { labels: { a: '1', b: '2' } });
    await apply(v2, 'autoscaling/v2', { labels: { b: '2' } });
    expect(await get(v2, 'web')).toMatchObject({ metadata: { labels: { b: '2' }, managedFields: [{ manager: 'mover', apiVersion: 'autoscaling/v2' }] } });
    expect((await get(v2, 'web'))['metadata']).not.toMatchObject({ labels: { a: '1' } });
  },
  'an event made in events.k8s.io is read in the core group, and the other way round': async ({ ask, get, namespace }) => {
    await ask(newer, { verb: 'create', object: eventOf('new', regardingIn(namespace)) });
    expect(await get(core, 'new')).toMatchObject({ involvedObject: { kind: 'Pod', name: 'web' }, message: 'done', reportingComponent: 'example.com/agent', eventTime: '2026-01-01T00:00:00.000001Z' });
    const old = { metadata: { name: 'old' }, involvedObject: { kind: 'Pod', name: 'web', namespace }, message: 'told', source: { component: 'kubelet', host: 'n' }, firstTimestamp: '2026-01-01T00:00:00Z', count: 3, type: 'Normal', reason: 'Pulled' };
    await ask(core, { verb: 'create', object: old });
    expect(await get(newer, 'old')).toMatchObject({ regarding: { name: 'web' }, note: 'told', deprecatedSource: { component: 'kubelet', host: 'n' }, deprecatedFirstTimestamp: '2026-01-01T00:00:00Z', deprecatedCount: 3 });
  },
  'each group judges events by rules of its own': async ({ ask, namespace }) => {
    await expect(ask(newer, { verb: 'create', object: eventOf('bad', { ...regardingIn(namespace), eventTime: null }) })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('eventTime: Required value') as string });
    await expect(ask(newer, { verb: 'create', object: eventOf('bad', { ...regardingIn(namespace), deprecatedCount: 2 }) })).rejects.toMatchObject({ reason: 'Invalid', message: expect.stringContaining('needs to be unset') as string });
    await ask(newer, { verb: 'create', object: eventOf('good', regardingIn(namespace)) });
    await expect(ask(newer, { verb: 'patch', name: 'good', patchType: merge, patch: { note: 'else' } })).rejects.toMatchObject({ reason: 'Invalid' });
    await ask(newer, { verb: 'patch', name: 'good', patchType: merge, patch: { series: { count: 2, lastObservedTime: '2026-01-01T00:00:05.000000Z' } } });
    await ask(core, { verb: 'patch', name: 'good', patchType: merge, patch: { message: 'else' } });
  },
  'each group selects events by field names of its own': async ({ ask, namespace }) => {
    await ask(newer, { verb: 'create', object: eventOf('a', regardingIn(namespace)) });
    await ask(newer, { verb: 'create', object: eventOf('b', { ...regardingIn(namespace), reason: 'Killing' }) });
    const names = async (resource: Resource, fieldSelector: string) => (await ask(resource, { verb: 'list', options: { fieldSelector } })).items?.map((item) => metadataOf(item).name);
    expect(await names(newer, 'regarding.kind=Pod,reason=Killing')).toEqual(['b']);
    expect(await names(core, 'involvedObject.name=web,reason=Pulled')).toEqual(['a']);
    await expect(names(newer, 'involvedObject.name=web')).rejects.toMatchObject({ reason: 'BadRequest' });
    await expect(names(core, 'regarding.name=web')).rejects.toMatchObject({ reason: 'BadRequest' });
  },
  'a list in pages goes through one snapshot in either form': async ({ ask, namespace }) => {
    for (const name of ['a', 'b', 'c']) await ask(newer, { verb: 'create', object: eventOf(name, regardingIn(namespace)) });
    const first = await ask(newer, { verb: 'list', options: { limit: 2 } });
    await ask(core, { verb: 'delete', name: 'c' });
    const second = await ask(core, { verb: 'list', options: { limit: 2, continue: first.continue } });
    expect([first.items?.map((item) => item['note']), second.items?.map((item) => item['message'])]).toEqual([['done', 'done'], ['done']]);
  },
  'a watch in one form sees what the other writes, with the same versions': async ({ ask, door, namespace }) => {
    const { resourceVersion } = await ask(newer, { verb: 'list' });
    const made = (await ask(core, { verb: 'create', object: { metadata: { name: 'w' }, involvedObject: { kind: 'Pod', name: 'web', namespace }, message: 'one', reason: 'x' } })).object;
    await ask(core, { verb: 'patch', name: 'w', patchType: merge, patch: { message: 'two' } });
    await ask(newer, { verb: 'delete', name: 'w' });
    const seen = await door.watch({ resource: newer, namespace, options: { resourceVersion, fieldSelector: 'regarding.name=web' } }, 3);
    expect(seen.map(({ type, object }) => [type, object['note']])).toEqual([['ADDED', 'one'], ['MODIFIED', 'two'], ['DELETED', 'two']]);
    expect(metadataOf(seen[0]?.object).resourceVersion).toBe(metadataOf(made).resourceVersion);
    const began = await door.watch({ resource: newer, namespace, options: { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true } }, 1);
    expect(began).toMatchObject([{ type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }]);
  },
  'an object deleted through one form is gone from both, and a collection too': async ({ ask, get, namespace }) => {
    await ask(v2, { verb: 'create', object: { metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 5 } } });
    await ask(v1, { verb: 'delete', name: 'web' });
    await expect(get(v2, 'web')).rejects.toMatchObject({ reason: 'NotFound' });
    for (const name of ['a', 'b']) await ask(newer, { verb: 'create', object: eventOf(name, regardingIn(namespace)) });
    await ask(newer, { verb: 'deletecollection', options: { fieldSelector: 'regarding.name=web' } });
    expect((await ask(core, { verb: 'list' })).items).toEqual([]);
  },
  'a dry run through one form changes nothing in the other': async ({ ask, get }) => {
    await ask(v2, { verb: 'create', object: { metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 5 } } });
    const before = await get(v2, 'web');
    expect((await ask(v1, { verb: 'patch', name: 'web', patchType: merge, patch: { spec: { maxReplicas: 7 } }, options: { dryRun: ['All'] } })).object).toMatchObject({ spec: { maxReplicas: 7 } });
    expect(await get(v2, 'web')).toEqual(before);
  },
  'a stale version named through one form conflicts with a write through the other': async ({ ask, get }) => {
    await ask(v2, { verb: 'create', object: { metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 5 } } });
    const stale = await get(v1, 'web');
    await ask(v2, { verb: 'patch', name: 'web', patchType: merge, patch: { spec: { maxReplicas: 6 } } });
    await expect(ask(v1, { verb: 'update', name: 'web', object: stale })).rejects.toMatchObject({ reason: 'Conflict' });
  },
};

let doors: TwoDoors;
let suites: Readonly<Record<'REST' | 'gRPC', RawDoor>>;
beforeAll(async () => {
  doors = await openTwoDoors();
  suites = { REST: rawRestDoor(await doors.rest()), gRPC: rawGrpcDoor(await doors.bed.connect()) };
});
afterAll(() => doors.close());

let nextNamespace = 1;
describe.each(['REST', 'gRPC'] as const)('two views of one stored object, through the %s door:', (name) => {
  it.each(Object.entries(cases))('%s', async (_title, run) => {
    const namespace = `case-${nextNamespace++}`;
    await doors.bed.apiserver.client({ name: 'admin', groups: ['system:masters'] }).resource(namespacesOf()).create({ metadata: { name: namespace } });
    const door = suites[name];
    const ask: Case['ask'] = (resource, what) => door.ask({ resource, namespace, ...what });
    await run({ door, namespace, ask, get: async (resource, object) => (await ask(resource, { verb: 'get', name: object })).object ?? {} });
  });
});

const namespacesOf = (): Resource => doors.bed.apiserver.core.kinds.get('', 'namespaces').resource;

describe('typed services of both versions', () => {
  it('write through one and read through the other', async () => {
    const channel = await doors.bed.connect();
    const spec = { scaleTargetRef, maxReplicas: 4, targetCPUUtilizationPercentage: 55 };
    await channel.unary(autoscalersV1.create, { namespace: 'default', object: { metadata: { name: 'typed' }, spec } });
    expect((await channel.unary(autoscalersV2.get, { namespace: 'default', name: 'typed' })).spec?.metrics?.[0]?.resource?.target?.averageUtilization).toBe(55);
    const object = { metadata: { name: 'typed' }, involvedObject: { kind: 'Pod', name: 'web', namespace: 'default' }, message: 'told' };
    await channel.unary(oldEvents.create, { namespace: 'default', object });
    expect((await channel.unary(newEvents.get, { namespace: 'default', name: 'typed' })).note).toBe('told');
  });
});

describe('what tells clients of both versions', () => {
  it('discovery, OpenAPI and Table know each', async () => {
    const rest = await doors.rest();
    const read = async (path: string, accept = 'application/json') => JSON.parse((await rest.send({ method: 'GET', path, headers: { accept } })).body.toString()) as JsonObject;
    expect(await read('/apis/autoscaling')).toMatchObject({ versions: [{ version: 'v2' }, { version: 'v1' }], preferredVersion: { version: 'v2' } });
    expect(await read('/apis/autoscaling/v1')).toMatchObject({ resources: [{ name: 'horizontalpodautoscalers', shortNames: ['hpa'] }, { name: 'horizontalpodautoscalers/status' }] });
    expect(await read('/apis/events.k8s.io/v1')).toMatchObject({ resources: [{ name: 'events', kind: 'Event' }] });
    const document = await read('/openapi/v3/apis/events.k8s.io/v1');
    expect(Object.keys(document['paths'] as JsonObject)).toContain('/apis/events.k8s.io/v1/namespaces/{namespace}/events/{name}');
    const table = await read('/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers', 'application/json;as=Table;g=meta.k8s.io;v=v1');
    expect(table).toMatchObject({ kind: 'Table', rows: [{ cells: ['typed', 'Deployment/web', 'cpu: <unknown>/55%', '1', 4, 0, expect.any(String)] }] });
  });
});
