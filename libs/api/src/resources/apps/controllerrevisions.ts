import type { ControllerRevision } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource } from '../../define-resource';
import { controllerOf } from '../../meta/owner-reference';
import type { FieldError } from '../../resource';
import { nonNegative, required } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const codec = codecFor<ControllerRevision>('k8s.io.api.apps.v1.ControllerRevision');
const meta = { namespaced: true, name: subdomainName };

function validate({ data, revision }: ControllerRevision): FieldError[] {
  return [...(data ? [] : [required('data', 'data is mandatory')]), ...nonNegative('revision', revision)];
}

/** Whoever sends it as JSON may arrange and escape it in another way. */
function sameJson(next: ControllerRevision, previous: ControllerRevision): boolean {
  return deepEqual(codec.toJson(next).data, codec.toJson(previous).data);
}

/** As a person would type the controller: statefulset.apps/web. */
function controllerText(revision: ControllerRevision): string {
  const controller = controllerOf(revision);
  if (!controller) return '<none>';
  const { apiVersion = '', kind = '', name = '' } = controller;
  const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0] ?? ''}` : '';
  return `${kind.toLowerCase()}${group}/${name}`;
}

export const controllerRevisions = defineResource<ControllerRevision>({
  group: 'apps', version: 'v1', kind: 'ControllerRevision', plural: 'controllerrevisions', namespaced: true,
  codec,
  validateCreate: (revision) => [...validateMeta(revision, meta), ...validate(revision)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next), ...(sameJson(next, previous) ? [] : unchanged('data', next.data, previous.data))],
  columns: [
    nameColumn,
    { name: 'Controller', type: 'string', description: 'Whose history it belongs to.', value: controllerText },
    { name: 'Revision', type: 'string', description: 'Its place in that history.', value: ({ revision }) => revision ?? 0 },
    ageColumn,
  ],
});
