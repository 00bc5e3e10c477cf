import type { ServiceAccount } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };

export const serviceAccounts = defineResource<ServiceAccount>({
  group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', shortNames: ['sa'], namespaced: true,
  subresources: ['token'],
  codec: codecFor<ServiceAccount>('k8s.io.api.core.v1.ServiceAccount'),
  validateCreate: (account) => validateMeta(account, meta),
  validateUpdate: (next, previous) => validateMetaUpdate(next, previous, meta),
  columns: [nameColumn, ageColumn],
});
