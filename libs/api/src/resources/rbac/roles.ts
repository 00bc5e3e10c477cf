import type { Role } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { pathSegmentName } from '../../validation/names';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { rbacGroup, validateRules } from '../../validation/rbac';
import { createdAtColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: pathSegmentName };

export const roles = defineResource<Role>({
  group: rbacGroup, version: 'v1', kind: 'Role', plural: 'roles', namespaced: true,
  codec: codecFor<Role>('k8s.io.api.rbac.v1.Role'),
  validateCreate: (role) => [...validateMeta(role, meta), ...validateRules(role.rules, true)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateRules(next.rules, true)],
  columns: [nameColumn, createdAtColumn],
});
