import { encodeEnvelope, codecFor } from '@navarch/api';
import type { ConfigMap, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import fc from 'fast-check';

import { evilNumber, evilWord, jsonText, mutated, objectText } from './arbitraries';
import { fuzzParameters, fuzzTimeoutMs, openTwoDoors, type Answer, type Ask, type TwoDoors } from './two-doors';

const configMapCodec = codecFor<ConfigMap>('k8s.io.api.core.v1.ConfigMap');
const podCodec = codecFor<Pod>('k8s.io.api.core.v1.Pod');
const collection = '/api/v1/namespaces/default/configmaps';

const somePod = podCodec.encode(podCodec.fromJson({
  metadata: { name: 'p', labels: { a: 'b' }, creationTimestamp: '2024-01-01T00:00:00Z' },
  spec: { containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '1' } }, ports: [{ containerPort: 1 }], livenessProbe: { httpGet: { port: 'x' } } }], tolerations: [{ tolerationSeconds: 5 }] },
}));
const wireBytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated(somePod), mutated(configMapCodec.encode(configMapCodec.fromJson({ metadata: { name: 'x' }, data: { a: 'b' }, binaryData: { c: 'AA==' } }))));
const envelopeBytes = fc.oneof(wireBytes, wireBytes.map((raw) => encodeEnvelope({ apiVersion: 'v1', kind: 'ConfigMap', raw })), wireBytes.map((raw) => encodeEnvelope({ apiVersion: '', kind: '', raw })),
  wireBytes.map((raw) => Buffer.concat([Buffer.from('k8s\0'), raw])));

const yamlText = fc.oneof(jsonText, objectText, fc.string({ unit: 'binary' }), fc.array(fc.constantFrom('a: ', '- ', '&x ', '*x', '<<: *x\n', '? ', '!!binary ', '!!set ', '{', '}', '[', ']', '"', "'", '|', '>', '\n', '  ', '#', '---\n', '...\n', '%YAML 1.1\n', '\t', '.inf', '.nan', '0o7', '0x1f', '2001-01-01', '~', '__proto__: ', '\u0000', 'b'), { maxLength: 20 }).map((parts) => parts.join('')));

