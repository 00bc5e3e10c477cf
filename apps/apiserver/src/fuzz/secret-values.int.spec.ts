import { encodeEnvelope, codecFor } from '@navarch/api';
import type { Secret } from '@navarch/proto/k8s/io/api/core/v1/core';
import { CreateObjectRequest, PatchObjectRequest } from '@navarch/proto/navarch/meta/v1/object_service';
import { context, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { inspect } from 'node:util';

import { openTwoDoors, type TwoDoors } from './two-doors';

const secrets = '/api/v1/namespaces/default/secrets';
const objects = '/navarch.meta.v1.ObjectService';
/** A text, its base64, and a number that are nowhere else. */
const marker = 'Zx9Qv7Marker';
const encoded = Buffer.from(marker).toString('base64');
const numeric = '918273645546372819';
const traces = new RegExp([marker, encoded, numeric, numeric.slice(0, 14)].join('|'));
const codec = codecFor<Secret>('k8s.io.api.core.v1.Secret');

describe('the value of a Secret', () => {
  const exporter = new InMemorySpanExporter();
  let doors: TwoDoors;
  beforeAll(async () => {
    const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    provider.register();
    doors = await openTwoDoors();
    expect((await doors.ask(secrets, { method: 'POST', body: JSON.stringify({ metadata: { name: 's' }, data: { a: encoded }, stringData: { b: marker } }) })).status).toBe(201);
    expect((await doors.ask(secrets, { method: 'POST', body: JSON.stringify({ metadata: { name: 'fixed' }, immutable: true, stringData: { b: marker } }) })).status).toBe(201);
    await doors.ask(`${secrets}/s?fieldManager=owner`, { method: 'PATCH', headers: { 'content-type': 'application/apply-patch+yaml' }, body: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data: { owned: encoded } }) });
  });
  afterAll(async () => {
    await doors.close();
    trace.disable();
    context.disable();
  });

  const json = 'application/json';
  const secret = (body: object): string => JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, ...body });
  const failures: readonly (readonly [what: string, method: string, path: string, type: string, body: string | Uint8Array])[] = [
    ['base64 that is none', 'POST', secrets, json, secret({ data: { a: `!${marker}` } })],
    ['a number as value', 'POST', secrets, json, `{"metadata":{"name":"x"},"data":{"a":${numeric}}}`],
    ['a number as text', 'POST', secrets, json, `{"metadata":{"name":"x"},"stringData":{"a":${numeric}}}`],
    ['a list as value', 'POST', secrets, json, secret({ stringData: { a: [marker] } })],
    ['an object as value', 'POST', secrets, json, secret({ stringData: { a: { b: marker } } })],
    ['an invalid key', 'POST', secrets, json, secret({ stringData: { 'a/b c': marker } })],
    ['data that is text', 'POST', secrets, json, secret({ data: marker })],
    ['a type that asks for other keys', 'POST', secrets, json, secret({ type: 'kubernetes.io/tls', stringData: { a: marker } })],
    ['a docker configuration that is none', 'POST', secrets, json, secret({ type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': marker } })],
    ['a name that is taken', 'POST', secrets, json, secret({ metadata: { name: 's' }, stringData: { a: marker } })],
    ['unknown fields, strictly', 'POST', `${secrets}?fieldValidation=Strict`, json, secret({ datum: { a: marker }, stringData: { a: marker } })],
    ['JSON that breaks off', 'POST', secrets, json, `{"stringData":{"a":"${marker}"`],
    ['YAML that breaks off', 'POST', secrets, 'application/yaml', `stringData: {a: ${marker}`],
    ['YAML with an alias to nowhere', 'POST', secrets, 'application/yaml', `stringData: {a: *${marker}}`],
    ['YAML with a value twice', 'POST', secrets, 'application/yaml', `stringData: {a: ${marker}, a: ${marker}}`],
    ['too large a value', 'POST', secrets, json, secret({ stringData: { a: marker.repeat(100_000) } })],
    ['too large a body', 'POST', secrets, json, secret({ stringData: { a: marker.repeat(300_000) } })],
    ['an unknown content type', 'POST', secrets, 'text/plain', secret({ stringData: { a: marker } })],
    ['protobuf with bytes behind it', 'POST', secrets, 'application/vnd.kubernetes.protobuf', encodeEnvelope({ apiVersion: 'v1', kind: 'Secret', raw: Buffer.concat([codec.encode(codec.fromJson({ metadata: { name: 'x' }, data: { a: encoded } })), Buffer.from(`\xff${marker}`, 'latin1')]) })],
    ['an envelope of another kind', 'POST', secrets, 'application/vnd.kubernetes.protobuf', encodeEnvelope({ apiVersion: 'v1', kind: 'Pod', raw: codec.encode(codec.fromJson({ data: { a: encoded } })) })],
    ['a stale version', 'PUT', `${secrets}/s`, json, secret({ metadata: { name: 's', resourceVersion: '1' }, stringData: { a: marker } })],
    ['an immutable secret', 'PUT', `${secrets}/fixed`, json, secret({ metadata: { name: 'fixed' }, immutable: true, stringData: { a: `${marker}2` } })],
    ['a merge patch of the wrong type', 'PATCH', `${secrets}/s`, 'application/merge-patch+json', `{"data":{"a":${numeric}}}`],
    ['a merge patch of an immutable secret', 'PATCH', `${secrets}/fixed`, 'application/merge-patch+json', `{"stringData":{"b":"${marker}3"}}`],
    ['a failed test of a JSON patch', 'PATCH', `${secrets}/s`, 'application/json-patch+json', '[{"op":"test","path":"/data/a","value":"guess"}]'],
    ['a JSON patch to nowhere', 'PATCH', `${secrets}/s`, 'application/json-patch+json', `[{"op":"replace","path":"/data/a/b","value":"${marker}"}]`],
    ['a strategic merge of the wrong type', 'PATCH', `${secrets}/s`, 'application/strategic-merge-patch+json', `{"data":["${marker}"]}`],
    ['an apply over another’s field', 'PATCH', `${secrets}/s?fieldManager=other`, 'application/apply-patch+yaml', secret({ metadata: { name: 's' }, data: { owned: Buffer.from(`${marker}4`).toString('base64') } })],
    ['an apply without a manager', 'PATCH', `${secrets}/s?fieldManager=`, 'application/apply-patch+yaml', secret({ metadata: { name: 's' }, data: { owned: encoded } })],
  ];

  it.each(failures)('is in no answer to %s', async (_what, method, path, type, body) => {
    const answer = await doors.ask(path, { method, headers: { 'content-type': type }, body });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(`${answer.text}\n${JSON.stringify(answer.headers)}`).not.toMatch(traces);
  });

  const resource = { version: 'v1', resource: 'secrets' };
  it.each(failures.filter(([, method, , type]) => method === 'POST' && type === json))('is in no gRPC status for %s', async (_what, _method, _path, _type, body) => {
    const answer = await doors.call(`${objects}/Create`, CreateObjectRequest.encode({ resource, namespace: 'default', contentType: json, object: Buffer.from(body) }).finish());
    expect(answer.code).not.toBe(0);
    expect(`${answer.details}\n${answer.trailers}`).not.toMatch(traces);
  });
  it.each(failures.filter(([, method]) => method === 'PATCH'))('is in no gRPC status for %s', async (_what, _method, path, type, body) => {
    const name = /secrets\/(\w+)/.exec(path)?.[1] ?? '';
    const options = { fieldManager: /fieldManager=(\w+)/.exec(path)?.[1] };
    const answer = await doors.call(`${objects}/Patch`, PatchObjectRequest.encode({ resource, request: { namespace: 'default', name, patch: Buffer.from(body), patchType: type, options } }).finish());
    expect(answer.code).not.toBe(0);
    expect(`${answer.details}\n${answer.trailers}`).not.toMatch(traces);
  });

  it('is in no table, no partial metadata, no log, no span and no event after all of this', async () => {
    for (const accept of ['application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io']) {
      expect((await doors.ask(`${secrets}?includeObject=None`, { headers: { accept } })).text).not.toMatch(traces);
    }
    expect((await doors.ask('/api/v1/events')).text).not.toMatch(traces);
    const spans = exporter.getFinishedSpans();
    expect(spans.length).toBeGreaterThan(10);
    expect(inspect(spans.map(({ name, attributes, events, status }) => ({ name, attributes, events, status })), { depth: 8 })).not.toMatch(traces);
    expect(inspect(doors.logged, { depth: 12, maxStringLength: Infinity, maxArrayLength: Infinity })).not.toMatch(traces);
    // The marker is there for those who may read it.
    expect((await doors.ask(`${secrets}/s`)).text).toMatch(traces);
  });
});
