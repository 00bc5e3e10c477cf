import { configMaps, pods } from '@navarch/api';
import { ApiError, hasReason } from '@navarch/base';
import { Binding, type ConfigMap } from '@navarch/proto/k8s/io/api/core/v1/core';
import { PodServiceService as podService } from '@navarch/proto/navarch/core/v1/pod_service';
import {
  ObjectServiceService as objectService, type CreateObjectRequest, type ListObjectsRequest, type ListObjectsResponse, type PatchObjectRequest, type UpdateObjectRequest, type WatchObjectResponse,
  type WatchObjectsRequest,
} from '@navarch/proto/navarch/meta/v1/object_service';

import { grpcApiClient, openPodLog } from './grpc-api-client';
import { grpcService, type ServiceHandlers } from './grpc-service';
import { statusOfError } from './status';
import { collect, createTestBed, failureOf, type TestBed } from './test-support';

type Handlers = ServiceHandlers<typeof objectService>;

let bed: TestBed;
beforeEach(async () => {
  bed = await createTestBed();
});
afterEach(() => bed.close());

const absent = (): never => {
  throw new ApiError('MethodNotAllowed', 'not in this test');
};

async function connect(handlers: Partial<Handlers>) {
  const all: Handlers = { get: absent, list: absent, watch: absent, create: absent, update: absent, patch: absent, delete: absent, deleteCollection: absent, resources: absent, ...handlers };
  return grpcApiClient(bed.connect(await bed.serve({ services: [grpcService(objectService, all)] })));
}

const bytes = (object: ConfigMap): Buffer => Buffer.from(configMaps.codec.encode(object));
const named = (name: string): ConfigMap => ({ metadata: { name, namespace: 'default' } });

describe('lists', () => {
  const pages = (failAt?: number) => {
    const asked: ListObjectsRequest[] = [];
    const list = (request: ListObjectsRequest): Promise<ListObjectsResponse> => {
      asked.push(request);
      if (asked.length === failAt) return Promise.reject(new ApiError('Expired', 'the continue token is too old'));
      const from = Number(request.request?.continue ?? '0');
      const items = Array.from({ length: Math.min(500, 1_200 - from) }, (_, index) => bytes(named(`c-${from + index}`)));
      return Promise.resolve({ items, resourceVersion: '77', ...(from + 500 < 1_200 && { continue: String(from + 500) }) });
    };
    return { asked, list };
  };

  it('page through until all items are there, with the version of the first page', async () => {
    const { asked, list } = pages();
    const result = await (await connect({ list })).resource(configMaps).list({ namespace: 'default', labelSelector: 'a=b', resourceVersion: '0' });
    expect(result.items.map(({ metadata }) => metadata?.name)).toEqual(Array.from({ length: 1_200 }, (_, index) => `c-${index}`));
    expect(result.resourceVersion).toBe('77');
    expect(asked.map(({ request }) => [request?.continue, request?.resourceVersion, request?.labelSelector])).toEqual([[undefined, '0', 'a=b'], ['500', undefined, 'a=b'], ['1000', undefined, 'a=b']]);
    expect(asked[0]?.resource).toEqual({ version: 'v1', resource: 'configmaps' });
  });

  it('begin anew where the snapshot expired between two pages', async () => {
    const { asked, list } = pages(2);
    expect((await (await connect({ list })).resource(configMaps).list()).items).toHaveLength(1_200);
    expect(asked).toHaveLength(5);
  });

  it('give up where that goes on', async () => {
    const list = (): Promise<ListObjectsResponse> => Promise.reject(new ApiError('Expired', 'too old'));
    expect(hasReason(await failureOf((await connect({ list })).resource(configMaps).list()), 'Expired')).toBe(true);
  });
});

