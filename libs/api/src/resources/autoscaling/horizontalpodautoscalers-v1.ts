import {
  type HorizontalPodAutoscaler as V1, type HorizontalPodAutoscalerCondition, type HorizontalPodAutoscalerStatus as V1Status, type MetricSpec as OldMetricSpec, type MetricStatus as OldMetricStatus,
} from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';
import type { HorizontalPodAutoscaler as V2, HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerStatus as V2Status, MetricSpec } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import { isApiError } from '@navarch/base';

import { codecFor } from '../../codec/codec';
import { defineView } from '../../define-view';
import type { JsonValue, MessageCodec } from '../../resource';
import { horizontalPodAutoscalers } from './horizontalpodautoscalers';
import { metricStatusToV1, metricStatusToV2, metricToV1, metricToV2 } from './metrics-v1';

/** Kubernetes' annotations, by which an autoscaling/v1 object carries what only v2 has fields for. */
const annotation = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics', currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions', behavior: 'autoscaling.alpha.kubernetes.io/behavior',
} as const;

const metricCodec = codecFor<OldMetricSpec>('k8s.io.api.autoscaling.v1.MetricSpec');
const metricStatusCodec = codecFor<OldMetricStatus>('k8s.io.api.autoscaling.v1.MetricStatus');
const conditionCodec = codecFor<HorizontalPodAutoscalerCondition>('k8s.io.api.autoscaling.v1.HorizontalPodAutoscalerCondition');
const behaviorCodec = codecFor<HorizontalPodAutoscalerBehavior>('k8s.io.api.autoscaling.v2.HorizontalPodAutoscalerBehavior');

type Annotations = Record<string, string>;

const isCpuShare = ({ type, resource }: MetricSpec): boolean => type === 'Resource' && resource?.name === 'cpu' && resource.target?.averageUtilization !== undefined;
const cpuShare = (averageUtilization: number): MetricSpec => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } });

function fromStored({ metadata, spec, status }: V2): V1 {
  const { metrics = [], behavior, ...common } = spec ?? {};
  const cpu = metrics.findLast(isCpuShare);
  const { currentMetrics = [], conditions = [] } = status ?? {};
  const carried: Annotations = {
    ...carry(annotation.metrics, metricCodec, metricsToCarry(metrics, cpu).map(metricToV1)),
    ...carry(annotation.currentMetrics, metricStatusCodec, currentMetrics.map(metricStatusToV1)),
    ...carry(annotation.conditions, conditionCodec, conditions),
    ...(behavior && { [annotation.behavior]: JSON.stringify(renameKeys(behaviorCodec.toJson(behavior), (key) => key.charAt(0).toUpperCase() + key.slice(1))) }),
  };
  return {
    metadata: withAnnotations(metadata, carried),
    ...(spec && { spec: { ...common, targetCPUUtilizationPercentage: cpu?.resource?.target?.averageUtilization } }),
    ...(status && { status: statusToV1(status) }),
  };
}

/** The CPU's share has a field of its own, and comes last when read back; where it stands elsewhere, its place is carried too. */
function metricsToCarry(metrics: readonly MetricSpec[], cpu: MetricSpec | undefined): readonly MetricSpec[] {
  return cpu !== undefined && metrics.at(-1) === cpu && metrics.filter(isCpuShare).length === 1 ? metrics.slice(0, -1) : metrics;
}

function statusToV1({ currentMetrics = [], conditions: _conditions, ...common }: V2Status): V1Status {
  const cpu = currentMetrics.findLast(({ type, resource }) => type === 'Resource' && resource?.name === 'cpu' && resource.current?.averageUtilization !== undefined);
  return { ...common, currentCPUUtilizationPercentage: cpu?.resource?.current?.averageUtilization };
}

