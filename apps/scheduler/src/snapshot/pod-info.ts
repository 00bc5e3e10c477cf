import { podRequests, quantityMilliValue, quantityValue } from '@navarch/api';
import type { Container, Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import { hostPortsOf, type HostPort } from './host-ports';
import type { Interner } from './interner';

/** What scoring assumes of a container that requests nothing, so that such pods spread too (Kubernetes' values). */
const unrequested = { cpu: { string: '100m' }, memory: { string: '200Mi' } };

/** Amounts by resource id: milli-units of cpu, whole units of everything else. Only what is not zero. */
export interface ResourceVector {
  readonly ids: readonly number[];
  readonly amounts: readonly number[];
}

/** A pod with what scheduling asks of it again and again, worked out once per version of the pod. */
export interface PodInfo {
  readonly pod: Pod;
  /** The pod's uid: a pod made again under the same name is another pod. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly priority: number;
  readonly schedulerName: string;
  readonly requests: ResourceVector;
  /** Requests with an assumed amount for containers without one; what cpu and memory are scored by. */
  readonly scoredCpu: number;
  readonly scoredMemory: number;
  readonly hostPorts: readonly HostPort[];
}

export interface PodResources {
  readonly requests: ResourceVector;
  readonly scoredCpu: number;
  readonly scoredMemory: number;
}

const maxRemembered = 1_000;

/** Makes PodInfos against one set of resource ids. Pods of one template share the parsed amounts. */
export class PodInfoFactory {
  private remembered = new Map<string, PodResources>();

  constructor(private readonly resources: Interner) {}

  of(pod: Pod): PodInfo {
    const { metadata, spec } = pod;
    return {
      pod, uid: metadata?.uid ?? '', namespace: metadata?.namespace ?? '', name: metadata?.name ?? '',
      priority: spec?.priority ?? 0, schedulerName: spec?.schedulerName ?? 'default-scheduler',
      ...this.resourcesOf(spec ?? {}), hostPorts: hostPortsOf(spec ?? {}),
    };
  }

  private resourcesOf(spec: PodSpec): PodResources {
    const key = JSON.stringify([spec.resources, spec.overhead, (spec.containers ?? []).map(asked), (spec.initContainers ?? []).map(asked)]);
    const known = this.remembered.get(key);
    if (known) return known;
    if (this.remembered.size >= maxRemembered) this.remembered = new Map();
    const parsed = this.parse(spec);
    this.remembered.set(key, parsed);
    return parsed;
  }

  private parse(spec: PodSpec): PodResources {
    const requests = vectorOf(podRequests(spec), this.resources);
    const scored = podRequests({ ...spec, containers: spec.containers?.map(assumeRequests), initContainers: spec.initContainers?.map(assumeRequests) });
    return { requests, scoredCpu: amountOf('cpu', scored['cpu']), scoredMemory: amountOf('memory', scored['memory']) };
  }
}

/** A quantity as the scheduler counts it, rounded up and capped where numbers stop being exact. */
export function amountOf(resource: string, quantity: Quantity | undefined): number {
  if (!quantity) return 0;
  const amount = Number(resource === 'cpu' ? quantityMilliValue(quantity) : quantityValue(quantity));
  return Math.min(amount, Number.MAX_SAFE_INTEGER);
}

function vectorOf(amounts: Readonly<Record<string, Quantity>>, resources: Interner): ResourceVector {
  const entries = Object.entries(amounts)
    .map(([name, quantity]) => [resources.intern(name), amountOf(name, quantity)] as const)
    .filter(([, amount]) => amount > 0)
    .sort(([a], [b]) => a - b);
  return { ids: entries.map(([id]) => id), amounts: entries.map(([, amount]) => amount) };
}

function asked(container: Container): unknown {
  return [container.resources?.requests, container.restartPolicy];
}

function assumeRequests(container: Container): Container {
  const requests = container.resources?.requests;
  if (requests?.['cpu'] && requests['memory']) return container;
  return { ...container, resources: { ...container.resources, requests: { ...unrequested, ...requests } } };
}

/** Pods that ended hold no resources any more. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}
