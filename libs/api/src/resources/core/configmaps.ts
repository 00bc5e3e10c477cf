import type { ConfigMap } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { forbidden, invalid, invalidEach, tooLong } from '../../validation/field-error';
import { configMapKey } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };
/** Keys aside, of all values together. */
const maxBytes = 1024 * 1024;

function validate({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(data)) {
    errors.push(...invalidEach(`data[${key}]`, key, configMapKey(key)));
    if (Object.hasOwn(binaryData, key)) errors.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...invalidEach(`binaryData[${key}]`, key, configMapKey(key)));
    size += value.length;
  }
  if (size > maxBytes) errors.push(tooLong('[]', maxBytes));
  return errors;
}

function validateUpdate(next: ConfigMap, previous: ConfigMap): FieldError[] {
  const errors = validateMetaUpdate(next, previous, meta);
  if (previous.immutable) {
    if (!next.immutable) errors.push(forbidden('immutable', 'field is immutable when `immutable` is set'));
    for (const member of ['data', 'binaryData'] as const) {
      if (!deepEqual(next[member], previous[member])) errors.push(forbidden(member, 'field is immutable when `immutable` is set'));
    }
  }
  return [...errors, ...validate(next)];
}

export const configMaps = defineResource<ConfigMap>({
  group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'], namespaced: true,
  codec: codecFor<ConfigMap>('k8s.io.api.core.v1.ConfigMap'),
  validateCreate: (configMap) => [...validateMeta(configMap, meta), ...validate(configMap)],
  validateUpdate,
  columns: [
    nameColumn,
    { name: 'Data', type: 'string', description: 'Number of entries', value: ({ data = {}, binaryData = {} }) => Object.keys(data).length + Object.keys(binaryData).length },
    ageColumn,
  ],
});
