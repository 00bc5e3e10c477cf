import type { JSONSchemaProps } from '@navarch/proto/k8s/io/apiextensions_apiserver/pkg/apis/apiextensions/v1/apiextensions';

import type { FieldError } from '../resource';
import { forbidden, invalid, notSupported, required } from './field-error';

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
/** What would make a schema's meaning depend on other documents or on the values it judges. */
const forbiddenMembers = { ref: '$ref', definitions: 'definitions', dependencies: 'dependencies', patternProperties: 'patternProperties', additionalItems: 'additionalItems', id: 'id', schema: '$schema' } as const;

/** A schema from which each value's type can be told: what pruning and defaulting need (apiextensions' structural schemas). */
export function validateRootSchema(schema: JSONSchemaProps, field: string): FieldError[] {
  const root = schema.type === 'object' ? [] : schema.type ? [invalid(`${field}.type`, schema.type, 'must be object at the root')] : [required(`${field}.type`, 'must not be empty at the root')];
  return [...root, ...validateLevel(schema, field)];
}

function validateSchema(schema: JSONSchemaProps, field: string): FieldError[] {
  const typeless = schema.xKubernetesIntOrString || schema.xKubernetesPreserveUnknownFields;
  const errors = schema.type || typeless ? [] : [required(`${field}.type`, 'must not be empty for specified object fields')];
  return [...errors, ...validateLevel(schema, field)];
}

function validateLevel(schema: JSONSchemaProps, field: string): FieldError[] {
  const { type, properties = {}, items, additionalProperties, uniqueItems, required: requiredNames = [] } = schema;
  const errors = type && !types.includes(type) ? [notSupported(`${field}.type`, type, types)] : [];
  for (const [member, name] of Object.entries(forbiddenMembers)) {
    const value = schema[member as keyof typeof forbiddenMembers];
    if (value !== undefined && Object.keys(value).length > 0) errors.push(forbidden(`${field}.${name}`, `${name} is not supported`));
  }
  if (uniqueItems) errors.push(forbidden(`${field}.uniqueItems`, 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'));
  if (Object.keys(properties).length > 0 && additionalProperties) errors.push(forbidden(`${field}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'));
  if (new Set(requiredNames).size < requiredNames.length) errors.push(invalid(`${field}.required`, requiredNames, 'must not name a property twice'));
  if (type === 'array' && !items?.schema) errors.push(required(`${field}.items`, 'must be specified'));
  if (items?.jSONSchemas?.length) errors.push(forbidden(`${field}.items`, 'items must be a schema object and not an array'));
  errors.push(...validateListType(schema, field));
  return [
    ...errors,
    ...Object.entries(properties).flatMap(([name, property]) => validateSchema(property, `${field}.properties[${name}]`)),
    ...(items?.schema ? validateSchema(items.schema, `${field}.items`) : []),
    ...(additionalProperties?.schema ? validateSchema(additionalProperties.schema, `${field}.additionalProperties`) : []),
  ];
}

/** How lists and maps merge. */
function validateListType({ type, xKubernetesListType: listType, xKubernetesListMapKeys: keys = [], xKubernetesMapType: mapType, items }: JSONSchemaProps, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const at = `${field}.x-kubernetes-list-type`;
  if (listType !== undefined && !['atomic', 'map', 'set'].includes(listType)) errors.push(notSupported(at, listType, ['atomic', 'map', 'set']));
  if (listType !== undefined && type !== 'array') errors.push(invalid(`${field}.type`, type ?? '', 'must be array if x-kubernetes-list-type is specified'));
  const keyField = `${field}.x-kubernetes-list-map-keys`;
  if (listType === 'map' && keys.length === 0) errors.push(required(keyField, 'must not be empty if x-kubernetes-list-type is map'));
  if (listType !== 'map' && keys.length > 0) errors.push(invalid(at, listType ?? '', 'must be map if x-kubernetes-list-map-keys is non-empty'));
  for (const [index, key] of keys.entries()) if (!Object.hasOwn(items?.schema?.properties ?? {}, key)) errors.push(invalid(`${keyField}[${index}]`, key, 'entries must all be names of item properties'));
  if (mapType !== undefined && !['atomic', 'granular'].includes(mapType)) errors.push(notSupported(`${field}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']));
  return errors;
}
