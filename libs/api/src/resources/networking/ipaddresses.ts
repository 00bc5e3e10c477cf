import type { IPAddress } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { invalidEach, required } from '../../validation/field-error';
import { canonicalIp } from '../../validation/canonical-ip';
import { unchanged } from '../../validation/immutable';
import { dnsSubdomain, pathSegmentName } from '../../validation/names';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { requiredSegment } from '../../validation/references';
import { nameColumn } from '../columns';

/** The name is the address, in the one form by which two cannot mean the same (KEP-1880). */
const meta = { namespaced: false, name: canonicalIp };

function validate({ spec }: IPAddress): FieldError[] {
  const field = 'spec.parentRef';
  if (!spec?.parentRef) return [required(field)];
  const { group, resource, namespace, name } = spec.parentRef;
  return [
    ...(group ? invalidEach(`${field}.group`, group, dnsSubdomain(group)) : []),
    ...requiredSegment(`${field}.resource`, resource), ...requiredSegment(`${field}.name`, name),
    ...(namespace ? invalidEach(`${field}.namespace`, namespace, pathSegmentName(namespace)) : []),
  ];
}

function parentText({ spec }: IPAddress): string {
  if (!spec?.parentRef) return '<none>';
  const { group, resource = '', namespace, name = '' } = spec.parentRef;
  return [`${resource}${group ? `.${group}` : ''}`.toLowerCase(), ...(namespace ? [namespace] : []), name].join('/');
}

export const ipAddresses = defineResource<IPAddress>({
  group: 'networking.k8s.io', version: 'v1', kind: 'IPAddress', plural: 'ipaddresses', shortNames: ['ip'], namespaced: false,
  codec: codecFor<IPAddress>('k8s.io.api.networking.v1.IPAddress'),
  validateCreate: (address) => [...validateMeta(address, meta), ...validate(address)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...unchanged('spec.parentRef', next.spec?.parentRef, previous.spec?.parentRef)],
  fieldSelectors: {
    'spec.parentRef.group': ({ spec }) => spec?.parentRef?.group ?? '',
    'spec.parentRef.resource': ({ spec }) => spec?.parentRef?.resource ?? '',
    'spec.parentRef.namespace': ({ spec }) => spec?.parentRef?.namespace ?? '',
    'spec.parentRef.name': ({ spec }) => spec?.parentRef?.name ?? '',
  },
  columns: [nameColumn, { name: 'ParentRef', type: 'string', description: 'The object that the address belongs to.', value: parentText }],
});
