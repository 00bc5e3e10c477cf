import type { Scale } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';

import type { ApiObject, ScaleView } from '../resource';

type Scalable = ApiObject & { spec?: { replicas?: number | undefined } | undefined; status?: { replicas?: number | undefined } | undefined };

/** The size of a kind whose spec and status count `replicas`. `selector` gives its pods' selector as text. */
export function replicasScale<T extends Scalable>(selector: (object: T) => string): ScaleView<T> {
  return {
    read({ metadata: { name, namespace, uid, resourceVersion, creationTimestamp } = {}, ...object }): Scale {
      return {
        metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
        spec: { replicas: object.spec?.replicas || undefined },
        status: { replicas: object.status?.replicas || undefined, selector: selector(object as T) || undefined },
      };
    },
    write: (object, replicas) => ({ ...object, spec: { ...object.spec, replicas } }),
  };
}
