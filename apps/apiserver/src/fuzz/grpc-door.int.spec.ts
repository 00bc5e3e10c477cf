import { codecFor } from '@navarch/api';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { status as Code } from '@grpc/grpc-js';
import { CreateObjectRequest, DeleteObjectRequest, GetObjectRequest, ListObjectsRequest, PatchObjectRequest, UpdateObjectRequest } from '@navarch/proto/navarch/meta/v1/object_service';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import fc from 'fast-check';

import { mutated, jsonText, objectText, evilWord } from './arbitraries';
import { fuzzParameters, fuzzTimeoutMs, openTwoDoors, type CallAnswer, type TwoDoors } from './two-doors';

const podCodec = codecFor<Pod>('k8s.io.api.core.v1.Pod');
const pod = podCodec.encode(podCodec.fromJson({ metadata: { name: 'p', namespace: 'default', labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '1' } } }] } }));
const get = GetObjectRequest.encode({ resource: { group: '', version: 'v1', resource: 'configmaps' }, request: { namespace: 'default', name: 'target' } }).finish();
const objects = '/navarch.meta.v1.ObjectService';
const serverFaults: readonly number[] = [Code.INTERNAL, Code.UNKNOWN, Code.UNAVAILABLE, Code.DATA_LOSS, Code.DEADLINE_EXCEEDED, Code.CANCELLED];

/** Messages as fields of any number and wire type: what no generated encoder would write. */
const wireMessage: fc.Arbitrary<Uint8Array> = fc.letrec<{ message: Uint8Array }>((tie) => ({
  message: fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.oneof({ depthSize: 'small' },
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => ({ type: WireType.Varint, value })), fc.uint8Array({ maxLength: 8 }).map((value) => ({ type: WireType.LengthDelimited, value })),
    evilWord.map((word) => ({ type: WireType.LengthDelimited, value: Buffer.from(word) })), tie('message').map((value) => ({ type: WireType.LengthDelimited, value })),
    fc.nat(0xffffffff).map((value) => ({ type: WireType.Bit32, value })),
  )), { maxLength: 5 }).map((fields) => {
    const writer = new BinaryWriter();
    for (const [number, { type, value }] of fields) {
      writer.tag(number, type);
      if (typeof value === 'bigint') writer.uint64(value);
      else if (typeof value === 'number') writer.fixed32(value);
      else writer.bytes(value);
    }
    return writer.finish();
  }),
})).message;

describe('the gRPC door under hostile input', () => {
  let doors: TwoDoors;
  beforeAll(async () => {
    doors = await openTwoDoors();
    await doors.ask('/api/v1/namespaces/default/configmaps', { method: 'POST', body: JSON.stringify({ metadata: { name: 'target' }, data: { a: '1' } }) });
  });
  afterAll(() => doors.close());
  afterEach(async () => {
    expect((await doors.call(`${objects}/Get`, get)).code).toBe(Code.OK);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  async function clientsFault(method: string, request: Uint8Array): Promise<CallAnswer> {
    const before = doors.logged.length;
    const answer = await doors.call(method, request);
    const unexpected = doors.logged.slice(before).filter(({ level }) => level === 'error').map(({ fields }) => String((fields['error'] as Error | undefined)?.stack));
    expect({ code: serverFaults.includes(answer.code) ? `${Code[answer.code]} ${answer.details.slice(0, 200)}` : 'a client’s', unexpected }).toEqual({ code: 'a client’s', unexpected: [] });
    return answer;
  }

  const methods = fc.constantFrom(
    ...['Get', 'List', 'Create', 'Update', 'Patch', 'Delete', 'DeleteCollection'].map((name) => `${objects}/${name}`),
    ...['Get', 'List', 'Create', 'Update', 'Patch', 'Delete', 'UpdateStatus', 'PatchStatus', 'Bind'].map((name) => `/navarch.core.v1.PodService/${name}`),
    '/navarch.core.v1.NamespaceService/Finalize', '/navarch.apps.v1.DeploymentService/Update', '/navarch.meta.v1.VersionService/Get',
  );

  it('answers random bytes, mangled messages and wrong wire types in every method with a client’s code or success, never INTERNAL', async () => {
    const create = CreateObjectRequest.encode({ resource: { group: '', version: 'v1', resource: 'pods' }, namespace: 'default', object: Buffer.from(pod), options: { dryRun: ['All'] } }).finish();
    const request = fc.oneof(fc.uint8Array({ maxLength: 100 }), wireMessage, mutated(create), mutated(get));
    await fc.assert(fc.asyncProperty(methods, request, async (method, bytes) => { await clientsFault(method, bytes); }), fuzzParameters());
  }, fuzzTimeoutMs);

  it('answers random references, objects, patches and options in well-formed messages with a client’s code or success, never INTERNAL', async () => {
    const word = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('', 'v1', 'apps', 'pods', 'configmaps', 'target', 'default', 'status', 'application/json', 'application/vnd.kubernetes.protobuf') }, { weight: 1, arbitrary: evilWord });
    const resource = fc.oneof(fc.constantFrom({ group: '', version: 'v1', resource: 'configmaps' }, { group: '', version: 'v1', resource: 'pods' }), fc.record({ group: word, version: word, resource: word, subresource: word }));
    const object = fc.oneof(jsonText, objectText).map((text) => Buffer.from(text));
    const write = fc.record({ resource, namespace: word, object, contentType: word }).map((message) => ({ ...message, options: { dryRun: ['All'] } }));
    const patch = fc.record({ resource, contentType: word, request: fc.record({ namespace: word, name: word, patch: object,
      patchType: fc.constantFrom('application/merge-patch+json', 'application/json-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'constructor') }) })
      .map((message) => ({ ...message, request: { ...message.request, options: { dryRun: ['All'], fieldManager: 'f' } } }));
    const call = fc.oneof(
      write.map((message) => [`${objects}/Create`, CreateObjectRequest.encode(message).finish()] as const),
      write.map((message) => [`${objects}/Update`, UpdateObjectRequest.encode(message).finish()] as const),
      patch.map((message) => [`${objects}/Patch`, PatchObjectRequest.encode(message).finish()] as const),
      fc.record({ resource, request: fc.record({ namespace: word, name: word, resourceVersion: word }), contentType: word }).map((message) => [`${objects}/Get`, GetObjectRequest.encode(message).finish()] as const),
      fc.record({ resource, request: fc.record({ namespace: word, labelSelector: word, fieldSelector: word, resourceVersion: word, resourceVersionMatch: word, continue: word, limit: fc.maxSafeInteger() }) })
        .map((message) => [`${objects}/List`, ListObjectsRequest.encode(message).finish()] as const),
      fc.record({ resource, request: fc.record({ namespace: word, name: word, options: fc.record({ gracePeriodSeconds: fc.maxSafeInteger(), propagationPolicy: word, preconditions: fc.record({ uid: word, resourceVersion: word }) }) }) })
        .map((message) => [`${objects}/Delete`, DeleteObjectRequest.encode({ ...message, request: { ...message.request, options: { ...message.request.options, dryRun: ['All'] } } }).finish()] as const),
    );
    await fc.assert(fc.asyncProperty(call, async ([method, bytes]) => { await clientsFault(method, bytes); }), fuzzParameters());
  }, fuzzTimeoutMs);
});
