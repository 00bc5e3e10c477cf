import { isPodReady } from '@navarch/api';
import type { DaemonSetStatus } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isAvailable } from '../workload/pod-state';
import { hashLabel } from './daemon-pod';
import type { DaemonSetView, Places } from './plan-daemon-set';

/**
 * What the set says of itself, in the form that decoding gives (zeros are absent). A node counts as updated when no pod of an older
 * revision is left on it; conditions are the caller's.
 */
export function statusOf({ set, hash, nowMs }: DaemonSetView, { places }: Places, collisionCount: number): DaemonSetStatus {
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const wanted = places.filter((place) => place.wanted);
  const having = (matches: (pods: readonly Pod[]) => boolean): number => wanted.filter(({ pods }) => pods.length > 0 && matches(pods)).length;
  const available = having((pods) => pods.some((pod) => isAvailable(pod, minReadySeconds, nowMs)));
  const counts = {
    observedGeneration: set.metadata?.generation ?? 0,
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: having(() => true),
    numberMisscheduled: places.filter((place) => !place.wanted && place.pods.length > 0).length,
    numberReady: having((pods) => pods.some(isPodReady)),
    updatedNumberScheduled: having((pods) => pods.every(({ metadata }) => metadata?.labels?.[hashLabel] === hash)),
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  };
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0)),
    ...((collisionCount > 0 || set.status?.collisionCount !== undefined) && { collisionCount }),
  };
}
