import type { MetricSpec as OldMetricSpec, MetricStatus as OldMetricStatus } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';
import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import { compareQuantity } from '../../scalars/quantity';

/** Metrics between autoscaling/v2 and the form that autoscaling/v1 carries in annotations: the same sources with the target's members beside them. */
export function metricToV1({ type, resource, containerResource, pods, object, external }: MetricSpec): OldMetricSpec {
  return {
    type,
    ...(resource && { resource: { name: resource.name, ...usageToV1(resource.target) } }),
    ...(containerResource && { containerResource: { name: containerResource.name, container: containerResource.container, ...usageToV1(containerResource.target) } }),
    ...(pods && { pods: { metricName: pods.metric?.name, selector: pods.metric?.selector, targetAverageValue: pods.target?.averageValue } }),
    ...(object && { object: { target: object.describedObject, metricName: object.metric?.name, selector: object.metric?.selector, targetValue: object.target?.value, averageValue: object.target?.averageValue } }),
    ...(external && {
      external: { metricName: external.metric?.name, metricSelector: external.metric?.selector, targetValue: external.target?.value, targetAverageValue: external.target?.averageValue },
    }),
  };
}

export function metricToV2({ type, resource, containerResource, pods, object, external }: OldMetricSpec): MetricSpec {
  return {
    type,
    ...(resource && { resource: { name: resource.name, target: usageToV2(resource) } }),
    ...(containerResource && { containerResource: { name: containerResource.name, container: containerResource.container, target: usageToV2(containerResource) } }),
    ...(pods && { pods: { metric: identifier(pods.metricName, pods.selector), target: { type: 'AverageValue', averageValue: pods.targetAverageValue } } }),
    ...(object && { object: { describedObject: object.target, metric: identifier(object.metricName, object.selector), target: amount(object.targetValue, object.averageValue) } }),
    ...(external && { external: { metric: identifier(external.metricName, external.metricSelector), target: amount(external.targetValue, external.targetAverageValue) } }),
  };
}

export function metricStatusToV1({ type, resource, containerResource, pods, object, external }: MetricStatus): OldMetricStatus {
  const usage = (current: MetricValueStatus = {}) => ({ currentAverageUtilization: current.averageUtilization, currentAverageValue: current.averageValue });
  return {
    type,
    ...(resource && { resource: { name: resource.name, ...usage(resource.current) } }),
    ...(containerResource && { containerResource: { name: containerResource.name, container: containerResource.container, ...usage(containerResource.current) } }),
    ...(pods && { pods: { metricName: pods.metric?.name, selector: pods.metric?.selector, currentAverageValue: pods.current?.averageValue } }),
    ...(object && { object: { target: object.describedObject, metricName: object.metric?.name, selector: object.metric?.selector, currentValue: object.current?.value, averageValue: object.current?.averageValue } }),
    ...(external && {
      external: { metricName: external.metric?.name, metricSelector: external.metric?.selector, currentValue: external.current?.value, currentAverageValue: external.current?.averageValue },
    }),
  };
}

export function metricStatusToV2({ type, resource, containerResource, pods, object, external }: OldMetricStatus): MetricStatus {
  return {
    type,
    ...(resource && { resource: { name: resource.name, current: { averageUtilization: resource.currentAverageUtilization, averageValue: resource.currentAverageValue } } }),
    ...(containerResource && {
      containerResource: {
        name: containerResource.name, container: containerResource.container,
        current: { averageUtilization: containerResource.currentAverageUtilization, averageValue: containerResource.currentAverageValue },
      },
    }),
    ...(pods && { pods: { metric: identifier(pods.metricName, pods.selector), current: { averageValue: pods.currentAverageValue } } }),
    ...(object && { object: { describedObject: object.target, metric: identifier(object.metricName, object.selector), current: measured(object.currentValue, object.averageValue) } }),
    ...(external && { external: { metric: identifier(external.metricName, external.metricSelector), current: measured(external.currentValue, external.currentAverageValue) } }),
  };
}

const identifier = <S>(name: string | undefined, selector: S): { name: string | undefined; selector: S } => ({ name, selector });

function usageToV1(target: MetricTarget = {}): { targetAverageUtilization: number | undefined; targetAverageValue: Quantity | undefined } {
  return { targetAverageUtilization: target.averageUtilization, targetAverageValue: target.averageValue };
}

function usageToV2({ targetAverageUtilization: averageUtilization, targetAverageValue: averageValue }: { targetAverageUtilization?: number | undefined; targetAverageValue?: Quantity | undefined }): MetricTarget {
  return { type: averageUtilization === undefined ? 'AverageValue' : 'Utilization', averageUtilization, averageValue };
}

/** v1 has no way to leave the whole value out: beside an average it is zero and means nothing. */
function amount(value: Quantity | undefined, averageValue: Quantity | undefined): MetricTarget {
  return averageValue ? { type: 'AverageValue', averageValue } : { type: 'Value', value };
}

function measured(value: Quantity | undefined, averageValue: Quantity | undefined): MetricValueStatus {
  return averageValue && compareQuantity(value, undefined) === 0 ? { averageValue } : { value, averageValue };
}
