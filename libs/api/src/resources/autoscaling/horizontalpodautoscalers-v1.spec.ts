import type { HorizontalPodAutoscaler as V1 } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';
import type { HorizontalPodAutoscaler as V2, HorizontalPodAutoscalerCondition, HPAScalingPolicy, MetricSpec } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import fc from 'fast-check';

import { convertObject } from '../../define-view';
import type { Resource } from '../../resource';
import { horizontalPodAutoscalers } from './horizontalpodautoscalers';
import { horizontalPodAutoscalersV1 } from './horizontalpodautoscalers-v1';

const [v1, v2] = [horizontalPodAutoscalersV1, horizontalPodAutoscalers] as unknown as [Resource, Resource];
const shown = (object: V2): V1 => convertObject(object as object, v2, v1) as V1;
const stored = (object: V1): V2 => convertObject(object as object, v1, v2) as V2;
/** As the log would hold it: what is absent is absent. */
const normal = (object: V2): V2 => v2.codec.decode(v2.codec.encode(object as object)) as V2;

const scaleTargetRef = { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' };
const cpu = (averageUtilization: number): MetricSpec => ({ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } });
const memory: MetricSpec = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: { string: '1Gi' } } } };

const quantity = fc.integer({ min: 1, max: 999 }).map((value) => ({ string: `${value}m` }));
const share = fc.integer({ min: 1, max: 200 });
const usageTarget = fc.oneof(share.map((averageUtilization) => ({ type: 'Utilization', averageUtilization })), quantity.map((averageValue) => ({ type: 'AverageValue', averageValue })));
const target = fc.oneof(quantity.map((value) => ({ type: 'Value', value })), quantity.map((averageValue) => ({ type: 'AverageValue', averageValue })));
const metric = fc.record({ name: fc.constantFrom('rate', 'depth'), selector: fc.constantFrom(undefined, { matchLabels: { queue: 'q' } }) });
const resourceName = fc.constantFrom('cpu', 'memory');
const anyMetric: fc.Arbitrary<MetricSpec> = fc.oneof(
  fc.record({ type: fc.constant('Resource'), resource: fc.record({ name: resourceName, target: usageTarget }) }),
  fc.record({ type: fc.constant('ContainerResource'), containerResource: fc.record({ name: resourceName, container: fc.constant('main'), target: usageTarget }) }),
  fc.record({ type: fc.constant('Pods'), pods: fc.record({ metric, target: quantity.map((averageValue) => ({ type: 'AverageValue', averageValue })) }) }),
  fc.record({ type: fc.constant('Object'), object: fc.record({ describedObject: fc.constant(scaleTargetRef), metric, target }) }),
  fc.record({ type: fc.constant('External'), external: fc.record({ metric, target }) }),
);
const rules = fc.record({ stabilizationWindowSeconds: fc.constantFrom(undefined, 0, 30), selectPolicy: fc.constantFrom('Max', 'Min', 'Disabled'), policies: fc.constant<HPAScalingPolicy[]>([{ type: 'Pods', value: 4, periodSeconds: 15 }]), tolerance: fc.option(quantity, { nil: undefined }) });
const anyAutoscaler: fc.Arbitrary<V2> = fc.record({
  metadata: fc.constant({ name: 'web', namespace: 'team', annotations: { mine: 'stays' } }),
  spec: fc.record({ scaleTargetRef: fc.constant(scaleTargetRef), minReplicas: fc.constantFrom(undefined, 2), maxReplicas: fc.constant(5), metrics: fc.array(anyMetric, { maxLength: 5 }), behavior: fc.option(fc.record({ scaleUp: fc.option(rules, { nil: undefined }), scaleDown: fc.option(rules, { nil: undefined }) }), { nil: undefined }) }),
  status: fc.record({
    currentReplicas: fc.constant(3), desiredReplicas: fc.constant(4), observedGeneration: fc.constant(1),
    currentMetrics: fc.array(fc.oneof(
      fc.record({ type: fc.constant('Resource'), resource: fc.record({ name: resourceName, current: fc.record({ averageUtilization: share, averageValue: quantity }) }) }),
      fc.record({ type: fc.constant('External'), external: fc.record({ metric, current: fc.oneof(quantity.map((value) => ({ value })), quantity.map((averageValue) => ({ averageValue }))) }) }),
    ), { maxLength: 3 }),
    conditions: fc.constantFrom<HorizontalPodAutoscalerCondition[]>([], [{ type: 'ScalingActive', status: 'True', reason: 'ValidMetricFound', message: 'all is well', lastTransitionTime: { seconds: 1_700_000_000 } }]),
  }),
});

