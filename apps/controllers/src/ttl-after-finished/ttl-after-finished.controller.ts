/** Deletes finished Jobs when their ttlSecondsAfterFinished is over (KEP-592), and with them their pods. */
import { jobs, timeToMs } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import { startController, watching } from '@navarch/client';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import type { StartController } from '../dependencies';
import { isFinished } from '../job/execution/conditions';
import { keyOf } from '../workload/owned';

/** Milliseconds until the job is to go: 0 when it is time; undefined where it stays. */
export function msToLive(job: Job, nowMs: number): number | undefined {
  const { ttlSecondsAfterFinished: ttl } = job.spec ?? {};
  if (ttl === undefined || !isFinished(job) || job.metadata?.deletionTimestamp) return undefined;
  const end = job.status?.conditions?.find(({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True');
  const endMs = timeToMs(end?.lastTransitionTime);
  return endMs === undefined ? undefined : Math.max(0, endMs + ttl * 1_000 - nowMs);
}

export const startTtlAfterFinished: StartController = ({ client, clock, random, logger, informers, observe }, signal) =>
  startController({
    name: 'ttl-after-finished', clock, random, logger, signal, concurrency: 4, ...(observe && { observe }),
    watches: [watching(informers.jobs, { keys: (job) => [keyOf(job)], when: ({ type, object }) => type !== 'DELETED' && object.spec?.ttlSecondsAfterFinished !== undefined })],
    reconcile: async ({ namespace, name }, { wrote, logger: log }) => {
      const cached = informers.jobs.get(namespace, name);
      const leftMs = cached && msToLive(cached, clock.now());
      if (leftMs === undefined) return {};
      if (leftMs > 0) return { requeueAfterMs: leftMs };
      try {
        // Its time may have been prolonged a moment ago: what counts is the job as it is now.
        const job = await client.resource(jobs).get(namespace, name);
        const stillMs = msToLive(job, clock.now());
        if (stillMs === undefined) return {};
        if (stillMs > 0) return { requeueAfterMs: stillMs };
        const { uid = '', resourceVersion = '' } = job.metadata ?? {};
        await wrote(informers.jobs, await client.resource(jobs).delete(namespace, name, { deleteOptions: { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } } }));
        log.info('job deleted: its time after finishing is over', { job: name });
      } catch (thrown) {
        if (!isNotFound(thrown)) throw thrown;
      }
      return {};
    },
  });
