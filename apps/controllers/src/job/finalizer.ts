import { isNotFound } from '@navarch/base';
import type { Informer, ReconcileContext, ResourceClient } from '@navarch/client';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { trackingFinalizer } from './execution/tracked-pods';

export interface FinalizerDependencies {
  readonly client: ResourceClient<Pod>;
  readonly informer: Informer<Pod>;
  readonly wrote: ReconcileContext['wrote'];
}

/**
 * Gives the pod the job's finalizer, or takes it away, if it is as it was read: Conflict otherwise. Answers the pod as it then is;
 * undefined where it is gone.
 */
export async function setFinalizer({ client, informer, wrote }: FinalizerDependencies, pod: Pod, wanted: boolean): Promise<Pod | undefined> {
  const { namespace = '', name = '', uid = '', resourceVersion = '', finalizers = [] } = pod.metadata ?? {};
  if (finalizers.includes(trackingFinalizer) === wanted) return pod;
  const next = wanted ? [...finalizers, trackingFinalizer] : finalizers.filter((finalizer) => finalizer !== trackingFinalizer);
  try {
    const patched = await client.patch(namespace, name, 'application/merge-patch+json', { metadata: { uid, resourceVersion, finalizers: next.length > 0 ? next : null } });
    await wrote(informer, patched);
    return patched;
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}
