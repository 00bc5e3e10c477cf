import type {
  HorizontalPodAutoscaler, HPAScalingRules, MetricSpec, MetricStatus, MetricTarget, MetricValueStatus,
} from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { FieldError, Resource } from '../../resource';
import { validateAutoscalerSpec } from '../../validation/autoscaler';
import { validateCounts } from '../../validation/counts';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';
import { firstFew } from '../first-few';

const meta = { namespaced: true, name: subdomainName };
const shownMetrics = 2;

function setDefaults(autoscaler: HorizontalPodAutoscaler): void {
  const spec = (autoscaler.spec ??= {});
  spec.minReplicas ??= 1;
  if (!spec.metrics?.length) spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }];
  const { behavior } = spec;
  if (!behavior) return;
  behavior.scaleUp = withDefaults(behavior.scaleUp, {
    stabilizationWindowSeconds: 0, policies: [{ type: 'Pods', value: 4, periodSeconds: 15 }, { type: 'Percent', value: 100, periodSeconds: 15 }],
  });
  behavior.scaleDown = withDefaults(behavior.scaleDown, { policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] });
}

function withDefaults(rules: HPAScalingRules = {}, defaults: HPAScalingRules): HPAScalingRules {
  const { stabilizationWindowSeconds = defaults.stabilizationWindowSeconds, selectPolicy = 'Max', policies = defaults.policies } = rules;
  return { ...rules, ...(stabilizationWindowSeconds !== undefined && { stabilizationWindowSeconds }), selectPolicy, policies };
}

function validateStatus(next: HorizontalPodAutoscaler, previous: HorizontalPodAutoscaler): FieldError[] {
  return [...validateMetaUpdate(next, previous, meta), ...validateCounts(next.status, 'status', ['currentReplicas', 'desiredReplicas'])];
}

/** Target and present value in the form that the target has: `cpu: 20%/80%`, `10/5 (avg)`. */
function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'Resource': return usageText(spec.resource?.name, spec.resource?.target, status?.resource?.current);
    case 'ContainerResource': return usageText(spec.containerResource?.name, spec.containerResource?.target, status?.containerResource?.current);
    case 'Pods': return `${status?.pods?.current?.averageValue?.string ?? '<unknown>'}/${spec.pods?.target?.averageValue?.string ?? '<auto>'}`;
    case 'Object': return valueText(spec.object?.target, status?.object?.current);
    case 'External': return valueText(spec.external?.target, status?.external?.current);
    default: return '<unknown type>';
  }
}

function usageText(name = '', target: MetricTarget = {}, current: MetricValueStatus = {}): string {
  if (target.averageValue) return `${name}: ${current.averageValue?.string ?? '<unknown>'}/${target.averageValue.string ?? '0'}`;
  const percent = (value: number | undefined, absent: string): string => (value === undefined ? absent : `${value}%`);
  return `${name}: ${percent(current.averageUtilization, '<unknown>')}/${percent(target.averageUtilization, '<auto>')}`;
}

function valueText(target: MetricTarget = {}, current: MetricValueStatus = {}): string {
  if (target.averageValue) return `${current.averageValue?.string ?? '<unknown>'}/${target.averageValue.string ?? '0'} (avg)`;
  return `${current.value?.string ?? '<unknown>'}/${target.value?.string ?? '<auto>'}`;
}

function targetsText({ spec, status }: HorizontalPodAutoscaler): string {
  const texts = (spec?.metrics ?? []).map((metric, index) => metricText(metric, status?.currentMetrics?.[index]));
  return firstFew(texts, shownMetrics, ', ') || '<none>';
}

const columns: Resource<HorizontalPodAutoscaler>['columns'] = [
  nameColumn,
  { name: 'Reference', type: 'string', description: 'What it scales.', value: ({ spec }) => `${spec?.scaleTargetRef?.kind ?? ''}/${spec?.scaleTargetRef?.name ?? ''}` },
  { name: 'Targets', type: 'string', description: 'What it measures: present value and target.', value: targetsText },
  { name: 'MinPods', type: 'string', description: 'Never fewer pods.', value: ({ spec }) => (spec?.minReplicas === undefined ? '<unset>' : String(spec.minReplicas)) },
  { name: 'MaxPods', type: 'string', description: 'Never more pods.', value: ({ spec }) => spec?.maxReplicas ?? 0 },
  { name: 'Replicas', type: 'string', description: 'Pods there are.', value: ({ status }) => status?.currentReplicas ?? 0 },
  ageColumn,
];

export const horizontalPodAutoscalers = defineResource<HorizontalPodAutoscaler>({
  group: 'autoscaling', version: 'v2', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers', shortNames: ['hpa'], categories: ['all'], namespaced: true,
  subresources: ['status'],
  codec: codecFor<HorizontalPodAutoscaler>('k8s.io.api.autoscaling.v2.HorizontalPodAutoscaler'),
  setDefaults,
  ...statusOnly<HorizontalPodAutoscaler>(),
  validateCreate: (autoscaler) => [...validateMeta(autoscaler, meta), ...validateAutoscalerSpec(autoscaler.spec ?? {})],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateAutoscalerSpec(next.spec ?? {})],
  status: statusStrategy(validateStatus),
  columns,
});
