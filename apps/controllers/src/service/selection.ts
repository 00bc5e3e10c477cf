import { matcherOf } from '@navarch/api';
import type { Informer } from '@navarch/client';
import type { Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';

/**
 * Which pods a Service selects, and which Services select a pod, each found by an index: a change of one pod costs what
 * the Services cost that have a label with it, however many others there are.
 */

/** Informer index of pods: every label, in its namespace. */
export const podsByLabel = ({ metadata }: Pod): readonly string[] =>
  Object.entries(metadata?.labels ?? {}).map(([key, value]) => indexValue(metadata?.namespace, key, value));

/** Informer index of Services: the first label of the selector, in its namespace; none without a selector. */
export function servicesBySelector({ metadata, spec }: Service): readonly string[] {
  const [first] = Object.entries(spec?.selector ?? {}).sort(([left], [right]) => (left < right ? -1 : 1));
  return first ? [indexValue(metadata?.namespace, ...first)] : [];
}

const indexValue = (namespace: string | undefined, key: string, value: string): string => `${namespace ?? ''}/${key}=${value}`;

export const hasSelector = ({ spec }: Service): boolean => Object.keys(spec?.selector ?? {}).length > 0;

export function servicesSelecting(services: Informer<Service>, pod: Pod): Service[] {
  const labels = pod.metadata?.labels ?? {};
  const found = podsByLabel(pod).flatMap((value) => services.by('selector', value));
  return found.filter(({ spec }) => Object.entries(spec?.selector ?? {}).every(([key, value]) => labels[key] === value));
}

/** In a stable order: by name. None for a Service without a selector, which selects nothing here. */
export function podsSelected(pods: Informer<Pod>, service: Service): Pod[] {
  const selector = Object.entries(service.spec?.selector ?? {});
  const [smallest] = selector.map(([key, value]) => pods.by('label', indexValue(service.metadata?.namespace, key, value))).sort((left, right) => left.length - right.length);
  const matcher = matcherOf({ matchLabels: service.spec?.selector ?? {} });
  const named = ({ metadata }: Pod): string => metadata?.name ?? '';
  return (smallest ?? []).filter(({ metadata }) => matcher.matches(metadata?.labels)).sort((left, right) => (named(left) < named(right) ? -1 : 1));
}
