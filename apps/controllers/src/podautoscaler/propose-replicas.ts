import { ApiError } from '@navarch/base';
import { quantity, quantityMilliValue } from '@navarch/api';
import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import { average, averageScoring, countByPods, countByShare, countByValue, counted, utilization, utilizationScoring, type Tolerances } from './count-replicas';
import type { MetricsSource } from './metrics-source';
import { groupPods, type PodGroups, type PodReadings, type ReadinessRules } from './pod-groups';

/** What is to be sized, as one metric looks at it. */
export interface Workload {
  readonly namespace: string;
  /** Of its pods, as text. */
  readonly selector: string;
  readonly pods: readonly Pod[];
  /** Wanted, and there. */
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly tolerances: Tolerances;
  readonly rules: ReadinessRules;
  readonly nowMs: number;
}

/** What one metric asks for. `name` is how messages call it. */
export interface Proposal {
  readonly replicas: number;
  readonly name: string;
  readonly status: MetricStatus;
}

/** Measures, and says how many pods that asks for. Throws ApiErrors whose messages say what is missing. */
export async function proposeReplicas(metric: MetricSpec, workload: Workload, source: MetricsSource): Promise<Proposal> {
  switch (metric.type) {
    case 'Resource': return byUsage(metric.resource?.name ?? '', undefined, metric.resource?.target, workload, source);
    case 'ContainerResource': return byUsage(metric.containerResource?.name ?? '', metric.containerResource?.container ?? '', metric.containerResource?.target, workload, source);
    case 'Pods': return byPods(metric, workload, source);
    case 'Object': return byObject(metric, workload, source);
    case 'External': return byExternal(metric, workload, source);
    default: throw new ApiError('Invalid', `unknown metric source type "${metric.type ?? ''}"`);
  }
}

async function byUsage(resource: string, container: string | undefined, target: MetricTarget = {}, workload: Workload, source: MetricsSource): Promise<Proposal> {
  const { specReplicas, tolerances } = workload;
  const kind = target.averageUtilization === undefined ? 'resource' : 'utilization';
  try {
    const readings = await source.resource(workload.namespace, workload.selector, resource, container);
    const groups = groupsOf(workload, readings, resource);
    const millis = counted(groups, readings);
    if (target.averageUtilization === undefined) {
      const replicas = countByPods(specReplicas, groups, readings, averageScoring(quantityMilliValue(target.averageValue)), tolerances);
      return { replicas, name: nameOfUsage(resource, container), status: usageStatus(resource, container, { averageValue: amount(average(millis)) }) };
    }
    const requests = requestsOf(workload.pods, resource, container);
    if (![...millis.keys()].some((pod) => (requests.get(pod) ?? 0) > 0)) throw new ApiError('NotFound', 'no metrics returned matched known pods');
    const replicas = countByPods(specReplicas, groups, readings, utilizationScoring(target.averageUtilization, requests), tolerances);
    return {
      replicas, name: `${nameOfUsage(resource, container)} utilization (percentage of request)`,
      status: usageStatus(resource, container, { averageValue: amount(average(millis)), averageUtilization: utilization(millis, requests) }),
    };
  } catch (error) {
    throw because(`failed to get ${resource} ${kind}: unable to get metrics for resource ${resource}`, error);
  }
}

const nameOfUsage = (resource: string, container: string | undefined): string => (container === undefined ? `${resource} resource` : `${resource} container resource`);

function usageStatus(name: string, container: string | undefined, current: MetricValueStatus): MetricStatus {
  return container === undefined ? { type: 'Resource', resource: { name, current } } : { type: 'ContainerResource', containerResource: { name, container, current } };
}

