import { timeToMs } from '@navarch/api';
import type { ContainerStatus, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { identityOf, type PodIdentity } from '../pod/identity';
import { podCgroup } from '../pod/linux-resources';

export interface RunningContainer {
  readonly id: string;
  readonly name: string;
  readonly startedAtMs: number;
  readonly cgroup: string;
}

export interface RunningPod {
  readonly identity: PodIdentity;
  readonly startedAtMs: number | undefined;
  readonly containers: readonly RunningContainer[];
}

/** What runs, as the pods' statuses have it: pods without a running container are left out. */
export function runningPods(pods: readonly Pod[], cgroupRoot: string): RunningPod[] {
  return pods.flatMap((pod) => {
    const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [], startTime } = pod.status ?? {};
    const parent = podCgroup(cgroupRoot, pod);
    const containers = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].flatMap((status) => runningContainer(status, parent));
    return containers.length === 0 ? [] : [{ identity: identityOf(pod), startedAtMs: timeToMs(startTime), containers }];
  });
}

function runningContainer({ name = '', containerID, state }: ContainerStatus, parent: string): RunningContainer[] {
  // `containerd://<id>`
  const id = containerID?.split('://')[1];
  return id === undefined || !state?.running ? [] : [{ id, name, startedAtMs: timeToMs(state.running.startedAt) ?? 0, cgroup: `${parent}/${id}` }];
}
