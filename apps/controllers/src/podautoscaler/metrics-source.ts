import { ApiError } from '@navarch/base';
import { podMetrics, quantityMilliValue, timeToMs } from '@navarch/api';
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
 * What the API itself knows: metrics.k8s.io. Custom and external metrics are other people's servers behind the API; the client of Navarch's own
 * parts does not reach such servers, so that they are as good as not registered.
 */
export function apiMetrics(client: ApiClient): MetricsSource {
  const unregistered = async (what: string): Promise<never> => {
    throw new ApiError('NotFound', `unable to fetch metrics from ${what} metrics API: no ${what} metrics API (${what}.metrics.k8s.io) registered`);
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
    pods: () => unregistered('custom'),
    object: () => unregistered('custom'),
    external: () => unregistered('external'),
  };
}

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