const contentTypes = fc.oneof(fc.constantFrom('', 'application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf', 'application/merge-patch+json', 'application/json-patch+json',
  'application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'text/html', 'application/json; charset=utf-16', 'constructor', '__proto__', ';', 'application/JSON;;;'), fc.stringMatching(/^[!-~]{0,30}$/));

const body: fc.Arbitrary<string | Uint8Array> = fc.oneof(objectText, jsonText, yamlText, envelopeBytes, fc.uint8Array({ maxLength: 64 }));
const path = fc.oneof(
  fc.constantFrom(collection, `${collection}/target`, '/api/v1/namespaces/default/pods', '/api/v1/namespaces/default/pods/target/status', '/apis/apps/v1/namespaces/default/deployments', '/apis/apps/v1/namespaces/default/deployments/target/scale',
    '/api/v1/nodes', '/api/v1/namespaces/x/finalize', '/apis/batch/v1/namespaces/default/jobs', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'),
  fc.array(fc.oneof(fc.constantFrom('api', 'apis', 'v1', 'apps', 'namespaces', 'default', 'pods', 'configmaps', 'target', 'watch', 'status', 'log', 'exec', 'proxy', 'openapi', 'v3', 'healthz', '..', '%2e%2e', '%00', '%ff', '%', '%2F', '', '__proto__', 'constructor'), evilWord.map(escaped)), { maxLength: 9 }).map((segments) => `/${segments.join('/')}`),
);
const optionNames = ['labelSelector', 'fieldSelector', 'resourceVersion', 'resourceVersionMatch', 'limit', 'continue', 'sendInitialEvents', 'allowWatchBookmarks', 'timeoutSeconds', 'dryRun', 'fieldManager', 'fieldValidation', 'force', 'gracePeriodSeconds',
  'propagationPolicy', 'orphanDependents', 'pretty', 'includeObject', 'container', 'tailLines', 'sinceTime', 'sinceSeconds', 'limitBytes', 'ports', 'command', 'constructor', '__proto__'];
const selectorText = fc.array(fc.constantFrom('a', '=', '==', '!=', '!', ',', ' in ', ' notin ', '(', ')', '>', '<', '\\', 'metadata.name', 'spec.nodeName', '__proto__', '1', ' ', '\u0000', 'é', '"'), { maxLength: 10 }).map((parts) => parts.join(''));
const query = fc.array(fc.tuple(fc.constantFrom(...optionNames), fc.oneof(evilWord, evilNumber, selectorText, fc.constantFrom('true', 'All', 'Strict', 'Exact', '0', '1', '-1', 'Foreground'))), { maxLength: 4 })
  .map((entries) => entries.map(([name, value]) => `${name}=${escaped(value)}`).join('&'));
const accept = fc.oneof(fc.constantFrom('application/json', 'application/vnd.kubernetes.protobuf', 'application/yaml', 'application/json;as=Table;v=v1;g=meta.k8s.io', 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', '*/*', ';;;', 'a/b;q=', 'application/json;as=constructor'), fc.stringMatching(/^[ -~]{0,30}$/));

function escaped(word: string): string {
  return [...Buffer.from(word)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

describe('the REST door under hostile input', () => {
  let doors: TwoDoors;
  beforeAll(async () => {
    doors = await openTwoDoors();
    await doors.ask(collection, { method: 'POST', body: JSON.stringify({ metadata: { name: 'target' }, data: { a: '1' } }) });
  });
  afterAll(() => doors.close());
  afterEach(async () => {
    expect((await doors.ask(`${collection}/target`)).status).toBe(200);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  async function clientsFault(where: string, ask: Ask): Promise<Answer> {
    const before = doors.logged.length;
    const answer = await doors.ask(where, ask);
    const unexpected = doors.logged.slice(before).filter(({ level }) => level === 'error').map(({ fields }) => String((fields['error'] as Error | undefined)?.stack));
    expect({ status: answer.status >= 500 ? answer.status : 'a client’s', unexpected }).toEqual({ status: 'a client’s', unexpected: [] });
    return answer;
  }

  it('answers random JSON, YAML, protobuf and bytes at any path with a client’s error or success, never 500', async () => {
    await fc.assert(fc.asyncProperty(path, fc.constantFrom('POST', 'PUT'), contentTypes, body, query, async (where, method, type, bytes, options) => {
      await clientsFault(`${where}?${options}&dryRun=All`, { method, headers: { 'content-type': type }, body: bytes });
    }), fuzzParameters());
  }, fuzzTimeoutMs);

  it('answers random patches of every type with a client’s error or success, never 500', async () => {
    const types = fc.constantFrom('application/merge-patch+json', 'application/json-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml');
    const pointer = fc.array(fc.oneof(fc.constantFrom('data', 'metadata', 'a', 'labels', '-', '0', '99999999999', '1e3', '~', '~1', ''), evilWord), { maxLength: 4 }).map((tokens) => tokens.map((token) => `/${token}`).join(''));
    const operation = fc.tuple(fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'constructor'), pointer, pointer, jsonText)
      .map(([op, to, from, value]) => `{"op":"${op}","path":${JSON.stringify(to)},"from":${JSON.stringify(from)},"value":${value}}`);
    const directive = fc.tuple(fc.constantFrom('$patch', '$retainKeys', '$setElementOrder/ports', '$deleteFromPrimitiveList/finalizers', 'metadata', 'data'), jsonText).map(([key, value]) => `{"metadata":{${JSON.stringify(key)}:${value}}}`);
    const patch = fc.oneof(objectText, jsonText, directive, fc.array(operation, { maxLength: 4 }).map((steps) => `[${steps.join(',')}]`), yamlText);
    await fc.assert(fc.asyncProperty(types, patch, fc.constantFrom('Strict', 'Warn', 'Ignore'), async (type, text, validation) => {
      await clientsFault(`${collection}/target?fieldManager=f&dryRun=All&fieldValidation=${validation}`, { method: 'PATCH', headers: { 'content-type': type }, body: text });
    }), fuzzParameters());
  }, fuzzTimeoutMs);

  it('answers random paths, query strings, selectors and headers with a client’s error or success, never 500', async () => {
    await fc.assert(fc.asyncProperty(path, fc.constantFrom('GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE'), query, accept, async (where, method, options, wanted) => {
      // A watch would wait for events: its options are fuzzed through one that ends at once.
      const watches = where.includes('/watch') || options.includes('watch');
      await clientsFault(`${where}?${options}${watches ? '&timeoutSeconds=1' : ''}${method === 'DELETE' ? '&dryRun=All' : ''}`, { method, headers: { accept: wanted } });
    }), fuzzParameters());
  }, fuzzTimeoutMs);
});
