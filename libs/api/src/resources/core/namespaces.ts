import type { Namespace } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import type { FieldError } from '../../resource';
import { invalid, notSupported } from '../../validation/field-error';
import { labelName, validateFinalizers, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

/** Each namespace carries its name as a label, so that selectors can name it (KEP-2161). */
const nameLabel = 'kubernetes.io/metadata.name';
const kubernetesFinalizer = 'kubernetes';
const meta = { namespaced: false, name: labelName };

function setDefaults(namespace: Namespace): void {
  const { metadata } = namespace;
  if (metadata?.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.labels?.[nameLabel] ?? metadata.name };
  namespace.status = { ...namespace.status, phase: namespace.status?.phase ?? 'Active' };
}

function prepareForCreate(namespace: Namespace): void {
  const finalizers = namespace.spec?.finalizers ?? [];
  namespace.spec = { ...namespace.spec, finalizers: finalizers.includes(kubernetesFinalizer) ? finalizers : [...finalizers, kubernetesFinalizer] };
  namespace.status = { phase: 'Active' };
}

function validateNameLabel({ metadata }: Namespace): FieldError[] {
  const value = metadata?.labels?.[nameLabel];
  return value === undefined || value === metadata?.name ? [] : [invalid(`metadata.labels[${nameLabel}]`, value, `must be ${metadata?.name}`)];
}

function validate(namespace: Namespace): FieldError[] {
  return [...validateNameLabel(namespace), ...validateFinalizers(namespace.spec?.finalizers ?? [], 'spec.finalizers')];
}

function validateStatus(next: Namespace, previous: Namespace): FieldError[] {
  const errors = validateMetaUpdate(next, previous, meta);
  const phase = next.status?.phase;
  const deleting = next.metadata?.deletionTimestamp !== undefined;
  if (deleting && phase !== 'Terminating') errors.push(invalid('status.phase', phase ?? '', 'may only be \'Terminating\' if `deletionTimestamp` is not empty'));
  if (!deleting && phase !== 'Active') {
    errors.push(phase === 'Terminating' ? invalid('status.phase', phase, "may only be 'Active' if `deletionTimestamp` is empty") : notSupported('status.phase', phase ?? '', ['Active', 'Terminating']));
  }
  return errors;
}

/** Spec changes only through finalize. */
export const namespaces = defineResource<Namespace>({
  group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', shortNames: ['ns'], namespaced: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'], subresources: ['finalize', 'status'],
  codec: codecFor<Namespace>('k8s.io.api.core.v1.Namespace'),
  setDefaults, prepareForCreate,
  prepareForUpdate(next, previous) {
    next.spec = previous.spec;
    next.status = previous.status;
  },
  validateCreate: (namespace) => [...validateMeta(namespace, meta), ...validate(namespace)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  status: statusStrategy(validateStatus),
  fieldSelectors: { 'status.phase': ({ status }) => status?.phase ?? '', name: ({ metadata }) => metadata?.name ?? '' },
  columns: [nameColumn, { name: 'Status', type: 'string', description: 'The status of the namespace', value: ({ status }) => status?.phase ?? '' }, ageColumn],
});
