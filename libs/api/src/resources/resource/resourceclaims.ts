import type { ResourceClaim } from '@navarch/proto/k8s/io/api/resource/v1/resource';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { setClaimDefaults, validateClaimSpec } from '../../validation/device-claim';
import { forbidden, required, tooMany } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { duplicates } from '../../validation/repeats';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };
const maxConsumers = 256;

/** What was allocated stays until it is given back whole; consumers come only while the claim is to live. */
function validateStatus(next: ResourceClaim, previous: ResourceClaim): FieldError[] {
  const { allocation, reservedFor = [] } = next.status ?? {};
  const field = 'status.reservedFor';
  const uids = reservedFor.map(({ uid = '' }) => uid);
  const known = new Set(previous.status?.reservedFor?.map(({ uid }) => uid));
  return [
    ...validateMetaUpdate(next, previous, meta),
    ...(reservedFor.length > maxConsumers ? [tooMany(field, reservedFor.length, maxConsumers)] : []),
    ...reservedFor.flatMap((consumer, index) => (['resource', 'name', 'uid'] as const).flatMap((member) => (consumer[member] ? [] : [required(`${field}[${index}].${member}`)]))),
    ...duplicates(field, uids),
    ...(reservedFor.length > 0 && !allocation ? [forbidden(field, 'may not be specified when `allocated` is not set')] : []),
    ...(next.metadata?.deletionTimestamp && uids.some((uid) => !known.has(uid)) ? [forbidden(field, 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set')] : []),
    ...(allocation && previous.status?.allocation ? unchanged('status.allocation', allocation, previous.status.allocation) : []),
  ];
}

function stateText({ metadata, status }: ResourceClaim): string {
  const deleted = metadata?.deletionTimestamp !== undefined;
  if (!status?.allocation) return deleted ? 'deleted' : 'pending';
  return [...(deleted ? ['deleted'] : []), 'allocated', ...(status.reservedFor?.length ? ['reserved'] : [])].join(',');
}

export const resourceClaims = defineResource<ResourceClaim>({
  group: 'resource.k8s.io', version: 'v1', kind: 'ResourceClaim', plural: 'resourceclaims', namespaced: true, subresources: ['status'],
  codec: codecFor<ResourceClaim>('k8s.io.api.resource.v1.ResourceClaim'),
  setDefaults: ({ spec }) => setClaimDefaults(spec),
  ...statusOnly<ResourceClaim>(),
  validateCreate: (claim) => [...validateMeta(claim, meta), ...validateClaimSpec(claim.spec, 'spec')],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...unchanged('spec', next.spec, previous.spec)],
  status: statusStrategy(validateStatus),
  columns: [nameColumn, { name: 'State', type: 'string', description: 'How far the claim has come.', value: stateText }, ageColumn],
});
