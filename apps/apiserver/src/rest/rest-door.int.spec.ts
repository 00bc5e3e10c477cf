import { request as httpsRequest } from 'node:https';
import { connect as http2Connect } from 'node:http2';

import { decodeEnvelope, encodeEnvelope, pods } from '@navarch/api';
import type { JsonObject } from '@navarch/api';
import { PodList } from '@navarch/proto/k8s/io/api/core/v1/core';

import { startRestBed, type RestBed } from './testing';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly json: JsonObject;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** certificate unless told. */
  readonly as?: 'certificate' | 'token' | 'nobody' | 'stranger';
}

describe('the REST door', () => {
  let bed: RestBed;
  beforeAll(async () => { bed = await startRestBed(); });
  afterAll(() => bed.close());

  function ask(path: string, { method = 'GET', headers = {}, body, as = 'certificate' }: Ask = {}): Promise<Answer> {
    const identity = as === 'certificate' ? { cert: bed.admin.certificate, key: bed.admin.key } : as === 'stranger' ? { cert: bed.stranger.certificate, key: bed.stranger.key } : {};
    const authorization = as === 'token' ? { authorization: `Bearer ${bed.token}` } : {};
    return new Promise((resolve, reject) => {
      const [host, port] = bed.address.split(':');
      const request = httpsRequest({ host, port, path, method, ca: bed.ca, agent: false, ...identity, headers: { ...authorization, ...headers } }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const whole = Buffer.concat(parts);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole, get json() { return JSON.parse(whole.toString()) as JsonObject; } });
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  const configMap = (name: string, data: Record<string, string> = {}): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });
  const create = (name: string, data?: Record<string, string>): Promise<Answer> => ask('/api/v1/namespaces/default/configmaps', { method: 'POST', body: configMap(name, data) });

  it('creates, gets, replaces, patches and deletes with the codes of Kubernetes', async () => {
    expect((await create('life', { a: '1' })).status).toBe(201);
    const got = await ask('/api/v1/namespaces/default/configmaps/life');
    expect([got.status, got.json['kind'], got.json['data']]).toEqual([200, 'ConfigMap', { a: '1' }]);
    const put = await ask('/api/v1/namespaces/default/configmaps/life', { method: 'PUT', body: configMap('life', { a: '2' }) });
    expect([put.status, put.json['data']]).toEqual([200, { a: '2' }]);
    const patched = await ask('/api/v1/namespaces/default/configmaps/life', { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' }, body: '{"data":{"b":"3"}}' });
    expect([patched.status, patched.json['data']]).toEqual([200, { a: '2', b: '3' }]);
    const gone = await ask('/api/v1/namespaces/default/configmaps/life', { method: 'DELETE' });
    expect([gone.status, gone.json['kind'], gone.json['status']]).toEqual([200, 'Status', 'Success']);
    const missing = await ask('/api/v1/namespaces/default/configmaps/life');
    expect([missing.status, missing.json['reason'], missing.json['message']]).toEqual([404, 'NotFound', 'configmaps "life" not found']);
  });

  it('takes YAML, protobuf in its envelope, and bodies without a content type', async () => {
    const yaml = await ask('/api/v1/namespaces/default/configmaps', { method: 'POST', headers: { 'content-type': 'application/yaml' }, body: 'metadata: {name: by-yaml}\ndata: {n: "1"}\n' });
    expect([yaml.status, yaml.json['data']]).toEqual([201, { n: '1' }]);
    const raw = pods.codec.encode({ metadata: { name: 'by-protobuf' }, spec: { containers: [{ name: 'c', image: 'busybox' }] } });
    const headers = { 'content-type': 'application/vnd.kubernetes.protobuf', accept: 'application/vnd.kubernetes.protobuf,application/json' };
    const made = await ask('/api/v1/namespaces/default/pods', { method: 'POST', headers, body: Buffer.from(encodeEnvelope({ apiVersion: 'v1', kind: 'Pod', raw })) });
    expect([made.status, made.headers['content-type']]).toEqual([201, 'application/vnd.kubernetes.protobuf']);
    expect(pods.codec.decode(decodeEnvelope(made.body).raw).metadata?.name).toBe('by-protobuf');
    const list = decodeEnvelope((await ask('/api/v1/pods', { headers })).body);
    expect([list.kind, PodList.decode(list.raw).items?.map(({ metadata }) => metadata?.name)]).toEqual(['PodList', ['by-protobuf']]);
  });

  it('answers lists without kind in their items, as Table, and as metadata alone', async () => {
    await create('listed', { a: '1' });
    const path = '/api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Dlisted';
    const list = (await ask(path)).json;
    expect([list['kind'], (list['items'] as JsonObject[])[0]]).toEqual(['ConfigMapList', expect.not.objectContaining({ kind: expect.anything() as unknown })]);
    const table = (await ask(path, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' } })).json;
    expect((table['columnDefinitions'] as JsonObject[]).map(({ name }) => name)).toEqual(['Name', 'Data', 'Age']);
    expect((table['rows'] as JsonObject[])[0]?.['cells']).toEqual(['listed', 1, expect.any(String)]);
    const metadata = (await ask(path, { headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' } })).json;
    expect((metadata['items'] as JsonObject[])[0]).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'listed' } });
    expect((metadata['items'] as JsonObject[])[0]).not.toHaveProperty('data');
  });

  it('streams watch events as JSON lines, beginning with what is there', async () => {
    await create('watched');
    const session = http2Connect(`https://${bed.address}`, { ca: bed.ca, cert: bed.admin.certificate, key: bed.admin.key });
    const stream = session.request({ ':path': '/api/v1/namespaces/default/configmaps?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dwatched' });
    const seen: string[] = [];
    let rest = '';
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      rest += chunk.toString();
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
        const { type, object } = JSON.parse(rest.slice(0, end)) as { type: string; object: { metadata: { annotations?: Record<string, string> } } };
        rest = rest.slice(end + 1);
        seen.push(object.metadata.annotations?.['k8s.io/initial-events-end'] ? 'initial-events-end' : type);
        if (seen.length === 2) await ask('/api/v1/namespaces/default/configmaps/watched', { method: 'DELETE' });
      }
      if (seen.length >= 3) break;
    }
    session.destroy();
    expect(seen).toEqual(['ADDED', 'initial-events-end', 'DELETED']);
  });

  it('knows callers by certificate and by token, refuses strangers and lets nobody read', async () => {
    expect((await ask('/api/v1/namespaces', { as: 'token' })).status).toBe(200);
    expect((await ask('/api/v1/namespaces', { as: 'stranger' })).status).toBe(401);
    expect((await ask('/api/v1/namespaces', { as: 'nobody' })).status).toBe(403);
    expect((await ask('/api/v1/namespaces', { as: 'nobody', headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await ask('/version', { as: 'nobody' })).status).toBe(200);
    expect((await ask('/readyz', { as: 'nobody' })).body.toString()).toBe('ok');
  });

  it('serves discovery plain and aggregated, and OpenAPI of both versions', async () => {
    expect((await ask('/api')).json['versions']).toEqual(['v1']);
    expect(((await ask('/apis')).json['groups'] as JsonObject[]).map(({ name }) => name)).toContain('coordination.k8s.io');
    const core = (await ask('/api/v1')).json['resources'] as JsonObject[];
    expect(core.map(({ name }) => name)).toEqual(expect.arrayContaining(['pods', 'pods/log', 'pods/status', 'namespaces/finalize']));
    const aggregated = await ask('/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json' } });
    expect([aggregated.headers['content-type'], aggregated.json['kind']]).toEqual(['application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList', 'APIGroupDiscoveryList']);
    const index = (await ask('/openapi/v3')).json['paths'] as Record<string, { serverRelativeURL: string }>;
    const document = await ask(index['api/v1']?.serverRelativeURL ?? '');
    expect(Object.keys(document.json['paths'] as JsonObject)).toContain('/api/v1/namespaces/{namespace}/pods/{name}');
    const empty = await ask('/openapi/v2', { headers: { accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf' } });
    expect([empty.status, empty.body.length]).toEqual([200, 0]);
  });

  it('warns of unknown fields, and refuses them when strict', async () => {
    const body = JSON.stringify({ metadata: { name: 'warned' }, dta: {} });
    const warned = await ask('/api/v1/namespaces/default/configmaps?fieldValidation=Warn', { method: 'POST', body });
    expect([warned.status, warned.headers['warning']]).toEqual([201, expect.stringContaining('299 - "unknown field \\"dta\\""')]);
    const refused = await ask('/api/v1/namespaces/default/configmaps?fieldValidation=Strict', { method: 'POST', body });
    expect([refused.status, refused.json['message']]).toEqual([400, expect.stringContaining('unknown field "dta"')]);
  });

  it.each<[string, string, Ask, number, string]>([
    ['an unknown kind', '/api/v1/namespaces/default/gadgets', {}, 404, 'NotFound'],
    ['an unknown path', '/nowhere', {}, 404, 'NotFound'],
    ['a method it does not know', '/api/v1/namespaces', { method: 'OPTIONS' }, 405, 'MethodNotAllowed'],
    ['a body that is no JSON', '/api/v1/namespaces/default/configmaps', { method: 'POST', body: '{' }, 400, 'BadRequest'],
    ['a wrong type', '/api/v1/namespaces/default/configmaps', { method: 'POST', body: '{"metadata":{"name":"x"},"data":{"a":1}}' }, 400, 'BadRequest'],
    ['a body of an unknown type', '/api/v1/namespaces/default/configmaps', { method: 'POST', headers: { 'content-type': 'text/html' }, body: '<p>' }, 415, 'UnsupportedMediaType'],
    ['an invalid object', '/api/v1/namespaces/default/configmaps', { method: 'POST', body: '{"metadata":{"name":"Not_A_Name"}}' }, 422, 'Invalid'],
    ['another kind in the body', '/api/v1/namespaces/default/configmaps', { method: 'POST', body: '{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"}}' }, 400, 'BadRequest'],
    ['an envelope that is none', '/api/v1/namespaces/default/configmaps', { method: 'POST', headers: { 'content-type': 'application/vnd.kubernetes.protobuf' }, body: 'nonsense' }, 400, 'BadRequest'],
    ['an answer type it cannot make', '/api/v1/namespaces', { headers: { accept: 'text/html' } }, 406, 'NotAcceptable'],
    ['a path that climbs', '/api/v1/namespaces/default/configmaps/..%2f..', {}, 400, 'BadRequest'],
    ['a YAML bomb', '/api/v1/namespaces/default/configmaps',
      { method: 'POST', headers: { 'content-type': 'application/yaml' }, body: `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`).join(',')}]`).join('\n')}\n` }, 400, 'BadRequest'],
  ])('answers %s with the code for it', async (_what, path, options, status, reason) => {
    const answer = await ask(path, options);
    expect([answer.status, answer.json['reason']]).toEqual([status, reason]);
  });

  it('answers a body of more than 3 MiB with 413', async () => {
    const answer = await ask('/api/v1/namespaces/default/configmaps', { method: 'POST', body: configMap('big', { a: 'x'.repeat(3 * 1024 * 1024) }) });
    expect([answer.status, answer.json['reason']]).toEqual([413, 'RequestEntityTooLarge']);
  });

  it('compresses long answers for those who ask', async () => {
    for (let index = 0; index < 3; index++) await create(`long-${index}`, { text: 'long '.repeat(12_000) });
    const answer = await ask('/api/v1/namespaces/default/configmaps', { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(answer.body.length).toBeLessThan(128 * 1024);
  });
});