function toStored({ metadata, spec, status }: V1): V2 {
  const annotations = metadata?.annotations ?? {};
  const { targetCPUUtilizationPercentage: share, ...common } = spec ?? {};
  const metrics = placeCpu(carried(annotations, annotation.metrics, metricCodec)?.map(metricToV2) ?? [], share);
  const behavior = carriedBehavior(annotations[annotation.behavior]);
  const { currentCPUUtilizationPercentage: current, ...counts } = status ?? {};
  const currentMetrics = carried(annotations, annotation.currentMetrics, metricStatusCodec)?.map(metricStatusToV2)
    ?? (current === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: current } } }]);
  const conditions = carried(annotations, annotation.conditions, conditionCodec) ?? [];
  const hasStatus = status !== undefined || currentMetrics.length > 0 || conditions.length > 0;
  return {
    metadata: withAnnotations(metadata, {}),
    ...((spec || metrics.length > 0 || behavior) && { spec: { ...common, metrics, ...(behavior && { behavior }) } }),
    ...(hasStatus && { status: { ...counts, currentMetrics, conditions } }),
  };
}

/** The field decides about the CPU's share: it takes the carried place, or the end; without the field there is none. */
function placeCpu(metrics: readonly MetricSpec[], share: number | undefined): MetricSpec[] {
  const place = metrics.findLastIndex(isCpuShare);
  if (share === undefined) return metrics.filter((metric) => !isCpuShare(metric));
  return place < 0 ? [...metrics, cpuShare(share)] : metrics.with(place, cpuShare(share));
}

function carry<T>(name: string, codec: MessageCodec<T>, values: readonly T[]): Annotations {
  return values.length === 0 ? {} : { [name]: JSON.stringify(values.map((value) => codec.toJson(value))) };
}

/** What an annotation carries; nothing where it is absent or was written by somebody who carries something else (Kubernetes ignores it too). */
function carried<T>(annotations: Annotations, name: string, codec: MessageCodec<T>): T[] | undefined {
  const list = parsed(annotations[name]);
  return Array.isArray(list) ? readable(() => list.map((item) => codec.fromJson(item, { fieldValidation: 'Ignore' }))) : undefined;
}

function carriedBehavior(text: string | undefined): HorizontalPodAutoscalerBehavior | undefined {
  const json = parsed(text);
  if (json === undefined || json === null) return undefined;
  return readable(() => behaviorCodec.fromJson(renameKeys(json, (key) => key.charAt(0).toLowerCase() + key.slice(1)), { fieldValidation: 'Ignore' }));
}

function parsed(text: string | undefined): JsonValue | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isApiError(error)) return undefined;
    throw error;
  }
}

/** Kubernetes writes this annotation from a form whose members begin with capitals. */
function renameKeys(value: JsonValue, rename: (key: string) => string): JsonValue {
  if (Array.isArray(value)) return value.map((item) => renameKeys(item, rename));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null).map(([key, member]) => [rename(key), renameKeys(member, rename)]));
}

/** Metadata with these annotations of ours and no others of ours. */
function withAnnotations(metadata: V1['metadata'], ours: Annotations): V1['metadata'] {
  if (!metadata) return Object.keys(ours).length > 0 ? { annotations: ours } : undefined;
  const names: readonly string[] = Object.values(annotation);
  const annotations = { ...Object.fromEntries(Object.entries(metadata.annotations ?? {}).filter(([name]) => !names.includes(name))), ...ours };
  const { annotations: _annotations, ...rest } = metadata;
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest;
}

/** Autoscalers as autoscaling/v1 knows them: a share of CPU in a field, all else of v2 in annotations (Kubernetes, pkg/apis/autoscaling/v1/conversion). */
export const horizontalPodAutoscalersV1 = defineView<V1, V2>(horizontalPodAutoscalers, {
  group: 'autoscaling', version: 'v1', shortNames: ['hpa'], categories: ['all'], subresources: ['status'],
  codec: codecFor<V1>('k8s.io.api.autoscaling.v1.HorizontalPodAutoscaler'),
  toStored, fromStored,
});
