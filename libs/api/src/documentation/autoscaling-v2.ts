import type { PackageText } from './text';

/** Documentation of autoscaling/v2. */
export const autoscalingV2: PackageText = {
  ContainerResourceMetricSource: ['A resource of one container in each pod, and its target.', {
    name: 'The resource, such as cpu.',
    target: 'Target as average share of the request or as average amount.',
    container: 'Name of the container.',
  }],
  ContainerResourceMetricStatus: ['A resource of one container in each pod, as measured.', {
    name: 'The resource, such as cpu.',
    current: 'What was measured.',
    container: 'Name of the container.',
  }],
  CrossVersionObjectReference: ['Names an object in the same namespace, in any version.', {
    kind: 'Kind of the object.',
    name: 'Name of the object.',
    apiVersion: 'Group and version of the object.',
  }],
  ExternalMetricSource: ['A metric from outside of the cluster, and its target.', {
    metric: 'Which metric.',
    target: 'Target of the whole, or for each pod.',
  }],
  ExternalMetricStatus: ['A metric from outside of the cluster, as measured.', {
    metric: 'Which metric.',
    current: 'What was measured.',
  }],
  HPAScalingPolicy: ['A limit of how fast the number of pods changes.', {
    type: 'Pods counts pods, Percent is of those there are.',
    value: 'How many or how much, more than 0.',
    periodSeconds: 'Seconds that the limit is for, 1 to 1800.',
  }],
  HPAScalingRules: ['How the number of pods changes in one direction.', {
    selectPolicy: 'Max, Min or Disabled: which policy counts; default Max.',
    policies: 'Limits of how fast it changes.',
    stabilizationWindowSeconds: 'Seconds looked back for the safest wish, 0 to 3600; default 0 up, 300 down.',
    tolerance: "Deviation from the target that is let be, such as 0.1 for a tenth; default the cluster's.",
  }],
  HorizontalPodAutoscaler: ['Sets the number of pods of a workload by their load.'],
  HorizontalPodAutoscalerBehavior: ['How fast the number of pods changes.', {
    scaleUp: 'Rules for more pods; default four more or twice as many in 15 seconds.',
    scaleDown: 'Rules for fewer pods; default at once, once 300 seconds agree.',
  }],
  HorizontalPodAutoscalerCondition: ['One aspect of the autoscaler that holds or does not.', {
    type: 'The aspect: ScalingActive, AbleToScale or ScalingLimited.',
  }],
  HorizontalPodAutoscalerSpec: ['What is scaled, between which limits and by which load.', {
    scaleTargetRef: 'Workload to scale, through its scale subresource.',
    minReplicas: 'Fewest pods, at least 1; default 1.',
    maxReplicas: 'Most pods; not below minReplicas.',
    metrics: 'What is measured; the one that wants most pods counts; default 80% of the CPU request.',
    behavior: 'How fast the number of pods changes.',
  }],
  HorizontalPodAutoscalerStatus: ['What the autoscaler has seen and done.', {
    lastScaleTime: 'When it last changed the number of pods.',
    currentReplicas: 'Pods that there are.',
    desiredReplicas: 'Pods that it wants.',
    currentMetrics: 'The metrics as last measured.',
  }],
  MetricIdentifier: ['Names a metric.', {
    name: 'Name of the metric.',
    selector: 'Which series of the metric, by label.',
  }],
  MetricSpec: ['A metric and its target; the member named by type is set.', {
    type: 'Object, Pods, Resource, ContainerResource or External.',
    object: 'A metric of one object.',
    pods: 'A metric of each pod.',
    resource: 'A resource of each pod.',
    external: 'A metric from outside of the cluster.',
    containerResource: 'A resource of one container in each pod.',
  }],
  MetricStatus: ['A metric as measured; the member named by type is set.', {
    type: 'Object, Pods, Resource, ContainerResource or External.',
    object: 'A metric of one object.',
    pods: 'A metric of each pod.',
    resource: 'A resource of each pod.',
    external: 'A metric from outside of the cluster.',
    containerResource: 'A resource of one container in each pod.',
  }],
  MetricTarget: ['The value that a metric should have.', {
    type: 'Utilization, Value or AverageValue.',
    value: 'Target of the whole.',
    averageValue: 'Target of the average over the pods.',
    averageUtilization: 'Target of the average share of the request, in percent; for resources only.',
  }],
  MetricValueStatus: ['The value that a metric has.', {
    value: 'Value of the whole.',
    averageValue: 'Average over the pods.',
    averageUtilization: 'Average share of the request, in percent.',
  }],
  ObjectMetricSource: ['A metric of one object, and its target.', {
    describedObject: 'The object that is measured.',
    target: 'Target of the whole, or for each pod.',
    metric: 'Which metric.',
  }],
  ObjectMetricStatus: ['A metric of one object, as measured.', {
    metric: 'Which metric.',
    current: 'What was measured.',
    describedObject: 'The object that is measured.',
  }],
  PodsMetricSource: ['A metric of each pod, and its target.', {
    metric: 'Which metric.',
    target: 'Target of the average over the pods.',
  }],
  PodsMetricStatus: ['A metric of each pod, as measured.', {
    metric: 'Which metric.',
    current: 'What was measured.',
  }],
  ResourceMetricSource: ['A resource of each pod, and its target.', {
    name: 'The resource, such as cpu.',
    target: 'Target as average share of the request or as average amount.',
  }],
  ResourceMetricStatus: ['A resource of each pod, as measured.', {
    name: 'The resource, such as cpu.',
    current: 'What was measured.',
  }],
};
