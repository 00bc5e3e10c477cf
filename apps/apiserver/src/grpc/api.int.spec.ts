import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { configMaps, nodes, pods, type ApiObject } from '@navarch/api';
import { createFileRegistry, fromBinary, type DescMessage } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { silentLogger, type ApiError } from '@navarch/base';
import { createGrpcServer, grpcApiClient, grpcService, openPodLog, type GrpcChannel } from '@navarch/service';
import { HealthService } from '@navarch/proto/grpc/health/v1/health';
import { ServerReflectionService, type ServerReflectionRequest, type ServerReflectionResponse } from '@navarch/proto/grpc/reflection/v1/reflection';
import { ServerReflectionService as ReflectionV1Alpha } from '@navarch/proto/grpc/reflection/v1alpha/reflection';
import { KubeletServiceService } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import { ConfigMapServiceService as configMapService } from '@navarch/proto/navarch/core/v1/config_map_service';
import { NamespaceServiceService as namespaceService } from '@navarch/proto/navarch/core/v1/namespace_service';
import { PodServiceService as podService } from '@navarch/proto/navarch/core/v1/pod_service';
import { LeaseServiceService as leaseService } from '@navarch/proto/navarch/coordination/v1/lease_service';
import { ObjectServiceService as objectService } from '@navarch/proto/navarch/meta/v1/object_service';
import { VersionServiceService as versionService } from '@navarch/proto/navarch/meta/v1/version_service';
import { status as Code } from '@grpc/grpc-js';

import { createApiBed, type ApiBed } from '../testing/api-bed';
import { isKindService } from './kind-methods';
import { loadDescriptors } from './descriptors';

jest.setTimeout(60_000);

const ref = { version: 'v1', resource: 'configmaps' };
const json = 'application/json';
const identity = (bytes: Buffer): Buffer => bytes;
/** A method on bytes, to send what no generated code would. */
const raw = (path: string) => ({ path, requestStream: false, responseStream: false, requestSerialize: identity, requestDeserialize: identity, responseSerialize: identity, responseDeserialize: identity });

let bed: ApiBed;
let channel: GrpcChannel;
let counter = 0;
const fresh = (): string => `object-${++counter}`;

beforeAll(async () => {
  bed = await createApiBed();
  channel = await bed.connect();
});
afterAll(() => bed.close());

const createJson = (text: string) => channel.unary(objectService.create, { resource: ref, namespace: 'default', object: Buffer.from(text), contentType: json });

