import { ApiError } from '@navarch/base';

import type { JsonObject, JsonValue } from '../resource';
import { customPlan } from './custom';
import { isEmptyObject, maxDepth, setEntry, unknownFieldsKey, type Fields, type MessagePlan } from './plan';
import type { ReadContext } from './read-context';
import { scalarCodecs } from './scalars';
import { messageSchema, type ElementType, type FieldSchema, type MessageSchema } from './schema';

/** Answers the value to keep, or undefined when it is a zero that means nothing. */
type Normalize = (value: unknown, depth: number) => unknown;

interface ElementPlan {
  readonly goType: string;
  readonly normalize: Normalize | undefined;
  isZero(value: unknown): boolean;
  zero(): unknown;
  zeroJson(): JsonValue;
  toJson(value: unknown): JsonValue;
  fromJson(json: JsonValue, context: ReadContext): unknown;
}

const plans = new Map<string, MessagePlan>();

/** The plan of a message, compiled at first use. */
export function planOf(name: string): MessagePlan {
  const known = plans.get(name);
  if (known) return known;
  const schema = messageSchema(name);
  const plan = (schema.custom && customPlan(schema, planOf)) || (schema.array ? arrayPlan(schema) : structPlan(schema));
  plans.set(name, plan);
  return plan;
}

function elementPlan(element: ElementType): ElementPlan {
  if (element.scalar !== undefined) {
    const codec = scalarCodecs[element.scalar];
    return { ...codec, normalize: undefined, zeroJson: () => codec.zeroJson };
  }
  const { message } = element;
  // Looked up late: message types refer to themselves (JSONSchemaProps).
  let plan: MessagePlan | undefined;
  const late = (): MessagePlan => (plan ??= planOf(message));
  return {
    goType: `v1.${message.slice(message.lastIndexOf('.') + 1)}`,
    normalize: (value, depth) => late().normalize(value as Fields, depth + 1),
    isZero: (value) => late().isZero(value as Fields),
    zero: () => late().normalize({}, 0),
    zeroJson: () => late().toJson({}),
    toJson: (value) => late().toJson(value as Fields),
    fromJson: (json, context) => late().fromJson(json, context),
  };
}

interface FieldPlan {
  readonly schema: FieldSchema;
  /** Absent: whatever the field holds is kept. */
  readonly normalize: Normalize | undefined;
  /** What stands in JSON when the field is absent; for those printed always. */
  absentJson(): JsonValue;
  toJson(value: unknown): JsonValue | undefined;
  /** Answers undefined when the field stays absent. */
  fromJson(json: JsonValue, context: ReadContext): unknown;
}

function fieldPlan(schema: FieldSchema): FieldPlan {
  const element = elementPlan(schema.element);
  if (schema.shape === 'list') return listField(schema, element);
  if (schema.shape === 'map') return mapField(schema, element);
  return singleField(schema, element);
}

function singleField(schema: FieldSchema, element: ElementPlan): FieldPlan {
  const { pointer } = schema;
  const dropZero = (value: unknown): unknown => (!pointer && element.isZero(value) ? undefined : value);
  const nested = element.normalize;
  return {
    schema,
    normalize: nested ? (value, depth) => dropZero(nested(value, depth)) : pointer ? undefined : dropZero,
    absentJson: () => (pointer ? null : element.zeroJson()),
    toJson: (value) => element.toJson(value),
    fromJson: (json, context) => (json === null ? undefined : dropZero(element.fromJson(json, context))),
  };
}

function listField(schema: FieldSchema, element: ElementPlan): FieldPlan {
  const nested = element.normalize;
  const normalize = (value: unknown, depth: number): unknown => {
    const list = value as unknown[];
    if (list.length === 0) return undefined;
    if (nested) for (let index = 0; index < list.length; index++) list[index] = nested(list[index], depth);
    return list;
  };
  return {
    schema, normalize,
    absentJson: () => null,
    toJson: (value) => {
      const list = value as unknown[];
      return list.length === 0 && !schema.always ? undefined : list.map((item) => element.toJson(item));
    },
    fromJson: (json, context) => {
      if (json === null) return undefined;
      if (!Array.isArray(json)) return context.wrongType(json, `[]${element.goType}`);
      if (json.length === 0) return undefined;
      return json.map((item, index) => {
        context.enter(index);
        const value = item === null ? element.zero() : element.fromJson(item, context);
        context.leave();
        return value;
      });
    },
  };
}

function mapField(schema: FieldSchema, element: ElementPlan): FieldPlan {
  const nested = element.normalize;
  const normalize = (value: unknown, depth: number): unknown => {
    const map = value as Fields;
    if (isEmptyObject(map)) return undefined;
    // A map entry is a message of its own on the wire, hence two levels.
    if (nested) for (const key of Object.keys(map)) setEntry(map, key, nested(map[key], depth + 1));
    return map;
  };
  return {
    schema, normalize,
    absentJson: () => null,
    toJson: (value) => {
      const entries = Object.entries(value as Fields);
      if (entries.length === 0 && !schema.always) return undefined;
      const out: JsonObject = {};
      for (const [key, item] of entries) setEntry(out, key, element.toJson(item));
      return out;
    },
    fromJson: (json, context) => {
      if (json === null) return undefined;
      if (typeof json !== 'object' || Array.isArray(json)) return context.wrongType(json, `map[string]${element.goType}`);
      const keys = Object.keys(json);
      if (keys.length === 0) return undefined;
      const out: Fields = {};
      context.depth++;
      for (const key of keys) {
        context.enter(key);
        const item = json[key] as JsonValue;
        setEntry(out, key, item === null ? element.zero() : element.fromJson(item, context));
        context.leave();
      }
      context.depth--;
      return out;
    },
  };
}

