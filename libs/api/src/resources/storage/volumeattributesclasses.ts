import type { VolumeAttributesClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { required } from '../../validation/field-error';
import { noUpdates } from '../../validation/immutable';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateParameters, validateProvisioner } from '../../validation/storage';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };

function validate({ driverName = '', parameters = {} }: VolumeAttributesClass): FieldError[] {
  const errors = [...validateProvisioner('driverName', driverName), ...validateParameters('parameters', parameters)];
  return Object.keys(parameters).length > 0 ? errors : [...errors, required('parameters', 'must contain at least one key/value pair')];
}

export const volumeAttributesClasses = defineResource<VolumeAttributesClass>({
  group: 'storage.k8s.io', version: 'v1', kind: 'VolumeAttributesClass', plural: 'volumeattributesclasses', shortNames: ['vac'], namespaced: false,
  codec: codecFor<VolumeAttributesClass>('k8s.io.api.storage.v1.VolumeAttributesClass'),
  validateCreate: (attributesClass) => [...validateMeta(attributesClass, meta), ...validate(attributesClass)],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta),
    ...noUpdates('driverName', next.driverName, previous.driverName), ...noUpdates('parameters', next.parameters, previous.parameters), ...validate(next),
  ],
  columns: [nameColumn, { name: 'DriverName', type: 'string', description: 'The driver that the parameters are for.', value: ({ driverName }) => driverName ?? '' }, ageColumn],
});