describe('watches', () => {
  const watching = async (events: WatchObjectResponse[], asked: WatchObjectsRequest[] = []) => {
    const watch = async function* (request: WatchObjectsRequest) {
      asked.push(request);
      for (const event of events) yield await Promise.resolve(event);
    };
    return (await connect({ watch })).resource(configMaps).watch({ signal: new AbortController().signal, sendInitialEvents: true });
  };

  it('give each event with both trace headers, version and commit time', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const origin = `00-${'a'.repeat(32)}-${'c'.repeat(16)}-01`;
    const asked: WatchObjectsRequest[] = [];
    const events = await collect(await watching([
      { type: 'ADDED', object: bytes(named('a')), resourceVersion: '5', traceparent, origin, commitTimeMs: 1_700_000_000_123 },
      { type: 'BOOKMARK', object: bytes({ metadata: { resourceVersion: '6', annotations: { 'k8s.io/initial-events-end': 'true' } } }), resourceVersion: '6' },
    ], asked));
    expect(events).toEqual([
      { type: 'ADDED', object: named('a'), resourceVersion: '5', traceparent, origin, commitTimeMs: 1_700_000_000_123 },
      { type: 'BOOKMARK', object: expect.objectContaining({ metadata: expect.objectContaining({ resourceVersion: '6' }) }), resourceVersion: '6', commitTimeMs: 0, initialEventsEnd: true },
    ]);
    expect(asked[0]?.request).toMatchObject({ sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true });
  });

  it('end with the error that an ERROR event tells of', async () => {
    const events = await watching([{ type: 'ADDED', object: bytes(named('a')), resourceVersion: '5' }, { type: 'ERROR', status: statusOfError(new ApiError('Expired', 'too old resource version: 3')) }]);
    const failure = await failureOf(collect(events));
    expect(hasReason(failure, 'Expired') && failure.message).toBe('too old resource version: 3');
  });

  it('end when the server ends them', async () => {
    expect(await collect(await watching([]))).toEqual([]);
  });
});

describe('writes', () => {
  it('go to the right subresource, as protobuf', async () => {
    const updates: UpdateObjectRequest[] = [];
    const client = await connect({
      update: (request) => {
        updates.push(request);
        return Promise.resolve({ object: request.object });
      },
    });
    const object = { ...named('a'), data: { key: 'value' } };
    expect(await client.resource(configMaps).update(object)).toEqual(object);
    await client.resource(configMaps).updateStatus(object);
    expect(updates.map(({ resource, namespace }) => [resource?.subresource, namespace])).toEqual([[undefined, 'default'], ['status', 'default']]);
  });

  it('send patches as they are', async () => {
    const patches: PatchObjectRequest[] = [];
    const client = await connect({
      patch: (request) => {
        patches.push(request);
        return Promise.resolve({ object: bytes(named('a')) });
      },
    });
    await client.resource(pods).patch('default', 'a', 'application/merge-patch+json', { metadata: { labels: { a: null } } }, { subresource: 'status' });
    expect(patches[0]?.request).toMatchObject({ namespace: 'default', name: 'a', patchType: 'application/merge-patch+json' });
    expect(JSON.parse(patches[0]?.request?.patch?.toString() ?? '')).toEqual({ metadata: { labels: { a: null } } });
    expect(patches[0]?.resource?.subresource).toBe('status');
  });

  it('bind a pod through pods/binding', async () => {
    const creates: CreateObjectRequest[] = [];
    const client = await connect({
      create: (request) => {
        creates.push(request);
        return Promise.resolve({});
      },
    });
    const binding: Binding = { metadata: { namespace: 'default', name: 'web' }, target: { kind: 'Node', name: 'node-1' } };
    await client.bindPod(binding);
    expect(creates[0]).toMatchObject({ resource: { version: 'v1', resource: 'pods', subresource: 'binding' }, namespace: 'default', name: 'web' });
    expect(Binding.decode(creates[0]?.object ?? Buffer.alloc(0))).toEqual(binding);
  });

  it('fail with what the server says', async () => {
    const client = await connect({ create: () => Promise.reject(new ApiError('AlreadyExists', 'configmaps "a" already exists')) });
    expect(hasReason(await failureOf(client.resource(configMaps).create(named('a'))), 'AlreadyExists')).toBe(true);
  });
});

it('a pod log arrives as the bytes that were sent', async () => {
  const handlers = Object.fromEntries(Object.keys(podService).map((name) => [name, absent])) as unknown as ServiceHandlers<typeof podService>;
  const log = async function* ({ name }: { name?: string }) {
    yield await Promise.resolve({ data: Buffer.from(`${name} line 1\n`) });
    yield { data: Buffer.from([0xff, 0xfe]) };
  };
  const channel = bed.connect(await bed.serve({ services: [grpcService(podService, { ...handlers, log })] }));
  expect(Buffer.concat(await collect(openPodLog(channel, 'default', 'web', { follow: true }))).toString('latin1')).toBe('web line 1\n\u00ff\u00fe');
});
