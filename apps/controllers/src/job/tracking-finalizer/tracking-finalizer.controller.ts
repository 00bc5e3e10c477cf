/** Takes the tracking finalizer from pods that no job will count any more: theirs is gone, or has finished. */
import { controllerOf, jobs, pods } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import { startController, watching } from '@navarch/client';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { StartController } from '../../dependencies';
import { keyOf, ownedBy } from '../../workload/owned';
import { isFinished } from '../execution/conditions';
import { isTracked } from '../execution/tracked-pods';
import { setFinalizer } from '../finalizer';

/** Whether this job, if it is the pod's at all, has still to count it. */
export function stillCounts(job: Job | undefined, pod: Pod): boolean {
  const owner = controllerOf(pod);
  return job !== undefined && owner?.kind === 'Job' && owner.uid === job.metadata?.uid && !isFinished(job);
}

export const startTrackingFinalizer: StartController = ({ client, clock, random, logger, informers, observe }, signal) =>
  startController({
    name: 'job/tracking-finalizer', clock, random, logger, signal, concurrency: 4, ...(observe && { observe }),
    watches: [
      watching(informers.pods, { keys: (pod) => [keyOf(pod)], when: ({ type, object }) => type !== 'DELETED' && isTracked(object) }),
      watching(informers.jobs, {
        keys: (job) => ownedBy(informers.pods, job).filter(isTracked).map(keyOf),
        when: ({ type, object }) => type === 'DELETED' || isFinished(object),
      }),
    ],
    reconcile: async ({ namespace, name }, { wrote, logger: log }) => {
      const pod = informers.pods.get(namespace, name);
      if (!pod || !isTracked(pod)) return;
      const owner = controllerOf(pod)?.name ?? '';
      if (stillCounts(informers.jobs.get(namespace, owner), pod)) return;
      // The cache of jobs may be behind that of pods.
      const job = owner === '' ? undefined : await client.resource(jobs).get(namespace, owner).catch(orUndefined);
      if (stillCounts(job, pod)) return;
      await setFinalizer({ client: client.resource(pods), informer: informers.pods, wrote }, pod, false);
      log.info('pod set free: no job counts it', { pod: name, job: owner });
    },
  });

function orUndefined(thrown: unknown): undefined {
  if (isNotFound(thrown)) return undefined;
  throw thrown;
}