async function byPods({ pods: { metric = {}, target } = {} }: MetricSpec, workload: Workload, source: MetricsSource): Promise<Proposal> {
  const name = metric.name ?? '';
  try {
    const readings = await source.pods(workload.namespace, workload.selector, metric);
    const groups = groupsOf(workload, readings, '');
    const replicas = countByPods(workload.specReplicas, groups, readings, averageScoring(quantityMilliValue(target?.averageValue)), workload.tolerances);
    return { replicas, name: `pods metric ${name}`, status: { type: 'Pods', pods: { metric, current: { averageValue: amount(average(counted(groups, readings))) } } } };
  } catch (error) {
    throw because(`failed to get pods metric value: unable to get metric ${name}`, error);
  }
}

async function byObject({ object: { describedObject = {}, metric = {}, target } = {} }: MetricSpec, workload: Workload, source: MetricsSource): Promise<Proposal> {
  const name = metric.name ?? '';
  try {
    const milli = await source.object(workload.namespace, describedObject, metric);
    const { replicas, current } = byOneFigure(milli, target, workload);
    return { replicas, name: `${describedObject.kind} metric ${name}`, status: { type: 'Object', object: { describedObject, metric, current } } };
  } catch (error) {
    throw because(`failed to get object metric value: unable to get metric ${name}: ${describedObject.kind} on ${workload.namespace} ${describedObject.name}`, error);
  }
}

async function byExternal({ external: { metric = {}, target } = {} }: MetricSpec, workload: Workload, source: MetricsSource): Promise<Proposal> {
  const name = metric.name ?? '';
  try {
    const figures = await source.external(workload.namespace, metric);
    if (figures.length === 0) throw new ApiError('NotFound', 'no metrics returned from external metrics API');
    const { replicas, current } = byOneFigure(figures.reduce((sum, milli) => sum + milli, 0), target, workload);
    return { replicas, name: `external metric ${name}`, status: { type: 'External', external: { metric, current } } };
  } catch (error) {
    throw because(`failed to get ${name} external metric value: unable to get external metric ${workload.namespace}/${name}`, error);
  }
}

/** A figure that stands for all pods together: whole against a value, or shared out among them. */
function byOneFigure(milli: number, target: MetricTarget = {}, { specReplicas, statusReplicas, pods, tolerances }: Workload): { readonly replicas: number; readonly current: MetricValueStatus } {
  if (target.averageValue) {
    const replicas = countByShare(statusReplicas, milli, quantityMilliValue(target.averageValue), tolerances);
    return { replicas, current: { averageValue: amount(Math.ceil(milli / Math.max(1, statusReplicas))) } };
  }
  const ready = pods.filter(({ status }) => status?.phase === 'Running' && status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')).length;
  return { replicas: countByValue(specReplicas, ready, milli / quantityMilliValue(target.value), tolerances), current: { value: amount(milli) } };
}

function groupsOf({ pods, rules, nowMs }: Workload, readings: PodReadings, resource: string): PodGroups {
  if (pods.length === 0) throw new ApiError('NotFound', 'no pods returned by selector while calculating replica count');
  const groups = groupPods(pods, readings, resource, rules, nowMs);
  if (groups.ready.length === 0) throw new ApiError('NotFound', 'did not receive metrics for targeted pods (pods might be unready)');
  return groups;
}

/** What each pod requests of a resource, in thousandths; NotFound where a container requests none. Sidecars count as containers. */
export function requestsOf(pods: readonly Pod[], resource: string, container?: string): Map<string, number> {
  return new Map(pods.map(({ metadata, spec }) => {
    const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')];
    const milli = containers.filter(({ name }) => container === undefined || name === container).reduce((sum, { name, resources }) => {
      const request = resources?.requests?.[resource];
      if (!request) throw new ApiError('NotFound', `missing request for ${resource} in container ${name} of Pod ${metadata?.name}`);
      return sum + quantityMilliValue(request);
    }, 0);
    return [metadata?.name ?? '', milli];
  }));
}

const amount = (milli: number): Quantity => quantity(`${milli}m`);

const because = (what: string, error: unknown): ApiError => new ApiError('Unavailable', `${what}: ${(error as Error).message}`, {}, { cause: error });