describe('typed services', () => {
  it('create, get, update, patch, list and delete pass objects as protobuf', async () => {
    const name = fresh();
    const made = await channel.unary(configMapService.create, { namespace: 'default', object: { metadata: { name, labels: { test: name } }, data: { n: '1' } } });
    expect(made).toMatchObject({ metadata: { name, namespace: 'default', uid: expect.any(String), resourceVersion: expect.stringMatching(/^\d+$/) }, data: { n: '1' } });
    expect(await channel.unary(configMapService.get, { namespace: 'default', name })).toEqual(made);
    const updated = await channel.unary(configMapService.update, { object: { ...made, data: { n: '2' } } });
    expect(updated.data).toEqual({ n: '2' });
    const patched = await channel.unary(configMapService.patch, { namespace: 'default', name, patchType: 'application/merge-patch+json', patch: Buffer.from('{"data":{"m":"3"}}') });
    expect(patched.data).toEqual({ n: '2', m: '3' });
    const list = await channel.unary(configMapService.list, { namespace: 'default', labelSelector: `test=${name}` });
    expect(list).toMatchObject({ metadata: { resourceVersion: expect.stringMatching(/^\d+$/) }, items: [patched] });
    expect((await channel.unary(configMapService.delete, { namespace: 'default', name })).metadata?.uid).toBe(made.metadata?.uid);
    await expect(channel.unary(configMapService.get, { namespace: 'default', name })).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('an empty namespace means "default" for one object and all namespaces for a list', async () => {
    const name = fresh();
    await channel.unary(configMapService.create, { object: { metadata: { name } } });
    expect((await channel.unary(configMapService.get, { name })).metadata?.namespace).toBe('default');
    await channel.unary(configMapService.create, { namespace: 'kube-public', object: { metadata: { name, namespace: 'default' } } });
    const list = await channel.unary(configMapService.list, { fieldSelector: `metadata.name=${name}` });
    expect(list.items?.map(({ metadata }) => metadata?.namespace)).toEqual(['default', 'kube-public']);
  });

  it('watch streams events with both trace headers, version and commit time', async () => {
    const name = fresh();
    const stopping = new AbortController();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const events = channel.serverStream(configMapService.watch, { namespace: 'default', fieldSelector: `metadata.name=${name}`, sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }, { signal: stopping.signal });
    const start = (await events.next()).value;
    expect(start).toMatchObject({ type: 'BOOKMARK', object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } });
    await channel.unary(configMapService.create, { object: { metadata: { name } } }, { metadata: { traceparent } });
    const added = (await events.next()).value;
    expect(added).toMatchObject({ type: 'ADDED', object: { metadata: { name } }, traceparent: expect.stringContaining('0af7651916cd43dd8448eb211c80319c'), origin: expect.stringContaining('0af7651916cd43dd8448eb211c80319c') });
    expect(added?.resourceVersion).toBe(added?.object?.metadata?.resourceVersion);
    expect(added?.commitTimeMs).toBeGreaterThan(Date.now() - 60_000);
    stopping.abort();
    await expect(events.next()).rejects.toMatchObject({ reason: 'Canceled' });
  });

  it('a metadata-only watch has nothing but metadata', async () => {
    const name = fresh();
    await channel.unary(configMapService.create, { object: { metadata: { name }, data: { secret: 'content' } } });
    const stopping = new AbortController();
    const events = channel.serverStream(configMapService.watch, { namespace: 'default', fieldSelector: `metadata.name=${name}`, metadataOnly: true }, { signal: stopping.signal });
    const { value } = await events.next();
    expect(value?.object).toEqual({ metadata: expect.objectContaining({ name }) });
    stopping.abort();
  });

  it('pods have binding and status, namespaces finalize, leases their own group', async () => {
    const name = fresh();
    const made = await channel.unary(podService.create, { object: { metadata: { name }, spec: { containers: [{ name: 'main', image: 'busybox' }] } } });
    expect(await channel.unary(podService.bind, { object: { metadata: { name }, target: { kind: 'Node', name: 'node-a' } } })).toMatchObject({ status: 'Success', code: 201 });
    await expect(channel.unary(podService.bind, { object: { metadata: { name }, target: { name: 'node-b' } } })).rejects.toMatchObject({ reason: 'Conflict' });
    const reported = await channel.unary(podService.updateStatus, { object: { ...made, metadata: { name }, status: { phase: 'Running' } } });
    expect(reported).toMatchObject({ spec: { nodeName: 'node-a' }, status: { phase: 'Running' } });
    const patched = await channel.unary(podService.patchStatus, { name, patchType: 'application/merge-patch+json', patch: Buffer.from('{"status":{"message":"hi"}}') });
    expect(patched.status).toMatchObject({ phase: 'Running', message: 'hi' });
    await channel.unary(namespaceService.create, { object: { metadata: { name } } });
    expect((await channel.unary(namespaceService.delete, { name })).status?.phase).toBe('Terminating');
    await channel.unary(namespaceService.finalize, { object: { metadata: { name }, spec: {} } });
    await expect(channel.unary(namespaceService.get, { name })).rejects.toMatchObject({ reason: 'NotFound' });
    const lease = await channel.unary(leaseService.create, { namespace: 'kube-system', object: { metadata: { name }, spec: { holderIdentity: 'me' } } });
    expect(lease.spec?.holderIdentity).toBe('me');
  });

  it('serve every method of every kind in the descriptor set', () => {
    const services = loadDescriptors().services.filter(isKindService).map(({ typeName }) => typeName);
    expect(services).toEqual(expect.arrayContaining(['navarch.core.v1.PodService', 'navarch.coordination.v1.LeaseService']));
    // Usage figures are asked by ObjectService: they are nobody's to write.
    expect(services).toHaveLength(bed.apiserver.core.resources().filter(({ group }) => group !== 'metrics.k8s.io').length);
  });

  it('a list longer than a page is never sent in one message', async () => {
    const blob = 'x'.repeat(900_000);
    const label = fresh();
    for (let n = 0; n < 6; n++) await channel.unary(configMapService.create, { object: { metadata: { name: `${label}-${n}`, labels: { big: label } }, data: { blob } } });
    const sizes: number[] = [];
    let page = await channel.unary(configMapService.list, { namespace: 'default', labelSelector: `big=${label}` });
    sizes.push(page.items?.length ?? 0);
    while (page.metadata?.continue) {
      page = await channel.unary(configMapService.list, { namespace: 'default', labelSelector: `big=${label}`, continue: page.metadata.continue });
      sizes.push(page.items?.length ?? 0);
    }
    expect(sizes).toEqual([3, 3]);
    const small = bed.connectWith((await bed.certificate('kubernetes-admin', ['system:masters'])));
    expect((await grpcApiClient(small).resource(configMaps).list({ namespace: 'default', labelSelector: `big=${label}` })).items).toHaveLength(6);
  });
});

describe('ObjectService', () => {
  it('serves any kind as protobuf or JSON, whole or metadata only', async () => {
    const name = fresh();
    const made = await createJson(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { k: 'v' } }));
    expect(JSON.parse(made.object?.toString() ?? '')).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, resourceVersion: made.resourceVersion }, data: { k: 'v' } });
    const binary = await channel.unary(objectService.get, { resource: ref, request: { namespace: 'default', name } });
    expect(configMaps.codec.decode(binary.object ?? Buffer.alloc(0)).data).toEqual({ k: 'v' });
    const meta = await channel.unary(objectService.get, { resource: ref, request: { namespace: 'default', name }, metadataOnly: true });
    expect(configMaps.codec.decode(meta.object ?? Buffer.alloc(0))).toEqual({ metadata: expect.objectContaining({ name }) });
    const list = await channel.unary(objectService.list, { resource: ref, request: { namespace: 'default', fieldSelector: `metadata.name=${name}` }, contentType: json });
    expect(list.items?.map((item) => JSON.parse(item.toString()).data)).toEqual([{ k: 'v' }]);
    const gone = await channel.unary(objectService.deleteCollection, { resource: ref, request: { namespace: 'default', fieldSelector: `metadata.name=${name}` } });
    expect(gone.items).toHaveLength(1);
  });

  it('lists the resources there are', async () => {
    const { resources = [] } = await channel.unary(objectService.resources, {});
    expect(resources.find(({ resource }) => resource === 'pods')).toMatchObject({ version: 'v1', kind: 'Pod', namespaced: true, shortNames: ['po'], subresources: expect.arrayContaining(['status', 'binding', 'log']) });
    expect(resources).toHaveLength(bed.apiserver.core.resources().length);
  });

  it.each(['namespaces', 'nodes', 'pods', 'configmaps', 'secrets', 'serviceaccounts', 'events', 'leases'])('creates, gets, lists, watches, updates and deletes %s', async (plural) => {
    const resource = bed.apiserver.core.registry.all().find((one) => one.plural === plural);
    if (!resource) throw new Error(`no ${plural}`);
    const client = grpcApiClient(channel).resource(resource);
    const name = fresh();
    const namespace = resource.namespaced ? 'default' : '';
    const minimal: Record<string, object> = { pods: { spec: { containers: [{ name: 'main', image: 'busybox' }] } }, events: { involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' } } };
    const made = await client.create({ metadata: { name, ...(namespace && { namespace }) }, ...minimal[plural] } as ApiObject);
    expect(await client.get(namespace, name)).toEqual(made);
    const stopping = new AbortController();
    const watch = client.watch({ namespace: namespace || undefined, resourceVersion: made.metadata?.resourceVersion, fieldSelector: `metadata.name=${name}`, signal: stopping.signal })[Symbol.asyncIterator]();
    const updated = await client.update({ ...made, metadata: { ...made.metadata, labels: { ...made.metadata?.labels, changed: 'yes' } } });
    await client.delete(namespace, name);
    if (plural === 'namespaces') await channel.unary(namespaceService.finalize, { object: { metadata: { name }, spec: {} } });
    expect([(await watch.next()).value?.type, (await watch.next()).value?.type]).toEqual(plural === 'namespaces' ? ['MODIFIED', 'MODIFIED'] : ['MODIFIED', 'DELETED']);
    stopping.abort();
    expect(updated.metadata?.labels?.['changed']).toBe('yes');
    expect((await client.list({ fieldSelector: `metadata.name=${name}` })).items).toEqual([]);
  });
});

