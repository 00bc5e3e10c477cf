import type { Container, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { compareQuantity, isZeroQuantity } from '../scalars/quantity';
import type { ResourceList } from './requests';

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort';

const counted = ['cpu', 'memory'] as const;

/** Guaranteed: cpu and memory limited everywhere and requested to the limit. BestEffort: neither anywhere. */
export function qosClassOf(spec: PodSpec): QosClass {
  if (spec.resources && counted.some((name) => isSet(spec.resources?.requests, name) || isSet(spec.resources?.limits, name))) {
    return isGuaranteed([spec]) ? 'Guaranteed' : 'Burstable';
  }
  const containers: Pick<Container, 'resources'>[] = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  if (!containers.some(({ resources }) => counted.some((name) => isSet(resources?.requests, name) || isSet(resources?.limits, name)))) return 'BestEffort';
  return isGuaranteed(containers) ? 'Guaranteed' : 'Burstable';
}

function isSet(list: ResourceList | undefined, name: string): boolean {
  return list?.[name] !== undefined && !isZeroQuantity(list[name]);
}

function isGuaranteed(holders: readonly Pick<Container, 'resources'>[]): boolean {
  return holders.every(({ resources }) => counted.every((name) =>
    isSet(resources?.limits, name) && compareQuantity(resources?.requests?.[name] ?? resources?.limits?.[name], resources?.limits?.[name]) === 0));
}
