import type { Scale } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';

import { codecFor } from '../codec/codec';
import { defineResource } from '../define-resource';
import type { ApiObject, FieldError, ScaleView } from '../resource';
import { nonNegative } from '../validation/field-error';
import { ageColumn, nameColumn } from './columns';

type Scalable = ApiObject & { spec?: { replicas?: number | undefined } | undefined; status?: { replicas?: number | undefined } | undefined };

const validate = ({ spec }: Scale): FieldError[] => nonNegative('spec.replicas', spec?.replicas);

/** What the scale subresource of other kinds shows. It is a view: no registry serves it as a resource of its own. */
export const scales = defineResource<Scale>({
  group: 'autoscaling', version: 'v1', kind: 'Scale', plural: 'scales', namespaced: true, verbs: [],
  codec: codecFor<Scale>('k8s.io.api.autoscaling.v1.Scale'),
  validateCreate: validate, validateUpdate: validate,
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', description: 'Pods wanted.', value: ({ spec }) => spec?.replicas ?? 0 },
    { name: 'Available', type: 'integer', description: 'Pods there are.', value: ({ status }) => status?.replicas ?? 0 },
    ageColumn,
  ],
});

/** The size of a kind whose spec and status count `replicas`. `selector` gives its pods' selector as text. */
export function replicasScale<T extends Scalable>(selector: (object: T) => string): ScaleView<T> {
  return {
    read(object): Scale {
      const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
      return {
        metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
        spec: { replicas: object.spec?.replicas || undefined },
        status: { replicas: object.status?.replicas || undefined, selector: selector(object) || undefined },
      };
    },
    write: (object, replicas) => ({ ...object, spec: { ...object.spec, replicas } }),
  };
}
