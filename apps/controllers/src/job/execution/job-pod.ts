import { createHash } from 'node:crypto';

import { jobs } from '@navarch/api';
import type { Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Container, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { podFromTemplate } from '../../workload/pod-from-template';
import type { WantedPod } from './plan-pods';
import { failureCountKey, ignoredFailureCountKey, indexKey, trackingFinalizer } from './tracked-pods';

const indexVariable = 'JOB_COMPLETION_INDEX';
/** As in the names that the server makes: no vowels, nothing to be mistaken. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
const longestBase = 58;

/**
 * The n-th name for a pod of this job (and index). Names follow from the job's uid, so that a second controller, which believes itself
 * the leader, can only ask for a pod that is there already.
 */
function podName({ metadata }: Job, index: number | undefined, n: number): string {
  const base = `${metadata?.name}-${index === undefined ? '' : `${index}-`}`.slice(0, longestBase);
  const digest = createHash('sha256').update(`${metadata?.uid}/${index ?? ''}/${n}`).digest();
  return base + Array.from({ length: 5 }, (_, place) => alphabet[(digest[place] ?? 0) % alphabet.length]).join('');
}

/** The pods to be made, with the first names of the job that nobody bears. */
export function jobPods(job: Job, wanted: readonly WantedPod[], isTaken: (name: string) => boolean): Pod[] {
  // Each pod counted has had a name; starting there spares asking for all of them again.
  const counted = (job.status?.succeeded ?? 0) + (job.status?.failed ?? 0);
  let shared = counted;
  return wanted.map((pod) => {
    let n = pod.index === undefined ? shared : 0;
    while (isTaken(podName(job, pod.index, n))) n++;
    if (pod.index === undefined) shared = n + 1;
    return jobPod(job, podName(job, pod.index, n), pod);
  });
}

function jobPod(job: Job, name: string, { index, earlier }: WantedPod): Pod {
  const owner = { resource: jobs, object: job };
  const template = job.spec?.template;
  const pod = index === undefined ? podFromTemplate(template, owner, { name }) : podFromTemplate(template, owner, {
    name,
    labels: { [indexKey]: `${index}` },
    annotations: { [indexKey]: `${index}`, ...(earlier && { [failureCountKey]: `${earlier.counted}` }), ...(earlier && earlier.ignored > 0 && { [ignoredFailureCountKey]: `${earlier.ignored}` }) },
    spec: {
      hostname: `${job.metadata?.name}-${index}`,
      containers: withIndex(template?.spec?.containers),
      ...(template?.spec?.initContainers && { initContainers: withIndex(template.spec.initContainers) }),
    },
  });
  pod.metadata = { ...pod.metadata, finalizers: [...(pod.metadata?.finalizers ?? []), trackingFinalizer] };
  return pod;
}

/** Each container is told its pod's index; what the user has set under that name stays. */
function withIndex(containers: readonly Container[] = []): Container[] {
  const variable = { name: indexVariable, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${indexKey}']` } } };
  return containers.map((container) => {
    const copy = structuredClone(container);
    return copy.env?.some(({ name }) => name === indexVariable) ? copy : { ...copy, env: [...(copy.env ?? []), variable] };
  });
}