describe('bad input has the right code', () => {
  const failure = async (promise: Promise<unknown>): Promise<{ reason: string; grpc: number | undefined; message: string }> => {
    const error = await promise.then(() => { throw new Error('it was accepted'); }, (thrown: unknown) => thrown) as ApiError & { cause?: { code?: number } };
    return { reason: error.reason, grpc: error.cause?.code, message: error.message };
  };

  it('an unknown field or a wrong type in JSON is INVALID_ARGUMENT and names the field', async () => {
    expect(await failure(createJson('{"metadata":{"name":"a"},"dta":{}}'))).toMatchObject({ reason: 'BadRequest', grpc: Code.INVALID_ARGUMENT, message: expect.stringContaining('dta') });
    expect(await failure(createJson('{"metadata":{"name":"a"},"data":7}'))).toMatchObject({ reason: 'BadRequest', grpc: Code.INVALID_ARGUMENT, message: expect.stringContaining('data') });
  });

  it('a number beyond 2^53 is INVALID_ARGUMENT in JSON and in protobuf', async () => {
    expect(await failure(createJson('{"metadata":{"name":"a","generation":9007199254740993}}'))).toMatchObject({ reason: 'BadRequest', grpc: Code.INVALID_ARGUMENT });
    // metadata { generation (7): 2^62 }
    const object = Buffer.from([0x0a, 0x0a, 0x38, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]);
    expect(await failure(channel.unary(objectService.create, { resource: ref, namespace: 'default', object }))).toMatchObject({ reason: 'BadRequest', grpc: Code.INVALID_ARGUMENT });
  });

  it('an object over 3 MiB, and a message over 4 MiB, is RESOURCE_EXHAUSTED', async () => {
    const data = (mib: number) => ({ object: { metadata: { name: 'big' }, data: { blob: 'x'.repeat(mib * 1024 * 1024) } } });
    expect(await failure(channel.unary(configMapService.create, data(3)))).toMatchObject({ reason: 'RequestEntityTooLarge', grpc: Code.RESOURCE_EXHAUSTED, message: 'Request entity too large: limit is 3145728' });
    expect(await failure(channel.unary(configMapService.create, data(5)))).toMatchObject({ grpc: Code.RESOURCE_EXHAUSTED });
  });

  it('malformed protobuf is INVALID_ARGUMENT, in the envelope, in the object and in its options', async () => {
    const create = raw('/navarch.core.v1.ConfigMapService/Create');
    for (const bytes of [[0x0a, 0xff], [0x12, 0x03, 0x0a, 0xff, 0x01], [0x1a, 0x02, 0x0a, 0xff], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]]) {
      expect(await failure(channel.unary(create, Buffer.from(bytes)))).toMatchObject({ reason: 'BadRequest', grpc: Code.INVALID_ARGUMENT });
    }
    expect(await failure(channel.unary(raw('/navarch.core.v1.ConfigMapService/Get'), Buffer.from([0x0a, 0xff])))).toMatchObject({ grpc: Code.INVALID_ARGUMENT });
    expect(await failure(channel.unary(create, Buffer.concat([Buffer.from([0x12, 0x90, 0x4e]), Buffer.alloc(10_000, 0x0b)])))).toMatchObject({ grpc: Code.INVALID_ARGUMENT });
  });

  it('an unknown kind is NOT_FOUND, an unknown method UNIMPLEMENTED', async () => {
    expect(await failure(channel.unary(objectService.get, { resource: { version: 'v1', resource: 'widgets' }, request: { name: 'a' } }))).toMatchObject({ reason: 'NotFound', grpc: Code.NOT_FOUND, message: 'the server could not find the requested resource' });
    expect(await failure(channel.unary(raw('/navarch.core.v1.WidgetService/Get'), Buffer.alloc(0)))).toMatchObject({ grpc: Code.UNIMPLEMENTED });
  });

  it('a stale resourceVersion is ABORTED, a taken name ALREADY_EXISTS, a version too old OUT_OF_RANGE', async () => {
    const name = fresh();
    const made = await channel.unary(configMapService.create, { object: { metadata: { name } } });
    await channel.unary(configMapService.update, { object: { ...made, data: { n: '1' } } });
    expect(await failure(channel.unary(configMapService.update, { object: { ...made, data: { n: '2' } } }))).toMatchObject({ reason: 'Conflict', grpc: Code.ABORTED });
    expect(await failure(channel.unary(configMapService.create, { object: { metadata: { name } } }))).toMatchObject({ reason: 'AlreadyExists', grpc: Code.ALREADY_EXISTS });
    expect(await failure(channel.serverStream(configMapService.watch, { resourceVersion: '1' }).next())).toMatchObject({ reason: 'Expired', grpc: Code.OUT_OF_RANGE });
  });

  it('an invalid object is INVALID_ARGUMENT with every cause and field path', async () => {
    const error = await channel.unary(podService.create, { object: { metadata: { name: 'Bad_Name' }, spec: {} } }).then(() => undefined, (thrown: unknown) => thrown) as ApiError;
    expect(error).toMatchObject({ reason: 'Invalid', details: { kind: 'Pod', name: 'Bad_Name' } });
    expect(error.details.causes?.map(({ field }) => field)).toEqual(expect.arrayContaining(['metadata.name', 'spec.containers']));
    expect((error.cause as { code: number }).code).toBe(Code.INVALID_ARGUMENT);
  });

  it('options that nobody knows, and a patch type that is not served, are INVALID_ARGUMENT', async () => {
    const name = fresh();
    await channel.unary(configMapService.create, { object: { metadata: { name } } });
    expect(await failure(channel.unary(configMapService.create, { object: { metadata: { name } }, options: { dryRun: ['Some'] } }))).toMatchObject({ grpc: Code.INVALID_ARGUMENT });
    expect(await failure(channel.unary(configMapService.patch, { name, patchType: 'text/x-diff', patch: Buffer.from('-a+b') }))).toMatchObject({ reason: 'UnsupportedMediaType', grpc: Code.INVALID_ARGUMENT });
    expect(await failure(channel.unary(objectService.get, { resource: ref, request: { name }, contentType: 'text/html' }))).toMatchObject({ reason: 'NotAcceptable', grpc: Code.INVALID_ARGUMENT });
  });
});

