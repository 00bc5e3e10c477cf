import { allResources, podMetrics, quantityMilliValue, timeFromText, timeToMs, type Resource } from '@navarch/api';
import { ApiError, isNotFound, toError } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { CrossVersionObjectReference, MetricIdentifier } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import type { PodMetrics } from '@navarch/proto/k8s/io/metrics/pkg/apis/metrics/v1beta1/metrics';

import type { PodReading, PodReadings } from './pod-groups';

/** Where figures come from. Failures are ApiErrors whose messages people read in conditions. All amounts are in thousandths. */
export interface MetricsSource {
  /** What the selected pods use of a resource, or one container of each. Pods without a figure are left out. */
  resource(namespace: string, selector: string, resource: string, container?: string): Promise<PodReadings>;
  /** A figure of each selected pod. */
  pods(namespace: string, selector: string, metric: MetricIdentifier): Promise<PodReadings>;
  /** One figure, of another object. */
  object(namespace: string, object: CrossVersionObjectReference, metric: MetricIdentifier): Promise<number>;
  /** Every figure of that name from outside of the cluster. */
  external(namespace: string, metric: MetricIdentifier): Promise<readonly number[]>;
}

/**
 * metrics.k8s.io from the API itself; custom and external metrics from whoever serves them behind it (Kubernetes, "Resource Metrics Pipeline";
 * paths as in k8s.io/metrics).
 */
export function apiMetrics(client: ApiClient, resources: readonly Resource[] = allResources): MetricsSource {
  const custom = async (namespace: string, object: string, { name = '', selector }: MetricIdentifier, labelSelector?: string): Promise<MetricValue[]> => {
    const query = queryOf({ labelSelector, metricLabelSelector: selectorText(selector) });
    return ask(client, 'custom', customVersions, `namespaces/${encodeURIComponent(namespace)}/${object}/${encodeURIComponent(name)}${query}`);
  };
  return {
    async resource(namespace, selector, resource, container) {
      const { items } = await client.resource(podMetrics).list({ namespace, labelSelector: selector }).catch((error: unknown) => {
        throw new ApiError('Unavailable', `unable to fetch metrics from resource metrics API: ${(error as Error).message}`, {}, { cause: error });
      });
      if (items.length === 0) throw new ApiError('NotFound', 'no metrics returned from resource metrics API');
      return new Map(items.flatMap((item) => {
        const milli = usedBy(item, resource, container);
        return milli === undefined ? [] : [[item.metadata?.name ?? '', reading(item, milli)] as const];
      }));
    },
    async pods(namespace, selector, metric) {
      const values = await custom(namespace, 'pods/*', metric, selector);
      if (values.length === 0) throw new ApiError('NotFound', 'no metrics returned from custom metrics API');
      return new Map(values.map((value) => [value.describedObject?.name ?? '', { milli: milliOf(value), atMs: timeOf(value), windowMs: (value.windowSeconds ?? 60) * 1_000 }]));
    },
    async object(namespace, object, metric) {
      const [value] = await custom(namespace, placeOf(resources, object), metric);
      if (!value) throw new ApiError('NotFound', `no custom metric ${metric.name ?? ''} of ${object.kind ?? ''} "${object.name ?? ''}"`);
      return milliOf(value);
    },
    async external(namespace, { name = '', selector }) {
      const values = await ask(client, 'external', externalVersions, `namespaces/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}${queryOf({ labelSelector: selectorText(selector) })}`);
      if (values.length === 0) throw new ApiError('NotFound', 'no metrics returned from external metrics API');
      return values.map(milliOf);
    },
  };
}

/** Newest first. */
const customVersions = ['v1beta2', 'v1beta1'];
const externalVersions = ['v1beta1'];

/** The API's words for a group's version that it does not know. */
const nobodyServes = 'the server could not find the requested resource';

/** An item of a MetricValueList or an ExternalMetricValueList. */
interface MetricValue {
  readonly describedObject?: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  readonly value?: string;
}

async function ask(client: ApiClient, what: 'custom' | 'external', versions: readonly string[], rest: string): Promise<MetricValue[]> {
  let failure: unknown;
  for (const version of versions) {
    try {
      const list = await client.getForeign(`/apis/${what}.metrics.k8s.io/${version}/${rest}`);
      const { items = [] } = list as { items?: MetricValue[] };
      return items;
    } catch (error) {
      // What a server that is there says counts for more than that another version is not.
      if (failure === undefined || toError(failure).message === nobodyServes) failure = error;
      if (!isNotFound(error)) break;
    }
  }
  if (isNotFound(failure) && toError(failure).message === nobodyServes) throw new ApiError('NotFound', `unable to fetch metrics from ${what} metrics API: no ${what} metrics API (${what}.metrics.k8s.io) registered`);
  throw new ApiError(isNotFound(failure) ? 'NotFound' : 'Unavailable', `unable to fetch metrics from ${what} metrics API: ${toError(failure).message}`, {}, { cause: failure });
}

/** `services/web`, `deployments.apps/web`. */
function placeOf(resources: readonly Resource[], { apiVersion = '', kind = '', name = '' }: CrossVersionObjectReference): string {
  const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.lastIndexOf('/')) : '';
  const resource = resources.find((each) => each.kind === kind && each.group === group);
  if (!resource) throw new ApiError('NotFound', `no matches for kind "${kind}" in group "${group}"`);
  if (kind === 'Namespace' && group === '') return 'metrics';
  return `${resource.plural}${group && `.${group}`}/${encodeURIComponent(name)}`;
}

function queryOf(parts: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(Object.entries(parts).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')).toString();
  return query && `?${query}`;
}

/** As a query has it. */
function selectorText(selector: MetricIdentifier['selector']): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key = '', operator, values = [] }) => {
    switch (operator) {
      case 'Exists': return key;
      case 'DoesNotExist': return `!${key}`;
      case 'NotIn': return `${key} notin (${values.join(',')})`;
      default: return `${key} in (${values.join(',')})`;
    }
  });
  return [...labels, ...expressions].join(',');
}

const milliOf = ({ value = '0' }: MetricValue): number => quantityMilliValue({ string: value });
const timeOf = ({ timestamp }: MetricValue): number => timeToMs(timestamp === undefined ? undefined : timeFromText(timestamp)) ?? 0;

/** Undefined where one of the containers has no figure: a part would pass for the whole. */
function usedBy({ metadata, containers = [] }: PodMetrics, resource: string, container: string | undefined): number | undefined {
  const concerned = container === undefined ? containers : containers.filter(({ name }) => name === container);
  if (container !== undefined && concerned.length === 0) throw new ApiError('NotFound', `container ${container} not present in metrics for pod ${metadata?.namespace}/${metadata?.name}`);
  let sum = 0;
  for (const { usage } of concerned) {
    if (!usage?.[resource]) return undefined;
    sum += quantityMilliValue(usage[resource]);
  }
  return sum;
}

const reading = ({ timestamp, window }: PodMetrics, milli: number): PodReading => ({ milli, atMs: timeToMs(timestamp) ?? 0, windowMs: (window?.duration ?? 60_000_000_000) / 1_000_000 });