function structPlan(schema: MessageSchema): MessagePlan {
  const fields = schema.fields.map(fieldPlan);
  return {
    name: schema.name,
    shortName: schema.shortName,
    normalize: structNormalizer(schema, fields),
    isZero: isEmptyObject,
    toJson: structPrinter(schema, fields),
    fromJson: structReader(schema, fields),
  };
}

function structNormalizer(schema: MessageSchema, fields: readonly FieldPlan[]): MessagePlan['normalize'] {
  const rules = new Map(fields.flatMap(({ schema: { name }, normalize }) => (normalize ? [[name, normalize] as const] : [])));
  const numbers = new Map(schema.fields.map(({ number, name }) => [number, name]));
  return (message, depth) => {
    if (depth > maxDepth) throw new ApiError('BadRequest', `${schema.name}: nested deeper than ${maxDepth} levels`);
    let dropped = false;
    for (const key in message) {
      const value = message[key];
      if (value === undefined) {
        dropped = true;
        continue;
      }
      const rule = rules.get(key);
      if (rule) {
        const kept = rule(value, depth);
        if (kept === undefined) dropped = true;
        if (kept !== value) message[key] = kept;
      } else if (key === unknownFieldsKey) {
        refuseWrongWireTypes(schema, numbers, value as object);
      }
    }
    return dropped ? withoutUndefined(message) : message;
  };
}

/** Removing keys one by one would turn the object into a slow dictionary. */
function withoutUndefined(message: Fields): Fields {
  const kept: Fields = {};
  for (const key in message) {
    const value = message[key];
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}

/** ts-proto takes a known field with another wire type for an unknown one. */
function refuseWrongWireTypes(schema: MessageSchema, numbers: ReadonlyMap<number, string>, unknown: object): void {
  for (const tag of Object.keys(unknown)) {
    const name = numbers.get(Number(tag) >>> 3);
    if (name !== undefined) throw new ApiError('BadRequest', `proto: wrong wireType = ${Number(tag) & 7} for field ${name} of ${schema.name}`);
  }
}

function structPrinter(schema: MessageSchema, fields: readonly FieldPlan[]): MessagePlan['toJson'] {
  const byName = new Map(fields.map((field) => [field.schema.name, field]));
  const always = fields.filter((field) => field.schema.always || field.schema.inline);
  return (message) => {
    const out: JsonObject = {};
    for (const key in message) {
      const field = byName.get(key);
      const value = message[key];
      if (!field || value === undefined || value === null) continue;
      const json = field.toJson(value);
      if (json === undefined) continue;
      if (field.schema.inline) Object.assign(out, json);
      else out[field.schema.jsonName] = json;
    }
    for (const field of always) {
      const value = message[field.schema.name];
      if (value !== undefined && value !== null) continue;
      if (field.schema.inline) Object.assign(out, field.absentJson());
      else out[field.schema.jsonName] = field.absentJson();
    }
    return out;
  };
}

interface Slot {
  readonly field: FieldPlan;
  /** The inline messages to step into, outermost first. */
  readonly within: readonly string[];
}

/** JSON key → where it goes; the members of inline messages stand beside the others. */
function slotsOf(schema: MessageSchema, fields: readonly FieldPlan[]): Map<string, Slot> {
  const slots = new Map<string, Slot>();
  for (const field of fields) {
    if (!field.schema.inline || field.schema.element.message === undefined) {
      slots.set(field.schema.jsonName, { field, within: [] });
      continue;
    }
    const inner = messageSchema(field.schema.element.message);
    for (const [key, slot] of slotsOf(inner, inner.fields.map(fieldPlan))) {
      slots.set(key, { field: slot.field, within: [field.schema.name, ...slot.within] });
    }
  }
  return slots;
}

function structReader(schema: MessageSchema, fields: readonly FieldPlan[]): MessagePlan['fromJson'] {
  let slots: Map<string, Slot> | undefined;
  const typeKeys = schema.typed ? new Set(['apiVersion', 'kind']) : new Set<string>();
  return (json, context) => {
    if (json === null || typeof json !== 'object' || Array.isArray(json)) return context.wrongType(json, `v1.${schema.shortName}`);
    slots ??= slotsOf(schema, fields);
    const known = slots;
    return context.within(schema.shortName, () => {
      const out: Fields = {};
      for (const key of Object.keys(json)) {
        if (json[key] === undefined) continue;
        const slot = known.get(key);
        if (!slot) {
          if (!typeKeys.has(key)) context.unknownField(key);
          continue;
        }
        context.enter(key);
        const value = slot.field.fromJson(json[key] as JsonValue, context);
        context.leave();
        if (value !== undefined) place(out, slot, value);
      }
      return out;
    });
  };
}

function place(out: Fields, { field, within }: Slot, value: unknown): void {
  let target = out;
  for (const step of within) target = (target[step] ??= {}) as Fields;
  target[field.schema.name] = value;
}

/** A message that only wraps a list: JSON is the bare array. */
function arrayPlan(schema: MessageSchema): MessagePlan {
  const first = schema.fields[0];
  if (!first) throw new Error(`${schema.name} is marked as an array but has no field`);
  const field = fieldPlan(first);
  const struct = structPlan(schema);
  return {
    ...struct,
    toJson: (message) => (message[first.name] === undefined ? null : (field.toJson(message[first.name]) ?? null)),
    fromJson: (json, context) => {
      const value = field.fromJson(json, context);
      return value === undefined ? {} : { [first.name]: value };
    },
  };
}
