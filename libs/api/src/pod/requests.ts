import type { Container, PodSpec, ResourceRequirements } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import { addQuantity, maxQuantity } from '../scalars/quantity';

export type ResourceList = { [resource: string]: Quantity };

type Kind = 'requests' | 'limits';

/** What a scheduler must find free for the pod, and what the node reserves: see resourcesOf. */
export function podRequests(spec: PodSpec): ResourceList {
  return resourcesOf(spec, 'requests');
}

/** The pod's limits by the same rule; a resource that some container does not limit is in it all the same. */
export function podLimits(spec: PodSpec): ResourceList {
  return resourcesOf(spec, 'limits');
}

/**
 * The greater of: all containers and sidecars together; any init container beside the sidecars started before it
 * (KEP-753). Pod-level resources take the place of that for the resources they name (KEP-2837). Overhead comes on top,
 * for limits only where there is one.
 */
function resourcesOf(spec: PodSpec, kind: Kind): ResourceList {
  let total = sum((spec.containers ?? []).map((container) => container.resources?.[kind]));
  let sidecars: ResourceList = {};
  let initPeak: ResourceList = {};
  for (const container of spec.initContainers ?? []) {
    const own = container.resources?.[kind] ?? {};
    if (isSidecar(container)) {
      sidecars = sum([sidecars, own]);
      total = sum([total, own]);
      initPeak = peak(initPeak, sidecars);
    } else {
      initPeak = peak(initPeak, sum([sidecars, own]));
    }
  }
  const needed = { ...peak(total, initPeak), ...podLevel(spec.resources, kind) };
  for (const [name, amount] of Object.entries(spec.overhead ?? {})) {
    if (kind === 'requests' || needed[name]) needed[name] = addQuantity(needed[name], amount);
  }
  return needed;
}

/** An init container that keeps running beside the others. */
export function isSidecar(container: Pick<Container, 'restartPolicy'>): boolean {
  return container.restartPolicy === 'Always';
}

/** Only these may stand at the pod. */
function podLevel(resources: ResourceRequirements | undefined, kind: Kind): ResourceList {
  return Object.fromEntries(Object.entries(resources?.[kind] ?? {}).filter(([name]) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')));
}

function sum(lists: readonly (ResourceList | undefined)[]): ResourceList {
  const total: ResourceList = {};
  for (const list of lists) for (const name in list) total[name] = total[name] ? addQuantity(total[name], list[name]) : (list[name] as Quantity);
  return total;
}

function peak(left: ResourceList, right: ResourceList): ResourceList {
  const result = { ...left };
  for (const name in right) result[name] = result[name] ? maxQuantity(result[name], right[name]) : (right[name] as Quantity);
  return result;
}
