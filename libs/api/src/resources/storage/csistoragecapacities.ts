import type { CSIStorageCapacity } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { compareQuantity } from '../../scalars/quantity';
import { invalid, invalidEach } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { dnsSubdomain } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateLabelSelector } from '../../validation/scheduling';
import { nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };

function validate({ nodeTopology, storageClassName = '', capacity, maximumVolumeSize }: CSIStorageCapacity): FieldError[] {
  return [
    ...validateLabelSelector(nodeTopology, 'nodeTopology'), ...invalidEach('storageClassName', storageClassName, dnsSubdomain(storageClassName)),
    ...Object.entries({ capacity, maximumVolumeSize }).flatMap(([field, amount]) =>
      (amount && compareQuantity(amount, undefined) < 0 ? [invalid(field, amount.string, 'must be greater than or equal to 0')] : [])),
  ];
}

export const csiStorageCapacities = defineResource<CSIStorageCapacity>({
  group: 'storage.k8s.io', version: 'v1', kind: 'CSIStorageCapacity', plural: 'csistoragecapacities', namespaced: true,
  codec: codecFor<CSIStorageCapacity>('k8s.io.api.storage.v1.CSIStorageCapacity'),
  validateCreate: (capacity) => [...validateMeta(capacity, meta), ...validate(capacity)],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validate(next),
    ...unchanged('nodeTopology', next.nodeTopology, previous.nodeTopology), ...unchanged('storageClassName', next.storageClassName, previous.storageClassName),
  ],
  columns: [
    nameColumn,
    { name: 'StorageClassName', type: 'string', description: 'The class of the volumes that fit.', value: ({ storageClassName }) => storageClassName ?? '' },
    { name: 'Capacity', type: 'string', description: 'How much there is.', value: ({ capacity }) => capacity?.string ?? '<unset>' },
  ],
});
