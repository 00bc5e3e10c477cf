import { configMaps, deployments, leases, pods, reviewResources, type JsonObject, type JsonValue, type Resource } from '@navarch/api';

import { expireHistory } from '../../apps/apiserver/src/testing/api-bed';
import { rawGrpcDoor, rawRestDoor, type RawAnswer, type RawAsk, type RawDoor } from './raw-doors';
import { openTwoDoors, type TwoDoors } from './two-doors';

jest.setTimeout(60_000);

const maps = configMaps as unknown as Resource;
const deploys = deployments as unknown as Resource;

interface Case {
  readonly door: RawDoor;
  readonly doors: TwoDoors;
  readonly namespace: string;
  /** On config maps of the case's namespace, unless told. */
  ask(ask: Partial<RawAsk> & Pick<RawAsk, 'verb'>): Promise<RawAnswer>;
  make(name: string, more?: JsonObject): Promise<JsonObject>;
  get(name: string): Promise<JsonObject>;
  names(options: RawAsk['options']): Promise<unknown[]>;
}

const metadataOf = (object: JsonObject | undefined): { name?: string; uid?: string; resourceVersion?: string; finalizers?: string[]; deletionTimestamp?: string; managedFields?: { manager: string; operation: string }[] } =>
  (object?.['metadata'] ?? {}) as ReturnType<typeof metadataOf>;
const versionOf = (object: JsonObject): string => metadataOf(object).resourceVersion ?? '';
const nameOf = (object: JsonObject): string | undefined => metadataOf(object).name;
const otherUid = '00000000-0000-4000-8000-000000000000';
const applied = 'application/apply-patch+yaml';

