import { isPodReady, isSidecar, timeToMs } from '@navarch/api';
import type { ContainerStatus, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { isActive, readySinceMs } from './pod-state';

/** What a pod says about the price of deleting it: cheaper ones go first. */
const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/** Answers less than 0 where `left` goes first. */
type Order = (left: Ranked, right: Ranked) => number;

interface Ranked {
  readonly pod: Pod;
  /** How many pods share its node. */
  readonly neighbours: number;
}

/**
 * The pods, those first that go first when there are too many, in the order of Kubernetes' ReplicaSet controller: without a
 * node, pending, not ready, cheaper by annotation, with more neighbours, ready for a shorter time, restarted more
 * often, younger. Times differ only by their magnitude (KEP-2185: by the logarithm), so that it is not always the latest
 * that goes. `related` are the pods whose spread counts; the pods themselves unless told.
 */
export function deletionOrder(pods: readonly Pod[], nowMs: number, related: readonly Pod[] = pods): Pod[] {
  const onNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName;
    if (node && isActive(pod)) onNode.set(node, (onNode.get(node) ?? 0) + 1);
  }
  const orders = ordersAt(nowMs);
  const ranked = pods.map((pod): Ranked => ({ pod, neighbours: onNode.get(pod.spec?.nodeName ?? '') ?? 0 }));
  ranked.sort((left, right) => {
    for (const order of orders) {
      const difference = order(left, right);
      if (difference !== 0) return difference;
    }
    return 0;
  });
  return ranked.map(({ pod }) => pod);
}

const phases: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

function ordersAt(nowMs: number): readonly Order[] {
  const by = (rank: (ranked: Ranked) => number): Order => (left, right) => rank(left) - rank(right);
  const youngest = (sinceMs: (pod: Pod) => number | undefined): Order => (left, right) => {
    const [a, b] = [sinceMs(left.pod), sinceMs(right.pod)];
    if (a === b) return 0;
    // Nobody knows since when: as if just now.
    if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
    const difference = magnitude(nowMs - a) - magnitude(nowMs - b);
    return difference !== 0 ? difference : compareText(left.pod.metadata?.uid, right.pod.metadata?.uid);
  };
  return [
    by(({ pod }) => (pod.spec?.nodeName ? 1 : 0)),
    by(({ pod }) => phases[pod.status?.phase ?? 'Pending'] ?? 0),
    by(({ pod }) => (isPodReady(pod) ? 1 : 0)),
    by(({ pod }) => deletionCost(pod)),
    by(({ neighbours }) => -neighbours),
    youngest(readySinceMs),
    by(({ pod }) => -mostRestarts(pod, false)),
    by(({ pod }) => -mostRestarts(pod, true)),
    youngest(({ metadata }) => timeToMs(metadata?.creationTimestamp)),
  ];
}

function magnitude(ageMs: number): number {
  return ageMs > 0 ? Math.trunc(Math.log2(ageMs * 1e6)) : -1;
}

const compareText = (left = '', right = ''): number => (left < right ? -1 : left > right ? 1 : 0);

/** 0 where it says none, or something that is no 32-bit number. */
export function deletionCost({ metadata }: Pod): number {
  const text = metadata?.annotations?.[costAnnotation] ?? '';
  const cost = /^(0|-?[1-9]\d{0,9})$/.test(text) ? Number(text) : 0;
  return cost === (cost | 0) ? cost : 0;
}

function mostRestarts({ spec, status }: Pod, ofSidecars: boolean): number {
  const sidecars = new Set((spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const counted: readonly ContainerStatus[] = ofSidecars ? (status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)) : (status?.containerStatuses ?? []);
  return Math.max(0, ...counted.map(({ restartCount = 0 }) => restartCount));
}
