import { ApiError } from '@navarch/base';

import { durationFromText, durationToText } from '../scalars/duration';
import { canonicalQuantity, QuantityFormatError } from '../scalars/quantity';
import { greatestSeconds, leastSeconds, microTimeFromText, microTimeToText, timeFromText, timeToText } from '../scalars/time';
import type { JsonValue } from '../resource';
import { isEmptyObject, type Fields, type MessagePlan } from './plan';
import type { ReadContext } from './read-context';
import { asBuffer } from './scalars';
import type { MessageSchema } from './schema';

/** Raw JSON inside a message may nest this deep. */
const maxRawDepth = 500;

type Custom = Pick<MessagePlan, 'normalize' | 'toJson' | 'fromJson'> & Partial<Pick<MessagePlan, 'isZero'>>;
type PlanOf = (name: string) => MessagePlan;

const meta = 'k8s.io.apimachinery.pkg.apis.meta.v1';
const runtime = 'k8s.io.apimachinery.pkg.runtime';
const apiextensions = 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1';

/** The JSON form and normal form of the messages that are not field-by-field (tools/facts/encodings.md). */
export function customPlan(schema: MessageSchema, planOf: PlanOf): MessagePlan | undefined {
  const custom = customs[schema.name]?.(planOf);
  return custom && { name: schema.name, shortName: schema.shortName, isZero: isEmptyObject, ...custom };
}

const customs: Readonly<Record<string, (planOf: PlanOf) => Custom>> = {
  'k8s.io.apimachinery.pkg.api.resource.Quantity': () => quantityPlan,
  'k8s.io.apimachinery.pkg.api.resource.QuantityValue': () => quantityPlan,
  'k8s.io.apimachinery.pkg.util.intstr.IntOrString': () => intOrStringPlan,
  [`${meta}.Time`]: () => timePlan(timeToText, timeFromText, () => undefined),
  [`${meta}.MicroTime`]: () => timePlan(microTimeToText, microTimeFromText, (nanos) => Math.trunc(nanos / 1000) * 1000 || undefined),
  [`${meta}.Timestamp`]: () => timePlan(timeToText, timeFromText, () => undefined),
  [`${meta}.Duration`]: () => durationPlan,
  [`${meta}.FieldsV1`]: () => rawJsonPlan('Raw'),
  [`${runtime}.RawExtension`]: () => rawJsonPlan('raw'),
  [`${runtime}.Unknown`]: () => rawJsonPlan('raw'),
  [`${apiextensions}.JSON`]: () => rawJsonPlan('raw'),
  [`${apiextensions}.JSONSchemaPropsOrBool`]: (planOf) => schemaOrBool(planOf),
  [`${apiextensions}.JSONSchemaPropsOrArray`]: (planOf) => schemaOrArray(planOf),
  [`${apiextensions}.JSONSchemaPropsOrStringArray`]: (planOf) => schemaOrStrings(planOf),
};

const quantityPlan: Custom = {
  normalize: (message) => {
    const text = message['string'];
    if (typeof text !== 'string') return message;
    const canonical = quantityOr(text, (reason) => {
      throw new ApiError('BadRequest', `${JSON.stringify(text)}: ${reason}`);
    });
    return canonical === text ? message : { ...message, string: canonical };
  },
  isZero: (message) => isEmptyObject(message) || message['string'] === '0',
  toJson: (message) => (message['string'] as string | undefined) || '0',
  fromJson: (json, context) => {
    if (typeof json !== 'string' && typeof json !== 'number') return context.wrongType(json, 'resource.Quantity');
    return { string: quantityOr(String(json), (reason) => context.malformed(reason)) };
  },
};

function quantityOr(text: string, refuse: (reason: string) => never): string {
  try {
    return canonicalQuantity(text);
  } catch (error) {
    if (error instanceof QuantityFormatError) return refuse(error.message);
    throw error;
  }
}

const intOrStringPlan: Custom = {
  normalize: (message) => {
    if (message['type'] === 1) return { type: 1, strVal: message['strVal'] ?? '' };
    return message['type'] === undefined && message['intVal'] === undefined ? {} : { type: 0, intVal: message['intVal'] ?? 0 };
  },
  isZero: (message) => isEmptyObject(message) || (message['type'] === 0 && message['intVal'] === 0),
  toJson: (message) => (message['type'] === 1 ? ((message['strVal'] as string | undefined) ?? '') : ((message['intVal'] as number | undefined) ?? 0)),
  fromJson: (json, context) => {
    if (typeof json === 'string') return { type: 1, strVal: json };
    if (typeof json === 'number' && Number.isInteger(json) && json >= -(2 ** 31) && json < 2 ** 31) return { type: 0, intVal: json };
    return context.wrongType(json, 'int32');
  },
};

interface TimeFields {
  readonly seconds?: number | undefined;
  readonly nanos?: number | undefined;
}

function timePlan(print: (time: TimeFields) => string, read: (text: string) => TimeFields | undefined, keepNanos: (nanos: number) => number | undefined): Custom {
  return {
    normalize: (message) => normalizeTime(message, keepNanos),
    toJson: (message) => (message['seconds'] === undefined && message['nanos'] === undefined ? null : print(message)),
    fromJson: (json, context) => {
      if (typeof json !== 'string') return context.wrongType(json, 'string');
      const time = read(json);
      if (!time) return context.malformed(`parsing time ${JSON.stringify(json)} as "2006-01-02T15:04:05Z07:00": not an RFC 3339 time`);
      return { ...time };
    },
  };
}