describe('who calls', () => {
  it('anonymous gets health, version and reflection, and nothing else', async () => {
    const anonymous = bed.connectWith({ ca: bed.authority.certificate });
    expect(await anonymous.unary(HealthService.check, {})).toMatchObject({ status: 1 });
    expect(await anonymous.unary(versionService.get, {})).toEqual({ version: '0.1.0', kubernetesVersion: '1.36' });
    expect((await reflect(anonymous, { messageRequest: { $case: 'listServices', listServices: '' } })).messageResponse?.$case).toBe('listServicesResponse');
    await expect(anonymous.unary(configMapService.get, { name: 'a' })).rejects.toMatchObject({ reason: 'Forbidden', message: expect.stringContaining('User "system:anonymous" cannot get resource "configmaps"') });
    await expect(anonymous.unary(objectService.resources, {})).rejects.toMatchObject({ reason: 'Forbidden' });
    await expect(anonymous.serverStream(podService.watch, {}).next()).rejects.toMatchObject({ reason: 'Forbidden' });
  });

  it('a bearer token names its user; one that nobody knows is UNAUTHENTICATED', async () => {
    const tls = { ca: bed.authority.certificate };
    expect((await bed.connectWith(tls, 'good-token').unary(namespaceService.get, { name: 'default' })).metadata?.name).toBe('default');
    await expect(bed.connectWith(tls, 'plain-token').unary(namespaceService.get, { name: 'default' })).rejects.toMatchObject({ reason: 'Forbidden', message: expect.stringContaining('User "pat"') });
    await expect(bed.connectWith(tls, 'guessed').unary(namespaceService.get, { name: 'default' })).rejects.toMatchObject({ reason: 'Unauthorized', message: 'Unauthorized' });
  });

  it('a kubelet’s certificate lets it watch its own pods and nobody else’s', async () => {
    const kubelet = await bed.connect('system:node:node-a', ['system:nodes']);
    const stopping = new AbortController();
    const own = kubelet.serverStream(podService.watch, { fieldSelector: 'spec.nodeName=node-a', sendInitialEvents: true }, { signal: stopping.signal });
    expect((await own.next()).done).toBe(false);
    stopping.abort();
    await expect(kubelet.serverStream(podService.watch, { fieldSelector: 'spec.nodeName=node-b' }).next()).rejects.toMatchObject({ reason: 'Forbidden' });
    await expect(kubelet.serverStream(podService.watch, {}).next()).rejects.toMatchObject({ reason: 'Forbidden' });
    expect((await grpcApiClient(kubelet).resource(nodes).create({ metadata: { name: 'node-a' } })).metadata?.name).toBe('node-a');
  });
});

