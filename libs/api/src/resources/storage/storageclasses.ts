import type { TopologySelectorTerm } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { StorageClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { duplicate, invalidEach, oneOf, oneOfIfSet, required } from '../../validation/field-error';
import { noUpdates, unchanged } from '../../validation/immutable';
import { qualifiedName } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { duplicates } from '../../validation/repeats';
import { validateParameters, validateProvisioner } from '../../validation/storage';
import { ageColumn, defaultMarkedName, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };
const defaultAnnotation = 'storageclass.kubernetes.io/is-default-class';
const bindingModes = ['Immediate', 'WaitForFirstConsumer'];

function validate(storageClass: StorageClass): FieldError[] {
  const { provisioner = '', parameters = {}, reclaimPolicy, volumeBindingMode, allowedTopologies = [] } = storageClass;
  return [
    ...validateProvisioner('provisioner', provisioner), ...validateParameters('parameters', parameters),
    ...oneOfIfSet('reclaimPolicy', reclaimPolicy, ['Delete', 'Retain']),
    ...oneOf('volumeBindingMode', volumeBindingMode, bindingModes),
    ...validateTopologies(allowedTopologies, 'allowedTopologies'),
  ];
}

/** Requirements by key; no two terms may say the same. */
function validateTopologies(terms: readonly TopologySelectorTerm[], field: string): FieldError[] {
  const seen = new Set<string>();
  return terms.flatMap((term, index) => {
    const at = `${field}[${index}].matchLabelExpressions`;
    const errors = validateTerm(term, at);
    const meaning = JSON.stringify((term.matchLabelExpressions ?? []).map(({ key = '', values = [] }) => [key, ...[...new Set(values)].sort()]).sort());
    if (seen.has(meaning)) errors.push(duplicate(at, ''));
    seen.add(meaning);
    return errors;
  });
}

function validateTerm({ matchLabelExpressions = [] }: TopologySelectorTerm, field: string): FieldError[] {
  const keys = new Set<string>();
  return matchLabelExpressions.flatMap(({ key = '', values = [] }, index) => {
    const at = `${field}[${index}]`;
    const errors = values.length === 0 ? [required(`${at}.values`)] : duplicates(`${at}.values`, values);
    if (keys.has(key)) errors.push(duplicate(`${at}.key`, key));
    keys.add(key);
    return [...errors, ...invalidEach(`${at}.key`, key, qualifiedName(key))];
  });
}

export const storageClasses = defineResource<StorageClass>({
  group: 'storage.k8s.io', version: 'v1', kind: 'StorageClass', plural: 'storageclasses', shortNames: ['sc'], namespaced: false,
  codec: codecFor<StorageClass>('k8s.io.api.storage.v1.StorageClass'),
  setDefaults(storageClass) {
    storageClass.reclaimPolicy ??= 'Delete';
    storageClass.volumeBindingMode ??= 'Immediate';
  },
  validateCreate: (storageClass) => [...validateMeta(storageClass, meta), ...validate(storageClass)],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validate(next),
    ...noUpdates('parameters', next.parameters, previous.parameters), ...noUpdates('provisioner', next.provisioner, previous.provisioner),
    ...noUpdates('reclaimPolicy', next.reclaimPolicy, previous.reclaimPolicy),
    ...unchanged('volumeBindingMode', next.volumeBindingMode, previous.volumeBindingMode),
  ],
  columns: [
    { ...nameColumn, value: defaultMarkedName(defaultAnnotation) },
    { name: 'Provisioner', type: 'string', description: 'Who makes the volumes of this class.', value: ({ provisioner }) => provisioner ?? '' },
    { name: 'ReclaimPolicy', type: 'string', description: 'What becomes of a volume that is no longer claimed.', value: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete' },
    { name: 'VolumeBindingMode', type: 'string', description: 'When claims are bound: at once, or for their first pod.', value: ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate' },
    { name: 'AllowVolumeExpansion', type: 'string', description: 'Whether volumes can grow.', value: ({ allowVolumeExpansion }) => allowVolumeExpansion === true },
    ageColumn,
  ],
});

/** What volumes of directories on nodes are made by, and the class that is the default of every cluster. */
export const localPathProvisioner = 'navarch.io/local-path';
export const localPathClass: StorageClass = {
  metadata: { name: 'local-path', annotations: { [defaultAnnotation]: 'true' } },
  provisioner: localPathProvisioner, reclaimPolicy: 'Delete', volumeBindingMode: 'WaitForFirstConsumer',
};
