import type { JsonObject, JsonValue } from '../resource';
import type { MergeSchema } from '../patch/merge-schema';

/**
 * OpenAPI schemas made from the same tables as the codecs. Names are Kubernetes' (`io.k8s.api.core.v1.Pod`), so that
 * kubectl explain and client generators find what they look for.
 */
export interface SchemaTables {
  readonly messages: Readonly<Record<string, TableMessage>>;
  readonly merge: MergeSchema;
  /** A sentence of our own for a message (`…v1.Pod`) or a field (`…v1.Pod.spec`); undefined where nothing is written. */
  readonly describe: (name: string) => string | undefined;
}

export interface TableMessage {
  readonly fields: readonly (readonly [number: number, name: string, type: string, label: string])[];
  readonly inline?: readonly string[];
  readonly jsonNames?: Readonly<Record<string, string>>;
  readonly array?: true;
  readonly custom?: true;
  readonly always?: readonly string[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Where references point: `#/components/schemas/` in version 3, `#/definitions/` in version 2. */
export type SchemaStyle = 'v2' | 'v3';

const scalars: Readonly<Record<string, JsonObject>> = {
  string: { type: 'string' }, bool: { type: 'boolean' }, bytes: { type: 'string', format: 'byte' }, double: { type: 'number', format: 'double' },
  int32: { type: 'integer', format: 'int32' }, int64: { type: 'integer', format: 'int64' },
};

/** The messages whose JSON is not their fields (encodings.md), by their last name. */
const special: Readonly<Record<string, (style: SchemaStyle) => JsonObject>> = {
  Time: () => ({ type: 'string', format: 'date-time' }),
  MicroTime: () => ({ type: 'string', format: 'date-time' }),
  Timestamp: () => ({ type: 'string', format: 'date-time' }),
  Duration: () => ({ type: 'string' }),
  Quantity: (style): JsonObject => (style === 'v3' ? { oneOf: [{ type: 'string' }, { type: 'number' }] } : { type: 'string' }),
  QuantityValue: () => ({ type: 'string' }),
  IntOrString: (style): JsonObject => (style === 'v3' ? { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] } : { type: 'string', format: 'int-or-string' }),
  FieldsV1: () => ({ type: 'object' }),
  RawExtension: () => ({ type: 'object' }),
  Unknown: () => ({ type: 'object' }),
  JSON: () => ({}),
  JSONSchemaPropsOrArray: () => ({}),
  JSONSchemaPropsOrBool: () => ({}),
  JSONSchemaPropsOrStringArray: () => ({}),
};

/** io.k8s.api.core.v1.Pod for k8s.io.api.core.v1.Pod. */
export function schemaName(message: string): string {
  return message.replace(/^k8s\.io\./, 'io.k8s.').replace('apiextensions_apiserver', 'apiextensions-apiserver').replace('kube_aggregator', 'kube-aggregator');
}

export function schemaRef(message: string, style: SchemaStyle): JsonObject {
  return { $ref: `${style === 'v3' ? '#/components/schemas/' : '#/definitions/'}${schemaName(message)}` };
}

/** The schemas of the given messages and of all that they refer to, by name. `kinds` tells which are kinds of the API. */
export function schemasOf(
  roots: readonly string[], tables: SchemaTables, style: SchemaStyle, kinds: (message: string) => readonly GroupVersionKind[],
): JsonObject {
  const schemas = new Map<string, JsonObject>();
  const waiting = [...roots];
  for (let message = waiting.pop(); message !== undefined; message = waiting.pop()) {
    if (schemas.has(message)) continue;
    schemas.set(message, messageSchema(message, tables, style, kinds(message), (name) => waiting.push(name)));
  }
  return Object.fromEntries([...schemas].map(([message, schema]): [string, JsonObject] => [schemaName(message), schema]).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function messageSchema(
  message: string, tables: SchemaTables, style: SchemaStyle, kinds: readonly GroupVersionKind[], refer: (message: string) => void,
): JsonObject {
  const table = tables.messages[message];
  if (!table) throw new Error(`no such message: ${message}`);
  const description = tables.describe(message);
  const about: JsonObject = description ? { description } : {};
  if (table.custom) return { ...about, ...special[message.slice(message.lastIndexOf('.') + 1)]?.(style) };
  if (table.array) return { ...about, type: 'array', items: { type: 'string' } };
  const { properties, required } = propertiesOf(message, tables, style, refer);
  const typeMeta: JsonObject = kinds.length > 0 ? { apiVersion: typeMetaSchema(message, 'apiVersion', tables), kind: typeMetaSchema(message, 'kind', tables) } : {};
  return {
    ...about, type: 'object',
    ...(Object.keys(properties).length + Object.keys(typeMeta).length > 0 && { properties: { ...typeMeta, ...properties } }),
    ...(required.length > 0 && { required }),
    ...(kinds.length > 0 && { 'x-kubernetes-group-version-kind': kinds.map(({ group, version, kind }) => ({ group, version, kind })) }),
  };
}

function typeMetaSchema(message: string, field: string, { describe }: SchemaTables): JsonObject {
  const description = describe(`${message}.${field}`);
  return { ...(description && { description }), type: 'string' };
}

function propertiesOf(message: string, tables: SchemaTables, style: SchemaStyle, refer: (message: string) => void): { properties: JsonObject; required: string[] } {
  const table = tables.messages[message];
  const properties: JsonObject = {};
  const required: string[] = [];
  for (const [, field, type, label] of table?.fields ?? []) {
    if (table?.inline?.includes(field)) {
      const inlined = propertiesOf(fullName(type, message), tables, style, refer);
      Object.assign(properties, inlined.properties);
      required.push(...inlined.required);
      continue;
    }
    const key = table?.jsonNames?.[field] ?? field;
    properties[key] = propertySchema(message, key, type, label, tables, style, refer);
    if (table?.always?.includes(key) && label !== 'map') required.push(key);
  }
  return { properties, required: required.sort() };
}

function fullName(type: string, parent: string): string {
  return type.includes('.') ? type : `${parent.slice(0, parent.lastIndexOf('.'))}.${type}`;
}

function propertySchema(
  message: string, key: string, type: string, label: string, tables: SchemaTables, style: SchemaStyle, refer: (message: string) => void,
): JsonObject {
  const mapValue = /^map<\w+,(.+)>$/.exec(type)?.[1];
  const element = mapValue ?? type;
  const scalar = scalars[element];
  const target = scalar ? undefined : fullName(element, message);
  if (target) refer(target);
  const item: JsonObject = scalar ?? (target ? schemaRef(target, style) : {});
  const description = tables.describe(`${message}.${key}`);
  const about: JsonObject = description ? { description } : {};
  if (mapValue !== undefined) return { ...about, type: 'object', additionalProperties: item, ...mergeMarks(message, key, tables) };
  if (label === 'repeated') return { ...about, type: 'array', items: item, ...mergeMarks(message, key, tables) };
  // In version 3 a reference may have no siblings.
  if (style === 'v3' && target && Object.keys(about).length > 0) return { ...about, allOf: [item] };
  return { ...about, ...item };
}

function mergeMarks(message: string, key: string, tables: SchemaTables): JsonObject {
  const rule = tables.merge(message, key);
  if (!rule) return {};
  const marks: Record<string, JsonValue> = {};
  if (rule.shape === 'map' && rule.atomic && rule.message === undefined) marks['x-kubernetes-map-type'] = 'atomic';
  if (rule.shape === 'list') marks['x-kubernetes-list-type'] = rule.listType;
  if (rule.listKeys.length > 0) marks['x-kubernetes-list-map-keys'] = [...rule.listKeys];
  if (rule.strategies.length > 0) marks['x-kubernetes-patch-strategy'] = rule.strategies.join(',');
  if (rule.patchKey !== undefined) marks['x-kubernetes-patch-merge-key'] = rule.patchKey;
  return marks;
}
