import { encodeEnvelope, codecFor } from '@navarch/api';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { status as Code } from '@grpc/grpc-js';
import type { ControllerRevision } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import { CreateObjectRequest, ListObjectsRequest, PatchObjectRequest } from '@navarch/proto/navarch/meta/v1/object_service';

import { openTwoDoors, type Answer, type TwoDoors } from './two-doors';

const configMaps = '/api/v1/namespaces/default/configmaps';
const objects = '/navarch.meta.v1.ObjectService';
const megabyte = 1024 * 1024;
const protobuf = 'application/vnd.kubernetes.protobuf';

/** A single attack each, of the kinds that random input does not find: size, depth, doubling, quadratic work. */
describe('hostile bodies', () => {
  let doors: TwoDoors;
  beforeAll(async () => {
    doors = await openTwoDoors();
    await post(JSON.stringify({ metadata: { name: 'target', finalizers: ['a.b/c'] }, data: { a: '1' } }));
  });
  afterAll(() => doors.close());
  afterEach(async () => {
    expect((await doors.ask(`${configMaps}/target`)).status).toBe(200);
    expect(doors.logged.filter(({ level }) => level === 'error').map(({ fields }) => fields['error'])).toEqual([]);
  });

  function post(body: string | Uint8Array, type = 'application/json', where = configMaps): Promise<Answer> {
    return doors.ask(where, { method: 'POST', headers: { 'content-type': type }, body });
  }
  function patch(type: string, body: string, where = `${configMaps}/target`): Promise<Answer> {
    return doors.ask(`${where}${where.includes('?') ? '&' : '?'}fieldManager=f&dryRun=All`, { method: 'PATCH', headers: { 'content-type': type }, body });
  }
  const nested = (levels: number, open: string, close: string): string => open.repeat(levels) + close.repeat(levels);

  describe('nesting', () => {
    it.each([
      ['JSON arrays', nested(megabyte, '[', ']'), 'application/json'],
      ['JSON objects', `${'{"a":'.repeat(400_000)}1${'}'.repeat(400_000)}`, 'application/json'],
      ['JSON that is not closed', '['.repeat(3 * megabyte), 'application/json'],
      ['YAML flow lists', nested(megabyte, '[', ']'), 'application/yaml'],
      ['YAML block lists', '- '.repeat(megabyte), 'application/yaml'],
      ['YAML maps', Array.from({ length: 1_500 }, (_, level) => `${' '.repeat(level)}a:`).join('\n'), 'application/yaml'],
      ['YAML explicit keys', '? '.repeat(megabyte), 'application/yaml'],
    ])('refuses bodies of %s a million levels deep with 400 or 413', async (_what, body, type) => {
      expect([400, 413]).toContain((await post(body, type)).status);
    });

    it('refuses protobuf nested deeper than any object with 400, in its envelope and in gRPC', async () => {
      // JSONSchemaProps.not (21) holds JSONSchemaProps.
      let schema: Uint8Array = new Uint8Array();
      for (let level = 0; level < 20_000; level++) schema = new BinaryWriter().tag(21, WireType.LengthDelimited).bytes(schema).finish();
      const around = (field: number, inner: Uint8Array): Uint8Array => new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(inner).finish();
      const crd = around(2, around(7, around(4, around(1, schema))));
      const refused = await post(encodeEnvelope({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', raw: crd }), protobuf, '/apis/apiextensions.k8s.io/v1/customresourcedefinitions');
      expect(refused.status).toBe(400);
      const create = CreateObjectRequest.encode({ resource: { group: 'apiextensions.k8s.io', version: 'v1', resource: 'customresourcedefinitions' }, object: Buffer.from(crd) }).finish();
      expect((await doors.call(`${objects}/Create`, create)).code).toBe(Code.INVALID_ARGUMENT);
    });

    it('takes in no raw JSON by protobuf that it could not print again', async () => {
      const codec = codecFor<ControllerRevision>('k8s.io.api.apps.v1.ControllerRevision');
      const deep = codec.encode({ metadata: { name: 'deep' }, data: { raw: Buffer.from(nested(200_000, '[', ']')) }, revision: 1 });
      const where = '/apis/apps/v1/namespaces/default/controllerrevisions';
      expect((await post(encodeEnvelope({ apiVersion: 'apps/v1', kind: 'ControllerRevision', raw: deep }), protobuf, where)).status).toBe(400);
      expect((await doors.ask(where)).status).toBe(200);
    });
  });

  describe('size', () => {
    it.each([
      ['without end in one string', `{"data":{"a":"${'x'.repeat(4 * megabyte)}"}}`],
      ['of spaces', ' '.repeat(4 * megabyte)],
    ])('refuses bodies %s with 413', async (_what, body) => {
      expect((await post(body)).status).toBe(413);
    });

    it('refuses a gRPC message above 4 MiB as too large, and an object above 3 MiB', async () => {
      const create = (bytes: number): Uint8Array => CreateObjectRequest.encode({ resource: { version: 'v1', resource: 'configmaps' }, object: Buffer.alloc(bytes) }).finish();
      expect((await doors.call(`${objects}/Create`, create(5 * megabyte))).code).toBe(Code.RESOURCE_EXHAUSTED);
      expect((await doors.call(`${objects}/Create`, create(3.5 * megabyte))).code).toBe(Code.RESOURCE_EXHAUSTED);
    });

    it.each([['a length beyond the message', [0x0a, 0xff, 0xff, 0xff, 0xff, 0x07]], ['a length beyond 2^63', [0x0a, ...Array<number>(9).fill(0xff), 0x7f]], ['an endless varint', Array<number>(64).fill(0xff)], ['a group that never ends', [0x0b]], ['field number zero', [0x00, 0x00]], ['wire type seven', [0x0f, 0x00]]])(
      'refuses protobuf with %s at both doors', async (_what, bytes) => {
        const raw = Uint8Array.from(bytes);
        expect((await post(encodeEnvelope({ apiVersion: 'v1', kind: 'ConfigMap', raw }), protobuf)).status).toBe(400);
        expect((await post(Buffer.concat([Buffer.from('k8s\0'), raw]), protobuf)).status).toBe(400);
        const create = CreateObjectRequest.encode({ resource: { version: 'v1', resource: 'configmaps' }, object: Buffer.from(raw) }).finish();
        expect((await doors.call(`${objects}/Create`, create)).code).toBe(Code.INVALID_ARGUMENT);
        expect((await doors.call(`${objects}/Get`, raw)).code).toBe(Code.INVALID_ARGUMENT);
        expect((await doors.call('/navarch.core.v1.PodService/Create', raw)).code).toBe(Code.INVALID_ARGUMENT);
      });
  });

  describe('YAML', () => {
    it.each([
      ['of ten levels of aliases', Array.from({ length: 10 }, (_, level) => `a${level}: &a${level} [${Array<string>(9).fill(level === 0 ? '"lol"' : `*a${level - 1}`).join(',')}]`).join('\n')],
      ['of few aliases to much text', `a: &a ${'x'.repeat(megabyte)}\nb: [${Array<string>(40).fill('*a').join(',')}]`],
      ['that contain themselves', 'a: &a [*a]'],
      ['to anchors that are not there', 'a: *b'], ['to what they stand in', 'a: &a [*a]'], ['to the map that they are a key of', '&a {? *a : b}'], ['to themselves as keys, level by level', Array.from({ length: 12 }, (_, level) => `? &k${level} {${level === 0 ? 'x: y' : `? *k${level - 1} : *k${level - 1}`}}\n: z`).join('\n')],
      ['merged level by level', Array.from({ length: 10 }, (_, level) => `a${level}: &a${level} {<<: [${Array<string>(9).fill(level === 0 ? '{x: y}' : `*a${level - 1}`).join(',')}]}`).join('\n')],
    ])('refuses aliases %s with 400 or 413', async (_what, text) => {
      expect([400, 413]).toContain((await post(text, 'application/yaml')).status);
      expect([400, 413]).toContain((await patch('application/apply-patch+yaml', text)).status);
    });

    it.each([
      ['60,000 keys', Array.from({ length: 60_000 }, (_, index) => `k${index}: v`).join('\n')], ['half a million items', '- a\n'.repeat(500_000)], ['a million tags', '!a '.repeat(1_000_000)],
      ['only comments', '# x\n'.repeat(700_000)], ['half a million documents', '---\n'.repeat(500_000)], ['a hundred thousand anchors', Array.from({ length: 100_000 }, (_, index) => `- &a${index} x`).join('\n')],
    ])('judges YAML of %s within seconds', async (_what, text) => {
      expect((await post(text, 'application/yaml')).status).toBeLessThan(500);
    }, 6_000);

    it('refuses a key that stands twice', async () => {
      expect((await post('metadata: {name: twice}\ndata: {a: "1", a: "2"}\n', 'application/yaml')).status).toBe(400);
    });

    it('takes aliases that a person writes', async () => {
      const answer = await post('metadata: {name: shared}\ndata:\n  a: &text hello\n  b: *text\n', 'application/yaml');
      expect([answer.status, JSON.parse(answer.text).data]).toEqual([201, { a: 'hello', b: 'hello' }]);
    });
  });

  describe('names that mean something to JavaScript', () => {
    const body = '{"metadata":{"name":"proto","labels":{"constructor":"c","prototype":"p"},"annotations":{"constructor":"x","toString":"y"}},"data":{"__proto__":"one","constructor":"two","prototype":"three","hasOwnProperty":"four"}}';
    const wanted = { constructor: 'two', prototype: 'three', hasOwnProperty: 'four' };

    it('keeps keys named __proto__ and constructor through JSON, YAML, every patch and back, and pollutes nothing', async () => {
      for (const type of ['application/json', 'application/yaml']) {
        expect((await post(body, type)).status).toBe(201);
        const stored = await doors.ask(`${configMaps}/proto`);
        expect(stored.text).toContain('"__proto__":"one"');
        expect(JSON.parse(stored.text).data).toMatchObject(wanted);
        await doors.ask(`${configMaps}/proto`, { method: 'DELETE' });
      }
      await post(body);
      for (const type of ['application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml']) {
        const answer = await patch(type, '{"apiVersion":"v1","kind":"ConfigMap","data":{"__proto__":"changed","constructor":"also"}}', `${configMaps}/proto?force=${type.includes('apply')}`);
        expect([answer.status, answer.text.includes('"__proto__":"changed"'), answer.text.includes('"constructor":"also"')]).toEqual([200, true, true]);
      }
      const kept = await doors.ask(`${configMaps}/proto`);
      expect(kept.text).toContain('"__proto__":"one"');
      expect(Object.keys(Object.prototype)).toEqual([]);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    });

    it.each(['application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml', 'application/json-patch+json'])('pollutes no prototype through %s', async (type) => {
      const evil = '{"apiVersion":"v1","kind":"ConfigMap","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"metadata":{"__proto__":{"polluted":true}}}';
      const steps = '[{"op":"add","path":"/__proto__/polluted","value":true},{"op":"add","path":"/constructor/prototype/polluted","value":true}]';
      expect((await patch(type, type.includes('json-patch') ? steps : evil)).status).toBeLessThan(500);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    });

    it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('knows no subresource, resource, group or patch type named %s', async (word) => {
      for (const where of [`/api/v1/namespaces/default/pods/p/${word}`, `/api/v1/namespaces/default/${word}`, `/apis/${word}/v1/pods`, `/api/${word}/pods`, `${configMaps}/target/${word}`, `/apis/${word}`, `/openapi/v3/${word}`, `/openapi/v3/apis/${word}/v1`]) {
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) expect([404, 405]).toContain((await doors.ask(where, { method })).status);
      }
      expect((await patch(word, '{}')).status).toBe(415);
    });
  });

  describe('numbers', () => {
    const deployment = (replicas: string): string => `{"metadata":{"name":"n"},"spec":{"replicas":${replicas},"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`;
    it.each(['1e999', '-1e999', '9223372036854775808', '-9223372036854775809', '4294967296', '2147483648', '0.5', 'NaN', 'Infinity', '01', '0x10'])('refuses %s replicas with 400 or 422', async (number) => {
      expect([400, 422]).toContain((await post(deployment(number), 'application/json', '/apis/apps/v1/namespaces/default/deployments?dryRun=All')).status);
    });
    it('takes -0 as 0', async () => {
      const answer = await post(deployment('-0'), 'application/json', '/apis/apps/v1/namespaces/default/deployments?dryRun=All');
      expect([answer.status, JSON.parse(answer.text).spec.replicas]).toEqual([201, 0]);
    });
    it.each(['1e999', '9'.repeat(100_000), '1e2147483648', `0.${'0'.repeat(100_000)}1`, `1e${'9'.repeat(50_000)}`, '1E-999999999'])('judges the quantity %.20s… within a second', async (text) => {
      const pod = JSON.stringify({ metadata: { name: 'q' }, spec: { containers: [{ name: 'c', image: 'i', resources: { limits: { memory: text } } }] } });
      expect((await post(pod, 'application/json', '/api/v1/namespaces/default/pods?dryRun=All')).status).toBeLessThan(500);
    }, 2_000);
  });

  describe('text', () => {
    it.each([['lone surrogates', '"\\ud800"'], ['NUL', '"\\u0000"'], ['bidirectional controls', '"\\u202e"']])('keeps or refuses %s in a value, and prints valid UTF-8', async (_what, text) => {
      const answer = await post(`{"metadata":{"name":"text"},"data":{"a":${text}}}`, 'application/json', `${configMaps}?dryRun=All`);
      expect([201, 400, 422]).toContain(answer.status);
      expect(answer.text).not.toContain('\ufffd\ufffd');
    });
    it('refuses JSON, YAML and protobuf names that are not UTF-8', async () => {
      expect((await post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).status).toBe(400);
      expect((await post(Buffer.from([0x61, 0x3a, 0x20, 0xff]), 'application/yaml')).status).toBe(400);
      const raw = Buffer.from([0x0a, 0x04, 0x0a, 0x02, 0xff, 0xfe]);
      expect([400, 422]).toContain((await post(encodeEnvelope({ apiVersion: 'v1', kind: 'ConfigMap', raw }), protobuf)).status);
    });
    it('puts unknown fields of any script into Warning headers that are headers, a bounded lot of them', async () => {
      const fields = Array.from({ length: 20_000 }, (_, index) => `"é💥\\n\\ud800${index}":1`).join(',');
      const answer = await post(`{"metadata":{"name":"warned"},${fields}}`, 'application/json', `${configMaps}?dryRun=All`);
      expect(answer.status).toBe(201);
      const warning = Buffer.from(String(answer.headers['warning']), 'latin1').toString('utf8');
      expect(warning).toContain('unknown field \\"é💥');
      expect(warning.length).toBeLessThan(8_000);
    });
  });

  describe('patches', () => {
    it('refuses a JSON patch that doubles the object with every copy', async () => {
      const steps = [{ op: 'add', path: '/data/a', value: 'x'.repeat(1_000) }, ...Array.from({ length: 60 }, (_, index) => ({ op: 'copy', from: '/data', path: `/data/c${index}` }))];
      const answer = await patch('application/json-patch+json', JSON.stringify(steps));
      expect([400, 413, 422]).toContain(answer.status);
    }, 5_000);
    it('refuses more than 10,000 JSON patch operations with 413', async () => {
      const steps = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/data/a', value: '1' }));
      expect((await patch('application/json-patch+json', JSON.stringify(steps))).status).toBe(413);
    });
    const many = Array.from({ length: 60_000 }, (_, index) => index);
    const finalizers = JSON.stringify({ metadata: { finalizers: many.map((index) => `example.com/f${index}`) } });
    const ports = JSON.stringify({ spec: { ports: many.slice(0, 10_000).map((index) => ({ port: index, name: `p${index}` })) } });
    it.each([
      ['strategic merge of 60,000 primitives', 'application/strategic-merge-patch+json', finalizers],
      ['apply of 60,000 primitives', 'application/apply-patch+yaml', finalizers],
      ['strategic merge deleting 60,000 primitives', 'application/strategic-merge-patch+json', JSON.stringify({ metadata: { '$deleteFromPrimitiveList/finalizers': many.map(String), finalizers: many.map(String), '$setElementOrder/finalizers': many.map(String) } })],
    ])('answers %s within seconds', async (_what, type, text) => {
      expect((await patch(type, text)).status).toBeLessThan(500);
    }, 6_000);
    it.each([['strategic merge', 'application/strategic-merge-patch+json'], ['apply', 'application/apply-patch+yaml']])('answers %s of 10,000 elements with keys within seconds', async (_what, type) => {
      await post(JSON.stringify({ metadata: { name: 'svc' }, spec: { ports: [{ port: 1 }] } }), 'application/json', '/api/v1/namespaces/default/services');
      expect((await patch(type, ports, '/api/v1/namespaces/default/services/svc')).status).toBeLessThan(500);
    }, 6_000);
  });

  describe('selectors', () => {
    const list = (labelSelector: string, fieldSelector = ''): Promise<{ code: number; trailers: string }> =>
      doors.call(`${objects}/List`, ListObjectsRequest.encode({ resource: { version: 'v1', resource: 'pods' }, request: { labelSelector, fieldSelector } }).finish());
    it.each([
      ['one long key', 'a'.repeat(megabyte)], ['many requirements', Array<string>(100_000).fill('a=b').join(',')], ['many values', `a in (${Array.from({ length: 100_000 }, (_, index) => `v${index}`).join(',')})`],
      ['spaces', ' '.repeat(megabyte)], ['parentheses', '('.repeat(megabyte)], ['commas', ','.repeat(megabyte)], ['exclamation marks', '!'.repeat(megabyte)], ['backslashes', '\\'.repeat(megabyte)], ['equals', '='.repeat(megabyte)],
    ])('judges a megabyte of %s as label and field selector within seconds, with an answer that fits a trailer', async (_what, text) => {
      for (const answer of [await list(text), await list('', text)]) {
        expect([Code.OK, Code.INVALID_ARGUMENT]).toContain(answer.code);
        expect(answer.trailers.length).toBeLessThan(16_384);
      }
    }, 6_000);
    it('cuts what an error quotes to what a gRPC trailer holds', async () => {
      const name = 'n'.repeat(megabyte);
      const answer = await doors.call(`${objects}/Patch`, PatchObjectRequest.encode({ resource: { version: 'v1', resource: 'configmaps' }, request: { name, patch: Buffer.from('{}'), patchType: 'application/merge-patch+json' } }).finish());
      expect([Code.NOT_FOUND, Code.INVALID_ARGUMENT]).toContain(answer.code);
    });
    it('cuts ten thousand causes to what a gRPC trailer holds', async () => {
      const data = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`/${index}`, '']));
      const answer = await doors.call(`${objects}/Create`, CreateObjectRequest.encode({ resource: { version: 'v1', resource: 'configmaps' }, contentType: 'application/json', object: Buffer.from(JSON.stringify({ metadata: { name: 'x' }, data })) }).finish());
      expect(answer.code).toBe(Code.INVALID_ARGUMENT);
    });
  });
});
