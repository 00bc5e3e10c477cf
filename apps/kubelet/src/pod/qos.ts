import { compareQuantity, quantity } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

/** Kubernetes' rule over cpu and memory of all containers: limits equal to requests everywhere, none at all, or in between. */
export function qosClassOf(pod: Pod): QosClass {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const zero = quantity('0');
  let any = false;
  let guaranteed = containers.length > 0;
  for (const { resources } of containers) {
    for (const name of ['cpu', 'memory']) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if ([limit, request].some((value) => value && compareQuantity(value, zero) > 0)) any = true;
      if (!limit || !request || compareQuantity(limit, request) !== 0 || compareQuantity(limit, zero) === 0) guaranteed = false;
    }
  }
  return !any ? 'BestEffort' : guaranteed ? 'Guaranteed' : 'Burstable';
}
