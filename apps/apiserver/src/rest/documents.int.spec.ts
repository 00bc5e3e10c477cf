import { request } from 'node:https';

import type { JsonObject } from '@navarch/api';

import { startRestBed, type RestBed } from './testing';

jest.setTimeout(60_000);

let bed: RestBed;
beforeAll(async () => { bed = await startRestBed(); });
afterAll(() => bed.close());

interface Answer { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }

function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const [host, port] = bed.address.split(':');
    const sent = request({ host, port, path, headers, ca: bed.ca, cert: bed.admin.certificate, key: bed.admin.key, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const documents: readonly (readonly [string, string, string])[] = [
  ['aggregated discovery of /api', '/api', aggregated], ['aggregated discovery of /apis', '/apis', aggregated],
  ['the index of OpenAPI v3', '/openapi/v3', 'application/json'], ['a document of OpenAPI v3', '/openapi/v3/apis/apps/v1', 'application/json'],
  ['OpenAPI v2', '/openapi/v2', 'application/json'], ['OpenAPI v2 in protobuf', '/openapi/v2', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'],
];

describe('documents that clients keep', () => {
  it.each(documents)('%s has an ETag, and is not sent again to who has it', async (_name, path, accept) => {
    const first = await get(path, { accept });
    expect(first).toMatchObject({ status: 200, headers: { etag: expect.stringMatching(/^"[0-9A-F]{32}"$/) as string, vary: 'Accept', 'cache-control': 'public' } });
    const etag = String(first.headers['etag']);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(path, { accept, 'if-none-match': known });
      expect([again.status, again.body.length, again.headers['etag']]).toEqual([304, 0, etag]);
    }
    const stale = await get(path, { accept, 'if-none-match': '"0123"' });
    expect([stale.status, stale.body.equals(first.body)]).toEqual([200, true]);
  });

  it('an OpenAPI v3 document under its hash never changes; under another it has moved', async () => {
    const index = JSON.parse((await get('/openapi/v3')).body.toString()) as { paths: Record<string, { serverRelativeURL: string }> };
    const url = index.paths['apis/apps/v1']?.serverRelativeURL ?? '';
    expect((await get(url)).headers).toMatchObject({ 'cache-control': 'public, immutable', expires: expect.stringMatching(/GMT$/) as string });
    expect(await get('/openapi/v3/apis/apps/v1?hash=OLD')).toMatchObject({ status: 301, headers: { location: url } });
  });

  it('plain discovery is asked for each time', async () => {
    for (const path of ['/api', '/apis', '/apis/apps', '/apis/apps/v1']) expect((await get(path, { accept: 'application/json' })).headers['cache-control']).toBe('no-cache, private');
  });
});

describe.each(['v2', 'v3'] as const)('OpenAPI %s', (version) => {
  const read = async (path: string): Promise<JsonObject> => JSON.parse((await get(version === 'v2' ? '/openapi/v2' : `/openapi/v3/${path}`)).body.toString()) as JsonObject;
  const operation = async (group: string, path: string, method: string): Promise<JsonObject> => ((await read(group))['paths'] as Record<string, Record<string, JsonObject>>)[path]?.[method] ?? {};

  it('tells of scale, eviction, tokens and a pod’s other doors', async () => {
    const one = '/api/v1/namespaces/{namespace}/pods/{name}';
    expect(await operation('apis/apps/v1', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale', 'patch')).toMatchObject({
      operationId: 'patchAppsV1DeploymentScale', 'x-kubernetes-group-version-kind': { group: 'autoscaling', version: 'v1', kind: 'Scale' },
    });
    expect(await operation('api/v1', `${one}/eviction`, 'post')).toMatchObject({ 'x-kubernetes-group-version-kind': { group: 'policy', version: 'v1', kind: 'Eviction' } });
    expect(await operation('api/v1', '/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token', 'post')).toMatchObject({ 'x-kubernetes-group-version-kind': { kind: 'TokenRequest' } });
    for (const door of ['ephemeralcontainers', 'resize']) expect(await operation('api/v1', `${one}/${door}`, 'patch')).toMatchObject({ 'x-kubernetes-group-version-kind': { kind: 'Pod' } });
  });

  it('tells of the reviews', async () => {
    expect(await operation('apis/authentication.k8s.io/v1', '/apis/authentication.k8s.io/v1/tokenreviews', 'post')).toMatchObject({ 'x-kubernetes-group-version-kind': { kind: 'TokenReview' } });
    expect(await operation('apis/authorization.k8s.io/v1', '/apis/authorization.k8s.io/v1/namespaces/{namespace}/localsubjectaccessreviews', 'post')).toMatchObject({
      'x-kubernetes-group-version-kind': { group: 'authorization.k8s.io', kind: 'LocalSubjectAccessReview' },
    });
  });

  it('gives every operation a name of its own, and refers only to what it holds', async () => {
    const document = await read('api/v1');
    const ids = Object.values(document['paths'] as Record<string, Record<string, { operationId?: string }>>).flatMap((item) => Object.values(item).flatMap(({ operationId }) => operationId ?? []));
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const held = (version === 'v2' ? document['definitions'] : (document['components'] as JsonObject)['schemas']) as JsonObject;
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/(?:definitions|components\/schemas)\/([^"]+)"/g)].map(([, name]) => name ?? '');
    expect([...new Set(references)].filter((name) => !Object.hasOwn(held, name))).toEqual([]);
  });
});