describe('autoscalers of autoscaling/v1', () => {
  it('carry whatever v2 says there and back without loss', () => {
    fc.assert(fc.property(anyAutoscaler, (object) => {
      const bytes = v1.codec.encode(shown(normal(object)) as object);
      expect(normal(stored(v1.codec.decode(bytes) as V1))).toEqual(normal(object));
    }), { numRuns: 200 });
  });

  it('show the share of CPU in its field, and all other metrics, behaviour and status in Kubernetes’ annotations', () => {
    const object = shown({
      metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 3, metrics: [memory, cpu(60)], behavior: { scaleDown: { selectPolicy: 'Min', policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] } } },
      status: { currentReplicas: 1, conditions: [{ type: 'AbleToScale', status: 'True' }], currentMetrics: [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 20 } } }] },
    });
    expect(object.spec).toEqual({ scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 60 });
    expect(object.status).toEqual({ currentReplicas: 1, currentCPUUtilizationPercentage: 20 });
    const annotations = Object.fromEntries(Object.entries(object.metadata?.annotations ?? {}).map(([name, text]) => [name.replace('autoscaling.alpha.kubernetes.io/', ''), JSON.parse(text) as unknown]));
    expect(annotations).toEqual({
      metrics: [{ type: 'Resource', resource: { name: 'memory', targetAverageValue: '1Gi' } }],
      behavior: { ScaleDown: { SelectPolicy: 'Min', Policies: [{ Type: 'Pods', Value: 1, PeriodSeconds: 60 }] } },
      conditions: [expect.objectContaining({ type: 'AbleToScale', status: 'True' })],
      'current-metrics': [{ type: 'Resource', resource: { name: 'cpu', currentAverageUtilization: 20, currentAverageValue: expect.anything() as unknown }}],
    });
  });

  it('decide by the field about the share of CPU, wherever among the metrics it stood', () => {
    const object = shown({ spec: { metrics: [cpu(60), memory] } });
    const changed = { ...object, spec: { ...object.spec, targetCPUUtilizationPercentage: 70 } };
    expect(normal(stored(changed)).spec?.metrics).toEqual([cpu(70), memory]);
    expect(normal(stored({ ...object, spec: {} })).spec?.metrics).toEqual([memory]);
    expect(normal(stored({ spec: { targetCPUUtilizationPercentage: 50 } })).spec?.metrics).toEqual([cpu(50)]);
  });

  it.each(['{', '"text"', '[1]', '[{"type":7}]', 'null'])('ignore an annotation that carries nothing of theirs: %s', (text) => {
    const names = ['metrics', 'behavior', 'conditions', 'current-metrics'].map((name) => `autoscaling.alpha.kubernetes.io/${name}`);
    const object = stored({ metadata: { name: 'web', annotations: Object.fromEntries(names.map((name) => [name, text])) }, spec: { maxReplicas: 2, targetCPUUtilizationPercentage: 50 } });
    expect(normal(object)).toEqual({ metadata: { name: 'web' }, spec: { maxReplicas: 2, metrics: [cpu(50)] } });
  });

  it('are judged by the rules of v2, with v2’s field names', () => {
    const errors = horizontalPodAutoscalersV1.validateCreate({ metadata: { name: 'web', namespace: 'team' }, spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: -1 } });
    expect(errors.map(({ field }) => field)).toEqual(['spec.metrics[0].resource.target.averageUtilization']);
  });
});
