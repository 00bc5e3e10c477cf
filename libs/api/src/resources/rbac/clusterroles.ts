import type { ClusterRole } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { required } from '../../validation/field-error';
import { pathSegmentName } from '../../validation/names';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { rbacGroup, validateRules } from '../../validation/rbac';
import { validateLabelSelector } from '../../validation/scheduling';
import { createdAtColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: pathSegmentName };

/** Rules, and where the role gathers those of others, by which labels. */
function validate({ rules, aggregationRule }: ClusterRole): FieldError[] {
  const errors = validateRules(rules, false);
  if (!aggregationRule) return errors;
  const field = 'aggregationRule.clusterRoleSelectors';
  const selectors = aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) errors.push(required(field, 'at least one clusterRoleSelector required if aggregationRule is non-nil'));
  return [...errors, ...selectors.flatMap((selector, index) => validateLabelSelector(selector, `${field}[${index}]`))];
}

export const clusterRoles = defineResource<ClusterRole>({
  group: rbacGroup, version: 'v1', kind: 'ClusterRole', plural: 'clusterroles', namespaced: false,
  codec: codecFor<ClusterRole>('k8s.io.api.rbac.v1.ClusterRole'),
  validateCreate: (role) => [...validateMeta(role, meta), ...validate(role)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  columns: [nameColumn, createdAtColumn],
});