function normalizeTime(message: Fields, keepNanos: (nanos: number) => number | undefined): Fields {
  const { seconds, nanos } = message as TimeFields;
  if (seconds === undefined && nanos === undefined) return message;
  if (seconds !== undefined && (seconds < leastSeconds || seconds > greatestSeconds)) {
    throw new ApiError('BadRequest', `time ${seconds} s since 1970 is outside of the years 1 to 9999`);
  }
  const kept = nanos === undefined ? undefined : keepNanos(nanos);
  // Go's zero time, which its clients may spell out.
  if (seconds === leastSeconds && kept === undefined) return {};
  if (nanos === kept && seconds !== undefined) return message;
  const { nanos: _dropped, ...rest } = message;
  // A client that leaves out zero seconds but writes nanoseconds means 1970, not the zero time.
  return { ...rest, seconds: seconds ?? 0, ...(kept !== undefined && { nanos: kept }) };
}

const durationPlan: Custom = {
  normalize: (message) => (message['duration'] === 0 ? {} : message),
  toJson: (message) => durationToText((message['duration'] as number | undefined) ?? 0),
  fromJson: (json, context) => {
    if (typeof json !== 'string') return context.wrongType(json, 'string');
    const nanoseconds = durationFromText(json);
    if (nanoseconds === undefined) return context.malformed(`time: invalid duration ${JSON.stringify(json)}`);
    return nanoseconds === 0 ? {} : { duration: nanoseconds };
  },
};

/** Written as Go writes them, so that bytes a Go client made stay the same on their way through JSON: kubectl compares a ControllerRevision's. */
const goEscapes: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' };

/** Bytes that hold JSON text. What is not JSON was put there by a protobuf client; it prints as null rather than break a list. */
function rawJsonPlan(member: 'raw' | 'Raw'): Custom {
  return {
    normalize: (message) => {
      const bytes = message[member] as Uint8Array | undefined;
      if (bytes) refuseDeepBytes(bytes);
      return bytes?.length === 0 ? {} : message;
    },
    toJson: (message) => {
      const bytes = message[member] as Uint8Array | undefined;
      if (!bytes || bytes.length === 0) return null;
      try {
        return JSON.parse(asBuffer(bytes).toString('utf8')) as JsonValue;
      } catch {
        return null;
      }
    },
    fromJson: (json, context) => {
      refuseDeepJson(json, context, maxRawDepth);
      return { [member]: Buffer.from(JSON.stringify(json).replace(/[<>&\u2028\u2029]/g, (character) => goEscapes[character] ?? character)) };
    },
  };
}

/** JSON that came as bytes must not nest deeper either: it could be stored, but never printed. Counts no brackets inside of text. */
function refuseDeepBytes(bytes: Uint8Array): void {
  if (bytes.length <= maxRawDepth) return;
  let [depth, inText] = [0, false];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === 0x22) inText = !inText;
    else if (inText && byte === 0x5c) at++;
    else if (!inText && (byte === 0x7b || byte === 0x5b)) depth++;
    else if (!inText && (byte === 0x7d || byte === 0x5d)) depth--;
    if (depth > maxRawDepth) throw new ApiError('BadRequest', `nested deeper than ${maxRawDepth} levels`);
  }
}

function refuseDeepJson(json: JsonValue, context: ReadContext, left: number): void {
  if (json === null || typeof json !== 'object') return;
  if (left === 0) context.malformed(`nested deeper than ${maxRawDepth} levels`);
  for (const value of Array.isArray(json) ? json : Object.values(json)) refuseDeepJson(value, context, left - 1);
}

const schemaProps = `${apiextensions}.JSONSchemaProps`;

function normalizeSchema(planOf: PlanOf, message: Fields, depth: number): Fields {
  const schema = message['schema'] as Fields | undefined;
  return schema ? { ...message, schema: planOf(schemaProps).normalize(schema, depth + 1) } : message;
}

function schemaOrBool(planOf: PlanOf): Custom {
  return {
    normalize: (message, depth) => {
      const { allows, ...rest } = normalizeSchema(planOf, message, depth);
      return allows === true ? { ...rest, allows } : rest;
    },
    toJson: (message) => (message['schema'] ? planOf(schemaProps).toJson(message['schema'] as Fields) : message['allows'] === true),
    fromJson: (json, context) => {
      if (typeof json === 'boolean') return json ? { allows: true } : {};
      return { allows: true, schema: planOf(schemaProps).fromJson(json, context) };
    },
  };
}

function schemaOrArray(planOf: PlanOf): Custom {
  const list = 'jSONSchemas';
  return {
    normalize: (message, depth) => {
      const items = message[list] as Fields[] | undefined;
      const one = normalizeSchema(planOf, message, depth);
      return items ? { ...one, [list]: items.map((item) => planOf(schemaProps).normalize(item, depth + 1)) } : one;
    },
    toJson: (message) => {
      const items = message[list] as Fields[] | undefined;
      if (items && items.length > 0) return items.map((item) => planOf(schemaProps).toJson(item));
      return message['schema'] ? planOf(schemaProps).toJson(message['schema'] as Fields) : null;
    },
    fromJson: (json, context) => {
      if (!Array.isArray(json)) return { schema: planOf(schemaProps).fromJson(json, context) };
      return { [list]: json.map((item) => planOf(schemaProps).fromJson(item, context)) };
    },
  };
}

function schemaOrStrings(planOf: PlanOf): Custom {
  return {
    normalize: (message, depth) => normalizeSchema(planOf, message, depth),
    toJson: (message) => {
      const names = message['property'] as string[] | undefined;
      if (names && names.length > 0) return [...names];
      return message['schema'] ? planOf(schemaProps).toJson(message['schema'] as Fields) : null;
    },
    fromJson: (json, context) => {
      if (!Array.isArray(json)) return { schema: planOf(schemaProps).fromJson(json, context) };
      return { property: json.map((item) => (typeof item === 'string' ? item : context.wrongType(item, 'string'))) };
    },
  };
}

