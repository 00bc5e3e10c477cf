import type { RoleRef, Subject } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import type { ApiObject, Column } from '../../resource';
import { ageColumn, nameColumn } from '../columns';

type Binding = ApiObject & { readonly roleRef?: RoleRef; readonly subjects?: readonly Subject[] };

const subjectsText = (kind: string, text: (subject: Subject) => string): Column<Binding>['value'] =>
  ({ subjects = [] }) => subjects.filter((subject) => subject.kind === kind).map(text).join(', ');

/** Both bindings print alike. */
export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  { name: 'Role', type: 'string', description: 'The role that is bound.', value: ({ roleRef }) => `${roleRef?.kind ?? ''}/${roleRef?.name ?? ''}` },
  ageColumn,
  { name: 'Users', type: 'string', priority: 1, description: 'Users in the role', value: subjectsText('User', ({ name = '' }) => name) },
  { name: 'Groups', type: 'string', priority: 1, description: 'Groups in the role', value: subjectsText('Group', ({ name = '' }) => name) },
  { name: 'ServiceAccounts', type: 'string', priority: 1, description: 'Service accounts in the role', value: subjectsText('ServiceAccount', ({ namespace = '', name = '' }) => `${namespace}/${name}`) },
];
