import fc from 'fast-check';

import { codecFor } from '../codec/codec';
import type { Fields } from '../codec/plan';
import { messageSchema, type ElementType, type FieldSchema, type ScalarType } from '../codec/schema';

/** Random messages of any type, made from its schema: in normal form, as decoding gives them. */
export function arbitraryMessage(name: string, depth = 2): fc.Arbitrary<Fields> {
  return rawMessage(name, depth).map((message) => codecFor<Fields>(name).normalize(message));
}

function rawMessage(name: string, depth: number): fc.Arbitrary<Fields> {
  const custom = customs[name.slice(name.lastIndexOf('.') + 1)];
  if (custom) return custom(depth);
  const { fields } = messageSchema(name);
  const record = Object.fromEntries(fields.flatMap((field): [string, fc.Arbitrary<unknown>][] => {
    const value = fieldValue(field, depth);
    // Messages in messages grow fast: one in four is enough to meet every pair sooner or later.
    return value ? [[field.name, field.element.message === undefined ? value : fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })]] : [];
  }));
  return fc.record(record, { requiredKeys: [] });
}

function fieldValue({ shape, element }: FieldSchema, depth: number): fc.Arbitrary<unknown> | undefined {
  if (element.message !== undefined && depth <= 0) return undefined;
  const value = elementValue(element, depth - 1);
  if (shape === 'list') return fc.array(value, { maxLength: 2 });
  return shape === 'map' ? fc.dictionary(fc.oneof(fc.constant('__proto__'), fc.string()), value, { maxKeys: 2 }) : value;
}

function elementValue(element: ElementType, depth: number): fc.Arbitrary<unknown> {
  return element.scalar !== undefined ? scalars[element.scalar] : rawMessage(element.message, depth);
}

const scalars: Readonly<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  string: fc.string({ unit: 'grapheme', maxLength: 6 }),
  bool: fc.boolean(),
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  bytes: fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
};

const seconds = fc.integer({ min: -62_135_596_799, max: 253_402_300_799 });
// The JSON text null is the same as nothing.
/** As the codec writes it: like Go, which escapes what could end a script in HTML. */
const goText = (value: unknown): string => JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
const rawJson = fc.json({ maxDepth: 2 }).filter((text) => text !== 'null').map((text) => Buffer.from(goText(JSON.parse(text))));
const schema = (depth: number): fc.Arbitrary<Fields> => (depth <= 0 ? fc.constant({ type: 'string' }) : rawMessage('k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps', depth - 2));

/** Messages whose fields depend on each other. */
const customs: Readonly<Record<string, (depth: number) => fc.Arbitrary<Fields>>> = {
  Quantity: () => fc.tuple(fc.integer(), fc.constantFrom('', 'm', 'k', 'M', 'Gi', 'Ki', 'n', 'e3')).map(([value, suffix]) => ({ string: `${value}${suffix}` })),
  QuantityValue: () => fc.integer().map((value) => ({ string: String(value) })),
  IntOrString: () => fc.oneof(fc.integer().map((intVal) => ({ type: 0, intVal })), fc.string().map((strVal) => ({ type: 1, strVal }))),
  Time: () => seconds.map((value) => ({ seconds: value })),
  Timestamp: () => seconds.map((value) => ({ seconds: value })),
  MicroTime: () => fc.record({ seconds, nanos: fc.integer({ min: 0, max: 999_999_999 }) }),
  Duration: () => fc.maxSafeInteger().map((duration) => ({ duration })),
  FieldsV1: () => rawJson.map((Raw) => ({ Raw })),
  RawExtension: () => rawJson.map((raw) => ({ raw })),
  Unknown: () => rawJson.map((raw) => ({ raw })),
  JSON: () => rawJson.map((raw) => ({ raw })),
  JSONSchemaPropsOrBool: (depth) => fc.oneof(fc.constant({ allows: true }), fc.constant({}), schema(depth).map((value) => ({ allows: true, schema: value }))),
  JSONSchemaPropsOrArray: (depth) => fc.oneof(schema(depth).map((value) => ({ schema: value })), fc.array(schema(depth), { minLength: 1, maxLength: 2 }).map((list) => ({ jSONSchemas: list }))),
  JSONSchemaPropsOrStringArray: (depth) => fc.oneof(schema(depth).map((value) => ({ schema: value })), fc.array(fc.string(), { minLength: 1 }).map((property) => ({ property }))),
};
