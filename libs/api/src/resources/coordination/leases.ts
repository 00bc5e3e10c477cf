import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { forbidden, invalid, required } from '../../validation/field-error';
import { qualifiedName } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };
const strategies = ['OldestEmulationVersion'];

function validate({ spec = {} }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { holderIdentity, leaseDurationSeconds, leaseTransitions, strategy, preferredHolder } = spec;
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) errors.push(invalid('spec.leaseDurationSeconds', leaseDurationSeconds, 'must be greater than 0'));
  if (leaseTransitions !== undefined && leaseTransitions < 0) errors.push(invalid('spec.leaseTransitions', leaseTransitions, 'must be greater than or equal to 0'));
  if (strategy !== undefined) errors.push(...strategyErrors(strategy));
  if (preferredHolder && !strategy) errors.push(forbidden('spec.preferredHolder', 'may only be specified if `strategy` is defined'));
  if (strategy && holderIdentity === '') errors.push(required('spec.holderIdentity', 'must not be empty'));
  return errors;
}

function strategyErrors(strategy: string): FieldError[] {
  if (strategies.includes(strategy)) return [];
  return strategy.includes('/') ? qualifiedName(strategy).map((complaint) => invalid('spec.strategy', strategy, complaint))
    : [invalid('spec.strategy', strategy, 'must be one of the known strategies or a qualified name with a domain')];
}

export const leases = defineResource<Lease>({
  group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', namespaced: true,
  codec: codecFor<Lease>('k8s.io.api.coordination.v1.Lease'),
  validateCreate: (lease) => [...validateMeta(lease, meta), ...validate(lease)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  // A renewal is a sign of life; no work follows from it.
  changesWanted: () => false,
  columns: [nameColumn, { name: 'Holder', type: 'string', description: 'holderIdentity contains the identity of the holder of a current lease.', value: ({ spec }) => spec?.holderIdentity ?? '' }, ageColumn],
});
