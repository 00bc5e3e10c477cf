import type { PodGroups, PodReadings } from './pod-groups';

/** How far a ratio may be from 1 without anything being done. */
export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

export const isTolerated = (ratio: number, { up, down }: Tolerances): boolean => 1 - down <= ratio && ratio <= 1 + up;

/** One kind of figure against its target: how pods without a figure are assumed to do, and what the figures come to. */
export interface Scoring {
  /** Present by target. */
  ratio(millis: ReadonlyMap<string, number>): number;
  /** What a missing pod is taken to use when there is too little to do, lest too many go. */
  assumed(pod: string): number;
}

/** Every pod's figure against one amount, in thousandths. */
export function averageScoring(targetMilli: number): Scoring {
  return { ratio: (millis) => average(millis) / targetMilli, assumed: () => targetMilli };
}

/** The pods' figures as a share of what they request, in percent. */
export function utilizationScoring(targetPercent: number, requests: ReadonlyMap<string, number>): Scoring {
  return {
    ratio: (millis) => utilization(millis, requests) / targetPercent,
    assumed: (pod) => (requests.get(pod) ?? 0) * Math.max(100, targetPercent) / 100,
  };
}

export function average(millis: ReadonlyMap<string, number>): number {
  return Math.floor([...millis.values()].reduce((sum, milli) => sum + milli, 0) / millis.size);
}

/** In whole percent. */
export function utilization(millis: ReadonlyMap<string, number>, requests: ReadonlyMap<string, number>): number {
  const requested = [...millis.keys()].reduce((sum, pod) => sum + (requests.get(pod) ?? 0), 0);
  const used = [...millis].reduce((sum, [pod, milli]) => sum + (requests.has(pod) ? milli : 0), 0);
  return Math.floor(used * 100 / requested);
}

/** The figures that count. */
export function counted({ ready }: PodGroups, readings: PodReadings): Map<string, number> {
  return new Map(ready.map((pod) => [pod, readings.get(pod)?.milli ?? 0]));
}

/**
 * The size by the pods' figures. What is not known is assumed against the direction of the change (missing pods do as much as wanted when
 * there is too little to do, and nothing when there is too much), and where that turns the direction round, nothing is done.
 */
export function countByPods(current: number, groups: PodGroups, readings: PodReadings, scoring: Scoring, tolerances: Tolerances): number {
  const millis = counted(groups, readings);
  const ratio = scoring.ratio(millis);
  const unreadyCount = ratio > 1 && groups.unready.length > 0;
  if (!unreadyCount && groups.missing.length === 0) return isTolerated(ratio, tolerances) ? current : Math.ceil(ratio * groups.ready.length);
  if (ratio !== 1) for (const pod of groups.missing) millis.set(pod, ratio < 1 ? scoring.assumed(pod) : 0);
  if (unreadyCount) for (const pod of groups.unready) millis.set(pod, 0);
  const careful = scoring.ratio(millis);
  if (isTolerated(careful, tolerances) || (ratio < 1 && careful > 1) || (ratio > 1 && careful < 1)) return current;
  const wanted = Math.ceil(careful * millis.size);
  return (careful < 1 && wanted > current) || (careful > 1 && wanted < current) ? current : wanted;
}

/** The size by one figure for all: `ready` pods make of it `ratio` times what is wanted. */
export function countByValue(current: number, ready: number, ratio: number, tolerances: Tolerances): number {
  if (current === 0) return Math.ceil(ratio);
  return isTolerated(ratio, tolerances) ? current : Math.ceil(ratio * ready);
}

/** The size by one figure that all pods share out among them, each `targetMilli` of it. */
export function countByShare(current: number, milli: number, targetMilli: number, tolerances: Tolerances): number {
  return current > 0 && isTolerated(milli / (targetMilli * current), tolerances) ? current : Math.ceil(milli / targetMilli);
}
