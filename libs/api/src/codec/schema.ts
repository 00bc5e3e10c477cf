import { schemaJson } from '@navarch/proto/schema';

export type ScalarType = 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'bytes';

/** What one element of a field is: a scalar or a message by its full name. */
export type ElementType = { readonly scalar: ScalarType; readonly message?: undefined } | { readonly message: string; readonly scalar?: undefined };

export interface FieldSchema {
  readonly number: number;
  /** The member in memory, as ts-proto names it. */
  readonly name: string;
  readonly jsonName: string;
  readonly shape: 'single' | 'list' | 'map';
  readonly element: ElementType;
  /** Set to zero differs from unset. */
  readonly pointer: boolean;
  /** Printed in JSON even when absent. */
  readonly always: boolean;
  /** Its members stand in the parent JSON object. */
  readonly inline: boolean;
}

export interface MessageSchema {
  readonly name: string;
  /** The last part of the name, which is also Kubernetes' Go type. */
  readonly shortName: string;
  readonly fields: readonly FieldSchema[];
  /** JSON has a form of its own (codec/custom.ts). */
  readonly custom: boolean;
  /** JSON is the bare array of the only field. */
  readonly array: boolean;
  /** An object of its own, so that JSON may carry apiVersion and kind. */
  readonly typed: boolean;
}

interface RawMessage {
  readonly fields: readonly (readonly [number, string, string, 'optional' | 'repeated' | 'map'])[];
  readonly inline?: readonly string[];
  readonly jsonNames?: Readonly<Record<string, string>>;
  readonly array?: true;
  readonly custom?: true;
  readonly pointer?: readonly string[];
  readonly always?: readonly string[];
  readonly omitzero?: readonly string[];
}

const scalarTypes: ReadonlySet<string> = new Set(['string', 'bool', 'int32', 'int64', 'double', 'bytes']);
const metaPackage = 'k8s.io.apimachinery.pkg.apis.meta.v1';

let parsed: ReadonlyMap<string, RawMessage> | undefined;
const compiled = new Map<string, MessageSchema>();

function rawMessages(): ReadonlyMap<string, RawMessage> {
  parsed ??= new Map(Object.entries(JSON.parse(schemaJson) as Record<string, RawMessage>));
  return parsed;
}

/** Names of all messages that have a schema. */
export function messageNames(): readonly string[] {
  return [...rawMessages().keys()];
}

/** A message's schema; compiled at first use. Throws for a name that no fact file lists: a bug of the caller. */
export function messageSchema(name: string): MessageSchema {
  const known = compiled.get(name);
  if (known) return known;
  const raw = rawMessages().get(name);
  if (!raw) throw new Error(`no schema for message ${name}`);
  const schema = compile(name, raw);
  compiled.set(name, schema);
  return schema;
}

function compile(name: string, raw: RawMessage): MessageSchema {
  const shortName = name.slice(name.lastIndexOf('.') + 1);
  const fields = raw.fields.map((row) => compileField(name, raw, row));
  const hasMetadata = fields.some(({ name: field, element }) => field === 'metadata' && element.message?.startsWith(metaPackage));
  return {
    name, shortName, fields, custom: raw.custom === true, array: raw.array === true,
    typed: (hasMetadata && !/TemplateSpec$|^PersistentVolumeClaimTemplate$/.test(shortName)) || (name.startsWith(metaPackage) && shortName.endsWith('Options')) || /Options$/.test(shortName),
  };
}

function compileField(message: string, raw: RawMessage, [number, name, type, label]: RawMessage['fields'][number]): FieldSchema {
  const element = elementOf(message, label === 'map' ? (/^map<string,\s*(.+)>$/.exec(type)?.[1] ?? type) : type);
  const shape = label === 'optional' ? 'single' : label === 'repeated' ? 'list' : 'map';
  const pointer = raw.pointer?.includes(name) === true;
  const valueStruct = shape === 'single' && element.message !== undefined && !pointer && !raw.omitzero?.includes(name) && !isArrayWrapper(element.message);
  return {
    number, name, jsonName: raw.jsonNames?.[name] ?? name, shape, element, pointer,
    always: raw.always?.includes(name) === true || valueStruct,
    inline: raw.inline?.includes(name) === true,
  };
}

function isArrayWrapper(message: string): boolean {
  return rawMessages().get(message)?.array === true;
}

function elementOf(message: string, type: string): ElementType {
  if (scalarTypes.has(type)) return { scalar: type as ScalarType };
  return { message: type.includes('.') ? type : `${message.slice(0, message.lastIndexOf('.'))}.${type}` };
}
