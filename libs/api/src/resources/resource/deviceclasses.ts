import type { DeviceClass } from '@navarch/proto/k8s/io/api/resource/v1/resource';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { validateConfiguration, validateSelectors } from '../../validation/device-claim';
import { invalid, invalidEach, tooMany } from '../../validation/field-error';
import { qualifiedName } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };
const maxEntries = 32;

function validate({ spec = {} }: DeviceClass): FieldError[] {
  const { selectors = [], config = [], extendedResourceName } = spec;
  return [
    ...validateSelectors(selectors, 'spec.selectors'),
    ...(config.length > maxEntries ? [tooMany('spec.config', config.length, maxEntries)] : []),
    ...config.flatMap(({ deviceConfiguration = {} }, index) => validateConfiguration(deviceConfiguration, `spec.config[${index}]`)),
    ...(extendedResourceName === undefined ? [] : validateExtendedName(extendedResourceName, 'spec.extendedResourceName')),
  ];
}

/** A resource of another's domain, as pods would ask for it without claims (KEP-5004). */
function validateExtendedName(name: string, field: string): FieldError[] {
  const extended = name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.');
  return extended ? invalidEach(field, name, qualifiedName(name)) : [invalid(field, name, 'must be a valid extended resource name')];
}

export const deviceClasses = defineResource<DeviceClass>({
  group: 'resource.k8s.io', version: 'v1', kind: 'DeviceClass', plural: 'deviceclasses', namespaced: false,
  codec: codecFor<DeviceClass>('k8s.io.api.resource.v1.DeviceClass'),
  ...countedGeneration<DeviceClass>(),
  validateCreate: (deviceClass) => [...validateMeta(deviceClass, meta), ...validate(deviceClass)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  columns: [nameColumn, ageColumn],
});