async function reflect(on: GrpcChannel, request: ServerReflectionRequest, service: typeof ServerReflectionService | typeof ReflectionV1Alpha = ServerReflectionService): Promise<ServerReflectionResponse> {
  const answers = on.bidi(service.serverReflectionInfo as typeof ServerReflectionService.serverReflectionInfo, (async function* () { yield request; })());
  for await (const answer of answers) return answer;
  throw new Error('no answer');
}

function importsFirst(files: readonly FileDescriptorProto[], wanted = files, done = new Set<FileDescriptorProto>()): FileDescriptorProto[] {
  return wanted.flatMap((file) => {
    if (done.has(file)) return [];
    done.add(file);
    return [...importsFirst(files, files.filter(({ name }) => file.dependency.includes(name)), done), file];
  });
}

/** A gRPC client that knows nothing of us but what reflection tells it. */
async function bufCurl(method: string, request: object): Promise<unknown> {
  const directory = mkdtempSync(join(tmpdir(), 'nv-buf-'));
  try {
    const { ca, certificate = '', key = '' } = await bed.certificate('kubernetes-admin', ['system:masters']);
    const file = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    const flags = ['--cacert', file('ca.pem', ca), '--cert', file('cert.pem', certificate), '--key', file('key.pem', key), '--protocol', 'grpc', '-d', JSON.stringify(request)];
    const { stdout } = await promisify(execFile)(require.resolve('@bufbuild/buf/bin/buf'), ['curl', ...flags, `https://${bed.address}/${method}`], { env: { ...process.env, HOME: directory } });
    return JSON.parse(stdout);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe('reflection', () => {
  it('is enough for a foreign client (buf curl) to create and read objects with map fields', async () => {
    const name = fresh();
    await bufCurl('navarch.core.v1.ConfigMapService/Create', { object: { metadata: { name, labels: { a: 'b' } }, data: { k: 'v' } } });
    expect(await bufCurl('navarch.core.v1.ConfigMapService/Get', { name })).toMatchObject({ metadata: { name, namespace: 'default', labels: { a: 'b' } }, data: { k: 'v' } });
  });

  it.each([['v1', ServerReflectionService], ['v1alpha', ReflectionV1Alpha]] as const)('%s tells services and hands out every file a symbol needs, map fields included', async (_name, service) => {
    const listed = await reflect(channel, { messageRequest: { $case: 'listServices', listServices: '' } }, service);
    const names = listed.messageResponse?.$case === 'listServicesResponse' ? listed.messageResponse.listServicesResponse.service?.map(({ name }) => name) : [];
    expect(names).toEqual(expect.arrayContaining(['navarch.core.v1.PodService', 'navarch.meta.v1.ObjectService', 'grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection']));
    const answer = await reflect(channel, { messageRequest: { $case: 'fileContainingSymbol', fileContainingSymbol: 'navarch.core.v1.PodService' } }, service);
    if (answer.messageResponse?.$case !== 'fileDescriptorResponse') throw new Error(`got ${answer.messageResponse?.$case}`);
    const files = (answer.messageResponse.fileDescriptorResponse.fileDescriptorProto ?? []).map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    const registry = createFileRegistry({ $typeName: FileDescriptorSetSchema.typeName, file: importsFirst(files) });
    expect(registry.getService('navarch.core.v1.PodService')?.methods.map(({ name }) => name)).toEqual(expect.arrayContaining(['Get', 'Watch', 'Bind', 'Log']));
    const meta = registry.getMessage('k8s.io.apimachinery.pkg.apis.meta.v1.ObjectMeta') as DescMessage;
    expect(meta.fields.find(({ name }) => name === 'labels')?.fieldKind).toBe('map');
  });

  it('answers by file name, by method, and says what it does not know', async () => {
    const byFile = await reflect(channel, { messageRequest: { $case: 'fileByFilename', fileByFilename: 'navarch/core/v1/pod_service.proto' } });
    const byMethod = await reflect(channel, { messageRequest: { $case: 'fileContainingSymbol', fileContainingSymbol: 'navarch.core.v1.PodService.Get' } });
    expect([byFile.messageResponse?.$case, byMethod.messageResponse?.$case]).toEqual(['fileDescriptorResponse', 'fileDescriptorResponse']);
    const unknown = await reflect(channel, { messageRequest: { $case: 'fileContainingSymbol', fileContainingSymbol: 'no.such.Thing' } });
    expect(unknown.messageResponse).toMatchObject({ $case: 'errorResponse', errorResponse: { errorCode: Code.NOT_FOUND } });
  });
});

describe('pods/log through a kubelet', () => {
  const boundPod = async (name: string, node: string, annotations: Record<string, string>): Promise<void> => {
    await grpcApiClient(channel).resource(nodes).create({ metadata: { name: node, annotations } });
    await grpcApiClient(channel).resource(pods).create({ metadata: { name, namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'busybox' }] } });
    await channel.unary(podService.bind, { object: { metadata: { name }, target: { kind: 'Node', name: node } } });
  };
  const readLog = async (name: string): Promise<string> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of openPodLog(channel, 'default', name, { tailLines: 2 })) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  };

  it('asks the kubelet at its node’s endpoint, whose certificate must bear the node’s name', async () => {
    const kubelet = async (certified: string) => createGrpcServer({
      listen: ['127.0.0.1:0'], logger: silentLogger, tls: await bed.certificate(`system:node:${certified}`, ['system:nodes'], [certified]),
      services: [grpcService({ containerLog: KubeletServiceService.containerLog }, { containerLog: async function* ({ pod, options }, { peer }) {
        yield { data: Buffer.from(`${peer?.commonName} reads ${options?.tailLines} lines of ${options?.container} in ${pod}\n`) };
      } })],
    });
    const [honest, impostor] = [await kubelet('log-node-1'), await kubelet('another')];
    await boundPod('log-1', 'log-node-1', { 'navarch.io/kubelet-endpoint': honest.addresses[0] ?? '' });
    expect(await readLog('log-1')).toBe('kube-apiserver-kubelet-client reads 2 lines of main in log-1\n');
    await boundPod('log-2', 'log-node-2', { 'navarch.io/kubelet-endpoint': impostor.addresses[0] ?? '' });
    await expect(readLog('log-2')).rejects.toMatchObject({ reason: 'Unavailable' });
    await Promise.all([honest.close(0), impostor.close(0)]);
  });

  it('says so where a node has no endpoint', async () => {
    await boundPod('log-3', 'log-node-3', {});
    await expect(readLog('log-3')).rejects.toMatchObject({ reason: 'Unavailable', message: expect.stringContaining('navarch.io/kubelet-endpoint') });
  });
});

