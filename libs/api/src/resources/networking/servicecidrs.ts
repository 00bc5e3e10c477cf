import type { ServiceCIDR } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { canonicalCidr } from '../../validation/canonical-ip';
import { invalid, invalidEach, required } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };
const field = 'spec.cidrs';

function validate({ spec }: ServiceCIDR): FieldError[] {
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) return [required(field, 'at least one CIDR required')];
  if (cidrs.length > 2) return [invalid(field, spec, 'may only hold up to 2 values')];
  const errors = cidrs.flatMap((cidr, index) => invalidEach(`${field}[${index}]`, cidr, canonicalCidr(cidr)));
  const [first, second] = cidrs.map((cidr) => cidr.includes(':'));
  if (errors.length === 0 && first === second) errors.push(invalid(field, cidrs, 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'));
  return errors;
}

/** A second family may come to the first; all else stays. */
function validateRanges(next: ServiceCIDR, previous: ServiceCIDR): FieldError[] {
  const after = next.spec?.cidrs ?? [];
  const before = previous.spec?.cidrs ?? [];
  if (after.length === before.length) return before.flatMap((cidr, index) => unchanged(`${field}[${index}]`, after[index], cidr));
  if (before.length === 1 && after.length === 2) return [...unchanged(`${field}[0]`, after[0], before[0]), ...validate(next)];
  return unchanged(field, after, before);
}

export const serviceCidrs = defineResource<ServiceCIDR>({
  group: 'networking.k8s.io', version: 'v1', kind: 'ServiceCIDR', plural: 'servicecidrs', namespaced: false, subresources: ['status'],
  codec: codecFor<ServiceCIDR>('k8s.io.api.networking.v1.ServiceCIDR'),
  ...statusOnly<ServiceCIDR>(),
  validateCreate: (range) => [...validateMeta(range, meta), ...validate(range)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateRanges(next, previous)],
  status: statusStrategy<ServiceCIDR>((next, previous) => validateMetaUpdate(next, previous, meta)),
  columns: [nameColumn, { name: 'CIDRs', type: 'string', description: 'The ranges that Services get their addresses from.', value: ({ spec }) => (spec?.cidrs ?? []).join(',') }, ageColumn],
});