/** What every option does, whichever door it comes through: each case runs through both. */
const cases: Readonly<Record<string, (test: Case) => Promise<void>>> = {
  'dryRun of create, update, patch and delete answers as if, and changes nothing': async ({ ask, make, get }) => {
    const dryRun = { dryRun: ['All'] };
    const imagined = await ask({ verb: 'create', object: { metadata: { name: 'imagined' } }, options: dryRun });
    expect(nameOf(imagined.object ?? {})).toBe('imagined');
    await expect(get('imagined')).rejects.toMatchObject({ reason: 'NotFound' });
    const before = await make('real', { data: { n: '1' } });
    expect((await ask({ verb: 'update', name: 'real', object: { ...before, data: { n: '2' } }, options: dryRun })).object).toMatchObject({ data: { n: '2' } });
    expect((await ask({ verb: 'patch', name: 'real', patchType: 'application/merge-patch+json', patch: { data: { n: '3' } }, options: dryRun })).object).toMatchObject({ data: { n: '3' } });
    await ask({ verb: 'delete', name: 'real', options: dryRun });
    expect(await get('real')).toEqual(before);
  },
  'dryRun takes no other word than All': async ({ ask }) => {
    await expect(ask({ verb: 'create', object: { metadata: { name: 'a' } }, options: { dryRun: ['Some'] } })).rejects.toMatchObject({ reason: 'BadRequest' });
  },
  'fieldValidation Strict refuses an unknown field by its path, Warn and Ignore take the object without it': async ({ ask, get }) => {
    const object = (name: string): JsonObject => ({ metadata: { name }, data: { n: '1' }, dta: {} });
    await expect(ask({ verb: 'create', object: object('strict'), options: { fieldValidation: 'Strict' } })).rejects.toMatchObject({ reason: 'BadRequest', message: expect.stringContaining('unknown field "dta"') as string });
    for (const fieldValidation of ['Warn', 'Ignore'] as const) {
      await ask({ verb: 'create', object: object(fieldValidation.toLowerCase()), options: { fieldValidation } });
      expect(await get(fieldValidation.toLowerCase())).not.toHaveProperty('dta');
    }
  },
  'fieldValidation Strict refuses a field that is there twice, Warn and Ignore take the last': async ({ ask, get }) => {
    const object = (name: string): string => `{"metadata":{"name":"${name}"},"data":{"n":"1","n":"2"}}`;
    await expect(ask({ verb: 'create', object: object('strict'), options: { fieldValidation: 'Strict' } })).rejects.toMatchObject({ reason: 'BadRequest', message: expect.stringContaining('duplicate field "data.n"') as string });
    await expect(get('strict')).rejects.toMatchObject({ reason: 'NotFound' });
    for (const fieldValidation of ['Warn', 'Ignore'] as const) {
      await ask({ verb: 'create', object: object(fieldValidation.toLowerCase()), options: { fieldValidation } });
      expect(await get(fieldValidation.toLowerCase())).toMatchObject({ data: { n: '2' } });
    }
  },
  'limit and continue go through one snapshot, whatever is written meanwhile': async ({ ask, make }) => {
    for (const name of ['a', 'b', 'c']) await make(name);
    const first = await ask({ verb: 'list', options: { limit: 2 } });
    expect([first.items?.map(nameOf), first.remainingItemCount]).toEqual([['a', 'b'], 1]);
    await make('bb');
    await ask({ verb: 'delete', name: 'c' });
    const second = await ask({ verb: 'list', options: { limit: 2, continue: first.continue } });
    expect([second.items?.map(nameOf), second.continue, second.resourceVersion]).toEqual([['c'], undefined, first.resourceVersion]);
  },
  'a continue token that is none is a bad request, one whose snapshot is gone is Expired': async ({ ask, make, doors }) => {
    for (const name of ['a', 'b', 'c']) await make(name);
    await expect(ask({ verb: 'list', options: { limit: 1, continue: 'nonsense' } })).rejects.toMatchObject({ reason: 'BadRequest' });
    const { continue: token } = await ask({ verb: 'list', options: { limit: 1 } });
    await make('d');
    await expireHistory(doors.bed);
    await expect(ask({ verb: 'list', options: { limit: 1, continue: token } })).rejects.toMatchObject({ reason: 'Expired', code: 410 });
  },
  'label and field selectors select, and malformed ones are bad requests': async ({ make, names }) => {
    await make('a', { metadata: { name: 'a', labels: { app: 'x', tier: 'front' } } });
    await make('b', { metadata: { name: 'b', labels: { app: 'y' } } });
    await make('c');
    expect(await names({ labelSelector: 'app' })).toEqual(['a', 'b']);
    expect(await names({ labelSelector: 'app in (x,z),tier!=back' })).toEqual(['a']);
    expect(await names({ labelSelector: '!app' })).toEqual(['c']);
    expect(await names({ fieldSelector: 'metadata.name=b' })).toEqual(['b']);
    await expect(names({ labelSelector: 'app in (' })).rejects.toMatchObject({ reason: 'BadRequest' });
    await expect(names({ fieldSelector: 'data.n=1' })).rejects.toMatchObject({ reason: 'BadRequest' });
  },
  'resourceVersionMatch Exact shows the state of that version, NotOlderThan that or a later one': async ({ ask, make }) => {
    const resourceVersion = versionOf(await make('a'));
    await make('b');
    const names = async (resourceVersionMatch: string): Promise<unknown[] | undefined> => (await ask({ verb: 'list', options: { resourceVersion, resourceVersionMatch } })).items?.map(nameOf);
    expect(await names('Exact')).toEqual(['a']);
    expect(await names('NotOlderThan')).toEqual(['a', 'b']);
    await expect(ask({ verb: 'list', options: { resourceVersionMatch: 'Exact' } })).rejects.toMatchObject({ code: expect.any(Number) as number });
  },
  'sendInitialEvents begins with what is there and a bookmark that says so': async ({ door, namespace, make }) => {
    await make('a');
    await make('b');
    const events = await door.watch({ resource: maps, namespace, options: { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true } }, 3);
    expect(events.map(({ type, object }) => [type, nameOf(object)])).toEqual([['ADDED', 'a'], ['ADDED', 'b'], ['BOOKMARK', undefined]]);
    expect(events[2]?.object).toMatchObject({ metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } });
  },
  'timeoutSeconds ends a watch': async ({ door, namespace, make }) => {
    const resourceVersion = versionOf(await make('a'));
    expect(await door.watch({ resource: maps, namespace, options: { resourceVersion, timeoutSeconds: 1 } }, 100)).toEqual([]);
  },
  'preconditions on uid and version hold a delete back': async ({ ask, make, get }) => {
    const { uid, resourceVersion } = metadataOf(await make('a'));
    await expect(ask({ verb: 'delete', name: 'a', options: { preconditions: { uid: otherUid } } })).rejects.toMatchObject({ reason: 'Conflict', code: 409 });
    await expect(ask({ verb: 'delete', name: 'a', options: { preconditions: { resourceVersion: '1' } } })).rejects.toMatchObject({ reason: 'Conflict' });
    await ask({ verb: 'delete', name: 'a', options: { preconditions: { uid, resourceVersion } } });
    await expect(get('a')).rejects.toMatchObject({ reason: 'NotFound' });
  },
  'propagation leaves a finalizer for the garbage collector: Foreground and Orphan, by both their names': async ({ ask, make, get }) => {
    for (const name of ['front', 'orphan', 'old', 'back']) await make(name);
    await ask({ verb: 'delete', name: 'front', options: { propagationPolicy: 'Foreground' } });
    await ask({ verb: 'delete', name: 'orphan', options: { propagationPolicy: 'Orphan' } });
    await ask({ verb: 'delete', name: 'old', options: { orphanDependents: true } });
    await ask({ verb: 'delete', name: 'back', options: { propagationPolicy: 'Background' } });
    const marked = async (name: string): Promise<unknown[]> => [metadataOf(await get(name)).finalizers, metadataOf(await get(name)).deletionTimestamp !== undefined];
    expect([await marked('front'), await marked('orphan'), await marked('old')]).toEqual([[['foregroundDeletion'], true], [['orphan'], true], [['orphan'], true]]);
    await expect(get('back')).rejects.toMatchObject({ reason: 'NotFound' });
    await make('both');
    await expect(ask({ verb: 'delete', name: 'both', options: { orphanDependents: true, propagationPolicy: 'Orphan' } })).rejects.toMatchObject({ reason: 'Invalid' });
  },
  'gracePeriodSeconds is what a pod gets to end, and cannot be negative': async ({ ask, namespace }) => {
    const resource = pods as unknown as Resource;
    await ask({ verb: 'create', resource, object: { metadata: { name: 'p' }, spec: { nodeName: 'node-1', containers: [{ name: 'c', image: 'i' }] } } });
    await expect(ask({ verb: 'delete', resource, name: 'p', options: { gracePeriodSeconds: -1 } })).rejects.toMatchObject({ reason: 'Invalid' });
    await ask({ verb: 'delete', resource, name: 'p', options: { gracePeriodSeconds: 7 } });
    expect((await ask({ verb: 'get', resource, name: 'p' })).object).toMatchObject({ metadata: { namespace, deletionGracePeriodSeconds: 7 } });
  },
  'deletecollection deletes what its selectors select, and nothing else': async ({ ask, make, names }) => {
    await make('a', { metadata: { name: 'a', labels: { app: 'x' } } });
    await make('b', { metadata: { name: 'b', labels: { app: 'x' } } });
    await make('c');
    await ask({ verb: 'deletecollection', options: { labelSelector: 'app=x', dryRun: ['All'] } });
    expect(await names({})).toEqual(['a', 'b', 'c']);
    await ask({ verb: 'deletecollection', options: { labelSelector: 'app=x' } });
    expect(await names({})).toEqual(['c']);
  },
  'a JSON patch tests, adds, replaces, moves, copies and removes; a failed test changes nothing': async ({ ask, make, get }) => {
    await make('a', { data: { keep: '1', old: '2', drop: '3' } });
    const patch = (value: JsonValue): Promise<RawAnswer> => ask({ verb: 'patch', name: 'a', patchType: 'application/json-patch+json', patch: value });
    await expect(patch([{ op: 'test', path: '/data/keep', value: 'other' }, { op: 'remove', path: '/data/keep' }])).rejects.toMatchObject({ reason: 'Invalid' });
    await patch([
      { op: 'test', path: '/data/keep', value: '1' }, { op: 'add', path: '/data/new', value: '4' }, { op: 'replace', path: '/data/keep', value: '5' },
      { op: 'move', from: '/data/old', path: '/data/moved' }, { op: 'copy', from: '/data/new', path: '/data/copied' }, { op: 'remove', path: '/data/drop' },
    ]);
    expect((await get('a'))['data']).toEqual({ keep: '5', new: '4', moved: '2', copied: '4' });
  },
  'a merge patch replaces lists, a strategic merge patch merges them by their keys, with its directives': async ({ ask }) => {
    await ask({ verb: 'create', resource: deploys, object: deployment('d', [{ name: 'main', image: 'a' }, { name: 'side', image: 'b' }]) });
    const containers = async (patchType: string, list: JsonValue): Promise<unknown> => {
      const { object } = await ask({ verb: 'patch', resource: deploys, name: 'd', patchType, patch: { spec: { template: { spec: { containers: list } } } } });
      return (object as { spec: { template: { spec: { containers: { name: string; image: string }[] } } } }).spec.template.spec.containers.map(({ name, image }) => `${name}=${image}`);
    };
    const strategic = 'application/strategic-merge-patch+json';
    expect(await containers(strategic, [{ name: 'side', image: 'c' }])).toEqual(['main=a', 'side=c']);
    expect(await containers(strategic, [{ name: 'side', $patch: 'delete' }])).toEqual(['main=a']);
    expect(await containers('application/merge-patch+json', [{ name: 'only', image: 'd' }])).toEqual(['only=d']);
  },
  'server-side apply creates, owns, conflicts, and takes over by force': async ({ ask, get }) => {
    const apply = (fieldManager: string | undefined, data: JsonObject, force = false): Promise<RawAnswer> => ask({
      verb: 'patch', name: 'a', patchType: applied, patch: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data }, options: { ...(fieldManager && { fieldManager }), force },
    });
    await apply('one', { shared: '1', mine: '1' });
    expect(metadataOf(await get('a')).managedFields).toMatchObject([{ manager: 'one', operation: 'Apply' }]);
    await expect(apply('two', { shared: '2' })).rejects.toMatchObject({
      reason: 'Conflict', code: 409, details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.shared', message: expect.stringContaining('conflict with "one"') as string }] },
    });
    await apply('two', { shared: '2' }, true);
    await apply('one', { mine: '1' });
    expect((await get('a'))['data']).toEqual({ shared: '2', mine: '1' });
    await apply('one', {});
    expect((await get('a'))['data']).toEqual({ shared: '2' });
  },
  'a patch of an unknown type is UnsupportedMediaType': async ({ ask, make }) => {
    await make('a');
    await expect(ask({ verb: 'patch', name: 'a', patchType: 'application/other+json', patch: {} })).rejects.toMatchObject({ reason: 'UnsupportedMediaType', code: 415 });
  },
  'scale is read, updated and patched as autoscaling/v1 Scale': async ({ ask }) => {
    await ask({ verb: 'create', resource: deploys, object: deployment('d', [{ name: 'c', image: 'i' }]) });
    const scale = { resource: deploys, name: 'd', subresource: 'scale' } as const;
    expect((await ask({ ...scale, verb: 'get' })).object).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=d' } });
    expect((await ask({ ...scale, verb: 'update', object: { metadata: { name: 'd' }, spec: { replicas: 4 } } })).object).toMatchObject({ spec: { replicas: 4 } });
    expect((await ask({ ...scale, verb: 'patch', patchType: 'application/merge-patch+json', patch: { spec: { replicas: 2 } } })).object).toMatchObject({ spec: { replicas: 2 } });
    expect((await ask({ verb: 'get', resource: deploys, name: 'd' })).object).toMatchObject({ spec: { replicas: 2 } });
  },
  'an eviction deletes a pod, and in a dry run does not': async ({ ask }) => {
    const resource = pods as unknown as Resource;
    await ask({ verb: 'create', resource, object: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } } });
    const eviction = { verb: 'create', resource, name: 'p', subresource: 'eviction', object: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'p' } } } as const;
    await ask({ ...eviction, options: { dryRun: ['All'] } });
    await ask({ verb: 'get', resource, name: 'p' });
    expect((await ask(eviction)).object).toMatchObject({ kind: 'Status', status: 'Success' });
    await expect(ask({ verb: 'get', resource, name: 'p' })).rejects.toMatchObject({ reason: 'NotFound' });
  },
  'a review is a question, answered at once': async ({ ask, namespace }) => {
    const resource = (kind: string): Resource => reviewResources.find((one) => one.kind === kind) as Resource;
    const self = await ask({ verb: 'create', resource: resource('SelfSubjectReview'), namespace: undefined, object: { kind: 'SelfSubjectReview' } });
    expect(self.object).toMatchObject({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', status: { userInfo: { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] } } });
    const may = await ask({ verb: 'create', resource: resource('SelfSubjectAccessReview'), namespace: undefined, object: { spec: { resourceAttributes: { verb: 'create', resource: 'pods', namespace } } } });
    expect(may.object).toMatchObject({ kind: 'SelfSubjectAccessReview', status: { allowed: true } });
  },
  'an update makes a lease that is not there, but no config map': async ({ ask }) => {
    const resource = leases as unknown as Resource;
    const lease = { metadata: { name: 'l' }, spec: { holderIdentity: 'me' } };
    expect((await ask({ verb: 'update', resource, name: 'l', object: lease })).object).toMatchObject({ metadata: { name: 'l', uid: expect.any(String) as string }, spec: { holderIdentity: 'me' } });
    expect((await ask({ verb: 'update', resource, name: 'l', object: { ...lease, spec: { holderIdentity: 'you' } } })).object).toMatchObject({ spec: { holderIdentity: 'you' } });
    await expect(ask({ verb: 'update', name: 'absent', object: { metadata: { name: 'absent' } } })).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(ask({ verb: 'update', resource, name: 'gone', object: { metadata: { name: 'gone', resourceVersion: '1' } } })).rejects.toMatchObject({ reason: 'NotFound' });
  },
};

function deployment(name: string, containers: JsonObject[]): JsonObject {
  return { metadata: { name }, spec: { selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers } } } };
}

