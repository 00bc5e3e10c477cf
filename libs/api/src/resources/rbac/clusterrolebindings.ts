import type { ClusterRoleBinding } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { pathSegmentName } from '../../validation/names';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { rbacGroup, setBindingDefaults, validateBinding, validateSameRole } from '../../validation/rbac';
import { bindingColumns } from './binding-columns';

const meta = { namespaced: false, name: pathSegmentName };
const validate = (binding: ClusterRoleBinding): FieldError[] => validateBinding(binding, ['ClusterRole'], false);

export const clusterRoleBindings = defineResource<ClusterRoleBinding>({
  group: rbacGroup, version: 'v1', kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', namespaced: false,
  codec: codecFor<ClusterRoleBinding>('k8s.io.api.rbac.v1.ClusterRoleBinding'),
  setDefaults: setBindingDefaults,
  validateCreate: (binding) => [...validateMeta(binding, meta), ...validate(binding)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next), ...validateSameRole(next, previous)],
  columns: bindingColumns,
});
