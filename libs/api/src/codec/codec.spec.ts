import type { Event, Node, Pod, Probe, Secret } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { ConfigMap } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';
import type { ListOptions, ObjectMeta } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import { hasReason, type ApiError } from '@navarch/base';

import type { JsonValue } from '../resource';
import { codecFor } from './codec';
import { decodeEnvelope, encodeEnvelope } from './envelope';
import { findDuplicateFields } from './duplicate-fields';

const core = 'k8s.io.api.core.v1';
const meta = 'k8s.io.apimachinery.pkg.apis.meta.v1';
const pod = codecFor<Pod>(`${core}.Pod`);
const configMap = codecFor<ConfigMap>(`${core}.ConfigMap`);
const objectMeta = codecFor<ObjectMeta>(`${meta}.ObjectMeta`);

const hex = (text: string): Uint8Array => Buffer.from(text.replaceAll(' ', ''), 'hex');
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function errorOf(run: () => unknown): ApiError {
  try {
    run();
  } catch (thrown) {
    expect(hasReason(thrown, 'BadRequest')).toBe(true);
    return thrown as ApiError;
  }
  throw new Error('expected an error');
}

// Bytes written by hand from tools/facts/encodings.md, as Kubernetes' own encoder writes them.
describe('special scalars have the bytes and JSON that Kubernetes gives them', () => {
  it.each<[name: string, message: string, bytes: string, json: JsonValue]>([
    ['Quantity', 'k8s.io.apimachinery.pkg.api.resource.Quantity', '0a 04 31 30 30 6d', '100m'],
    ['IntOrString with a number', 'k8s.io.apimachinery.pkg.util.intstr.IntOrString', '08 00 10 50 1a 00', 80],
    ['IntOrString with a text', 'k8s.io.apimachinery.pkg.util.intstr.IntOrString', '08 01 10 00 1a 04 68 74 74 70', 'http'],
    ['Time', `${meta}.Time`, '08 80 94 eb dc 03 10 00', '2001-09-09T01:46:40Z'],
    ['Time of 1970', `${meta}.Time`, '08 00 10 00', '1970-01-01T00:00:00Z'],
    ['zero Time', `${meta}.Time`, '', null],
    ['MicroTime', `${meta}.MicroTime`, '08 01 10 88 27', '1970-01-01T00:00:01.000005Z'],
    ['Duration', `${meta}.Duration`, '08 80 e0 ba 84 bf 03', '2m0s'],
    ['RawExtension', 'k8s.io.apimachinery.pkg.runtime.RawExtension', '0a 07 7b 22 61 22 3a 31 7d', { a: 1 }],
    ['FieldsV1', `${meta}.FieldsV1`, '0a 0a 7b 22 66 3a 61 22 3a 7b 7d 7d', { 'f:a': {} }],
    ['empty FieldsV1', `${meta}.FieldsV1`, '', null],
    ['ExtraValue', 'k8s.io.api.authentication.v1.ExtraValue', '0a 01 61 0a 01 62', ['a', 'b']],
    ['JSONSchemaPropsOrBool', 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool', '08 01', true],
    ['JSONSchemaPropsOrStringArray', 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray', '12 01 78', ['x']],
  ])('%s', (_name, message, bytes, json) => {
    const codec = codecFor<object>(message);
    expect(codec.toJson(codec.decode(hex(bytes)))).toEqual(json);
    if (json !== null) expect(codec.decode(codec.encode(codec.fromJson(json)))).toEqual(codec.decode(hex(bytes)));
  });

  it('what is raw comes back from JSON as Go writes it, byte for byte', () => {
    const codec = codecFor<{ raw?: Uint8Array }>('k8s.io.apimachinery.pkg.runtime.RawExtension');
    const raw = Buffer.from('{"z":"a\\u003cb\\u003e \\u0026 \\u2028","a":[1,"ä"]}');
    expect(Buffer.from(codec.fromJson(codec.toJson({ raw })).raw ?? []).toString()).toBe(raw.toString());
  });

  it('a schema that is allowed or not is read as an object too', () => {
    const codec = codecFor<object>('k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool');
    expect(codec.toJson(codec.fromJson({ type: 'string' }))).toEqual({ type: 'string' });
    expect(codec.toJson(codec.fromJson(false))).toBe(false);
  });

  it.each([['1.5', '1500m'], ['1.5Gi', '1536Mi'], ['0.5Ki', '512'], ['1e3', '1e3'], ['1000m', '1'], [2.5, '2500m'], ['0', '0']])('quantity %p prints as %s', (text, canonical) => {
    const codec = codecFor<object>('k8s.io.apimachinery.pkg.api.resource.Quantity');
    expect(codec.toJson(codec.fromJson(text))).toBe(canonical);
  });

  it('a quantity is canonical after protobuf too, and a malformed one is refused', () => {
    const codec = codecFor<object>('k8s.io.apimachinery.pkg.api.resource.Quantity');
    expect(codec.decode(hex('0a 05 31 30 30 30 6d'))).toEqual({ string: '1' });
    expect(errorOf(() => codec.decode(hex('0a 02 31 78'))).message).toContain('quantities must match the regular expression');
  });
});

describe('decoding protobuf', () => {
  it('drops zeros that mean nothing and keeps those that do', () => {
    // A Go client writes restartPolicy "" and terminationGracePeriodSeconds 0 (a pointer) alike.
    const decoded = pod.decode(hex('12 04 1a 00 20 00'));
    expect(decoded).toEqual({ spec: { terminationGracePeriodSeconds: 0 } });
    expect(Object.keys(decoded.spec ?? {})).toEqual(['terminationGracePeriodSeconds']);
  });

  it('drops an empty struct that is no pointer and keeps one that is', () => {
    expect(pod.decode(hex('12 02 72 00'))).toEqual({ spec: { securityContext: {} } });
    expect(pod.decode(hex('1a 00'))).toEqual({});
  });

  it('keeps unknown fields through decode and encode, at every depth', () => {
    const bytes = hex('0a 06 0a 01 78 a2 3e 00 fa 3e 03 61 62 63');
    expect(toHex(pod.encode(pod.decode(bytes)))).toBe(toHex(bytes));
  });

  it('keeps the key __proto__ of a map and pollutes nothing', () => {
    const entry = '0a 09 5f 5f 70 72 6f 74 6f 5f 5f 12 01 78';
    const decoded = configMap.decode(hex(`12 0e ${entry}`));
    expect(Object.entries(decoded.data ?? {})).toEqual([['__proto__', 'x']]);
    expect(toHex(configMap.encode(decoded))).toBe(toHex(hex(`12 0e ${entry}`)));
    const json = configMap.toJson(decoded);
    expect(JSON.stringify(json)).toBe('{"data":{"__proto__":"x"},"metadata":{}}');
    expect(configMap.fromJson(JSON.parse(JSON.stringify(json)) as JsonValue)).toEqual(decoded);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    const limits = codecFor<Node>(`${core}.Node`).fromJson(JSON.parse('{"status":{"capacity":{"__proto__":"1"}}}') as JsonValue);
    expect(Object.getPrototypeOf(limits.status?.capacity)).toBe(Object.prototype);
    expect(Object.keys(limits.status?.capacity ?? {})).toEqual(['__proto__']);
  });

  it('reads a map entry without value as an empty one, as proto3 writers leave zeros out', () => {
    expect(configMap.decode(hex('12 03 0a 01 61'))).toEqual({ data: { a: '' } });
  });

  it.each([
    ['a truncated message', '0a 05 0a 01'], ['a length beyond the end', '0a ff 01'], ['a field past its message', '0a 02 0a 05 61 62 63 64 65'],
    ['a stray end of group', '0c'], ['a zero tag', '00'], ['a varint that never ends', '08 ff ff ff ff ff ff ff ff ff ff ff'],
    ['a known field with another wire type', '0a 02 08 01'],
  ])('refuses %s as BadRequest', (_name, bytes) => {
    errorOf(() => pod.decode(hex(bytes)));
  });

  it('names the field whose number is beyond 2^53', () => {
    const seconds = 'ff ff ff ff ff ff ff ff 7f';
    expect(errorOf(() => pod.decode(hex(`12 0a 20 ${seconds}`))).message).toBe('spec.terminationGracePeriodSeconds: 9223372036854775807 is beyond 2^53, the largest integer supported');
  });

  it('refuses a time outside of the years 1 to 9999, which JSON cannot write', () => {
    expect(errorOf(() => objectMeta.decode(objectMeta.encode({ creationTimestamp: { seconds: 1e15 } }))).message).toContain('outside of the years 1 to 9999');
  });

  it('refuses nesting that a list or a watch could not carry', () => {
    const props = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
    let deep: JsonValue = { type: 'string' };
    for (let level = 0; level < 60; level++) deep = { properties: { a: deep } };
    expect(errorOf(() => codecFor<object>(props).fromJson(deep)).message).toContain('nested deeper than');
    let message: object = { type: 'string' };
    for (let level = 0; level < 47; level++) message = { properties: { a: message } };
    expect(errorOf(() => codecFor<object>(props).decode(codecFor<object>(props).encode(message))).message).toContain('nested deeper than');
  });

  it('is idempotent: normalizing what is normal changes nothing', () => {
    const once = pod.decode(hex('12 04 1a 00 20 00'));
    expect(pod.normalize(once)).toBe(once);
  });
});

describe('printing JSON', () => {
  it('hoists inline members, prints bytes as base64 and structs by value even when empty', () => {
    const probe = codecFor<Probe>(`${core}.Probe`);
    expect(probe.toJson({ handler: { exec: { command: ['a'] } }, periodSeconds: 3 })).toEqual({ exec: { command: ['a'] }, periodSeconds: 3 });
    const secret = codecFor<Secret>(`${core}.Secret`);
    expect(secret.toJson({ data: { k: Buffer.from('hi') } })).toEqual({ metadata: {}, data: { k: 'aGk=' } });
    expect(pod.toJson({ spec: { containers: [{ name: 'c' }] } })).toEqual({ metadata: {}, spec: { containers: [{ name: 'c', resources: {} }] }, status: {} });
  });

  it('prints required fields that are absent as Go prints its zero values', () => {
    expect(pod.toJson({ spec: {} })).toEqual({ metadata: {}, spec: { containers: null }, status: {} });
    const event = codecFor<Event>(`${core}.Event`).toJson({});
    expect(event).toMatchObject({ involvedObject: {}, source: {}, firstTimestamp: null, lastTimestamp: null, eventTime: null, reportingComponent: '', reportingInstance: '' });
  });

  it('leaves out the creation time while there is none, and prints microseconds of a lease', () => {
    expect(objectMeta.toJson({})).toEqual({});
    const lease = codecFor<Lease>('k8s.io.api.coordination.v1.Lease');
    expect(lease.toJson({ spec: { renewTime: { seconds: 1, nanos: 5000 } } })).toEqual({ metadata: {}, spec: { renewTime: '1970-01-01T00:00:01.000005Z' } });
  });
});

describe('reading JSON', () => {
  it('accepts apiVersion and kind at the top and leaves them out', () => {
    expect(pod.fromJson({ apiVersion: 'v1', kind: 'Pod' }, { fieldValidation: 'Strict' })).toEqual({});
  });

  it('strict: names every unknown field with its path', () => {
    const json: JsonValue = { spec: { foo: 1, containers: [{ name: 'a' }, { name: 'b', bar: 2 }] }, baz: 3 };
    expect(errorOf(() => pod.fromJson(json, { fieldValidation: 'Strict' })).message)
      .toBe('strict decoding error: unknown field "spec.foo", unknown field "spec.containers[1].bar", unknown field "baz"');
  });

  it('warn: tells of unknown fields and reads the rest; ignore: says nothing', () => {
    const warnings: string[] = [];
    const warn = (message: string): void => void warnings.push(message);
    expect(pod.fromJson({ spec: { foo: 1, hostname: 'h' } }, { fieldValidation: 'Warn', warn })).toEqual({ spec: { hostname: 'h' } });
    expect(warnings).toEqual(['unknown field "spec.foo"']);
    pod.fromJson({ foo: 1 }, { fieldValidation: 'Ignore', warn });
    expect(warnings).toHaveLength(1);
  });

  it.each<[string, JsonValue, string]>([
    ['a text for a number', { spec: { terminationGracePeriodSeconds: '30' } }, 'json: cannot unmarshal string into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64'],
    ['a number for a text', { spec: { containers: [{ image: 5 }] } }, 'json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string'],
    ['an object for a list', { spec: { containers: {} } }, 'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container'],
    ['a list for a map', { metadata: { labels: [] } }, 'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string'],
    ['a text for a boolean', { spec: { hostNetwork: 'yes' } }, 'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool'],
    ['a fraction for an integer', { spec: { priority: 1.5 } }, 'json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32'],
    ['a number beyond int32', { spec: { priority: 2147483648 } }, 'json: cannot unmarshal number 2147483648 into Go struct field PodSpec.spec.priority of type int32'],
    ['a number beyond 2^53', { spec: { activeDeadlineSeconds: 2 ** 53 } }, 'json: cannot unmarshal number 9007199254740992 into Go struct field PodSpec.spec.activeDeadlineSeconds of type int64 (integers beyond 2^53 are not supported)'],
    ['a text for the whole object', 'x', 'json: cannot unmarshal string into Go value of type v1.Pod'],
    ['a malformed quantity', { spec: { overhead: { cpu: '1x' } } }, String.raw`spec.overhead.cpu: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`],
    ['a malformed time', { metadata: { deletionTimestamp: 'soon' } }, 'metadata.deletionTimestamp: parsing time "soon" as "2006-01-02T15:04:05Z07:00": not an RFC 3339 time'],
  ])('refuses %s and names the field', (_name, json, message) => {
    expect(errorOf(() => pod.fromJson(json)).message).toBe(message);
  });

  it('refuses bytes that are no base64', () => {
    expect(errorOf(() => codecFor<Secret>(`${core}.Secret`).fromJson({ data: { k: '%%' } })).message).toBe('data.k: illegal base64 data at input byte 0');
  });

  it('takes null as absent for a field, as zero for an element', () => {
    expect(pod.fromJson({ metadata: null, spec: { containers: null, terminationGracePeriodSeconds: null, hostAliases: [{ ip: '1.1.1.1', hostnames: [null] }] } }))
      .toEqual({ spec: { hostAliases: [{ ip: '1.1.1.1', hostnames: [''] }] } });
    expect(configMap.fromJson({ data: { a: null } })).toEqual({ data: { a: '' } });
  });

  it('finds keys that stand twice in the text', () => {
    expect(findDuplicateFields('{"spec":{"a":1,"b":[{"c":1},{"c":1,"x":"\\"c\\":","c":2}],"a":2}}')).toEqual(['spec.b[1].c', 'spec.a']);
    expect(findDuplicateFields('{"a":"a","b":"a" , "c" : {"a":1}}')).toEqual([]);
    expect(findDuplicateFields(`{${'"a":1,'.repeat(1_000)}"b":1}`)).toHaveLength(50);
  });

  it('falls back on nothing for option messages: list options read like any message', () => {
    expect(codecFor<ListOptions>(`${meta}.ListOptions`).fromJson({ kind: 'ListOptions', apiVersion: 'v1', limit: 5 }, { fieldValidation: 'Strict' })).toEqual({ limit: 5 });
  });
});

describe('the protobuf envelope', () => {
  const raw = hex('0a 03 0a 01 78');
  const golden = '6b 38 73 00 0a 09 0a 02 76 31 12 03 50 6f 64 12 05 0a 03 0a 01 78 1a 00 22 00';

  it('has the bytes that Kubernetes writes', () => {
    expect(toHex(encodeEnvelope({ apiVersion: 'v1', kind: 'Pod', raw }))).toBe(toHex(hex(golden)));
    expect(decodeEnvelope(hex(golden))).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
    expect(toHex(decodeEnvelope(hex(golden)).raw)).toBe(toHex(raw));
  });

  it('leaves a missing kind empty for the caller to fill in', () => {
    expect(decodeEnvelope(hex('6b 38 73 00 12 00'))).toMatchObject({ apiVersion: '', kind: '' });
  });

  it.each([['nothing', ''], ['JSON', '7b 7d'], ['only the prefix', '6b 38 73 00'], ['a torn message', '6b 38 73 00 12 09 00']])('refuses %s', (_name, bytes) => {
    errorOf(() => decodeEnvelope(hex(bytes)));
  });
});
