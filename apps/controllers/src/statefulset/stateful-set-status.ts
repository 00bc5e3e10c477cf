import { isPodReady } from '@navarch/api';
import type { StatefulSetStatus } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { isAvailable } from '../workload/pod-state';
import { ordinalsOf, revisionOf } from './identity';
import { isRunning, type StatefulSetView } from './plan-stateful-set';

/**
 * What the set says of itself, in the form that decoding gives (zeros are absent). The current revision becomes the update revision when all pods
 * have it and are ready; conditions are the caller's.
 */
export function statusOf({ set, pods, currentRevision, updateRevision, nowMs }: StatefulSetView, collisionCount: number): StatefulSetStatus {
  const count = (matches: (pod: StatefulSetView['pods'][number]) => boolean): number => pods.filter(matches).length;
  const isReady = (pod: StatefulSetView['pods'][number]): boolean => isRunning(pod) && isPodReady(pod);
  const isOf = (revision: string) => (pod: StatefulSetView['pods'][number]): boolean => !pod.metadata?.deletionTimestamp && revisionOf(pod) === revision;
  const wanted = ordinalsOf(set).count;
  const [ready, updated] = [count(isReady), count(isOf(updateRevision))];
  const complete = pods.length === wanted && ready === wanted && updated === wanted;
  const counts = {
    observedGeneration: set.metadata?.generation ?? 0,
    replicas: pods.length,
    readyReplicas: ready,
    availableReplicas: count((pod) => isReady(pod) && isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs)),
    currentReplicas: complete ? updated : count(isOf(currentRevision)),
    updatedReplicas: updated,
  };
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)),
    currentRevision: complete ? updateRevision : currentRevision, updateRevision,
    ...((collisionCount > 0 || set.status?.collisionCount !== undefined) && { collisionCount }),
  };
}
