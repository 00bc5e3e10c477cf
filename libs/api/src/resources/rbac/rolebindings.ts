import type { RoleBinding } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { pathSegmentName } from '../../validation/names';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { rbacGroup, setBindingDefaults, validateBinding, validateSameRole } from '../../validation/rbac';
import { bindingColumns } from './binding-columns';

const meta = { namespaced: true, name: pathSegmentName };
const validate = (binding: RoleBinding): FieldError[] => validateBinding(binding, ['Role', 'ClusterRole'], true);

export const roleBindings = defineResource<RoleBinding>({
  group: rbacGroup, version: 'v1', kind: 'RoleBinding', plural: 'rolebindings', namespaced: true,
  codec: codecFor<RoleBinding>('k8s.io.api.rbac.v1.RoleBinding'),
  setDefaults: setBindingDefaults,
  validateCreate: (binding) => [...validateMeta(binding, meta), ...validate(binding)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next), ...validateSameRole(next, previous)],
  columns: bindingColumns,
});