describe('one behaviour, two doors', () => {
  let doors: TwoDoors;
  let door: Readonly<Record<'REST' | 'gRPC', RawDoor>>;
  let counter = 0;
  beforeAll(async () => {
    doors = await openTwoDoors();
    door = { REST: rawRestDoor(await doors.rest()), gRPC: rawGrpcDoor(await doors.bed.connect()) };
  });
  afterAll(() => doors.close());

  describe.each(['REST', 'gRPC'] as const)('through the %s door', (which) => {
    it.each(Object.entries(cases))('%s', async (_title, run) => {
      const through = door[which];
      const namespace = `options-${++counter}`;
      await through.ask({ verb: 'create', resource: doors.bed.apiserver.core.registry.findName('namespaces') as Resource, object: { metadata: { name: namespace } } });
      const ask: Case['ask'] = (what) => through.ask({ resource: maps, namespace, ...what });
      await run({
        door: through, doors, namespace, ask,
        make: async (name, more = {}) => (await ask({ verb: 'create', object: { metadata: { name }, ...more } })).object ?? {},
        get: async (name) => (await ask({ verb: 'get', name })).object ?? {},
        names: async (options) => ((await ask({ verb: 'list', options })).items ?? []).map(nameOf).filter((name) => name !== 'kube-root-ca.crt'),
      });
    });
  });
});
