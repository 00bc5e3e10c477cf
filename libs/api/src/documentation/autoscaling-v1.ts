import type { PackageText } from './text';

/** Documentation of autoscaling/v1. */
export const autoscalingV1: PackageText = {
  ContainerResourceMetricSource: ['A resource of one container in each pod, and its target.', {
    name: 'The resource, such as cpu.',
    targetAverageUtilization: 'Target as average share of the request, in percent.',
    targetAverageValue: 'Target as average amount for each pod.',
    container: 'Name of the container.',
  }],
  ContainerResourceMetricStatus: ['A resource of one container in each pod, as measured.', {
    name: 'The resource, such as cpu.',
    currentAverageUtilization: 'Average share of the request, in percent.',
    currentAverageValue: 'Average amount for each pod.',
    container: 'Name of the container.',
  }],
  CrossVersionObjectReference: ['Names an object in the same namespace, in any version.', {
    kind: 'Kind of the object.',
    name: 'Name of the object.',
    apiVersion: 'Group and version of the object.',
  }],
  ExternalMetricSource: ['A metric from outside of the cluster, and its target.', {
    metricName: 'Name of the metric.',
    metricSelector: 'Which series of the metric, by label.',
    targetValue: 'Target of the whole; excludes targetAverageValue.',
    targetAverageValue: 'Target for each pod; excludes targetValue.',
  }],
  ExternalMetricStatus: ['A metric from outside of the cluster, as measured.', {
    metricName: 'Name of the metric.',
    metricSelector: 'Which series of the metric, by label.',
    currentValue: 'Value of the whole.',
    currentAverageValue: 'Value for each pod.',
  }],
  HorizontalPodAutoscaler: ['Sets the number of pods of a workload by their load.'],
  HorizontalPodAutoscalerCondition: ['One aspect of the autoscaler that holds or does not.', {
    type: 'The aspect: ScalingActive, AbleToScale or ScalingLimited.',
  }],
  HorizontalPodAutoscalerSpec: ['What is scaled, between which limits and by which load.', {
    scaleTargetRef: 'Workload to scale, through its scale subresource.',
    minReplicas: 'Fewest pods, at least 1; default 1.',
    maxReplicas: 'Most pods; not below minReplicas.',
    targetCPUUtilizationPercentage: 'Target of the average CPU use, in percent of the request; default 80.',
  }],
  HorizontalPodAutoscalerStatus: ['What the autoscaler has seen and done.', {
    lastScaleTime: 'When it last changed the number of pods.',
    currentReplicas: 'Pods that there are.',
    desiredReplicas: 'Pods that it wants.',
    currentCPUUtilizationPercentage: 'Average CPU use, in percent of the request.',
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
  ObjectMetricSource: ['A metric of one object, and its target.', {
    target: 'The object that is measured.',
    metricName: 'Name of the metric.',
    targetValue: 'Target of the whole.',
    selector: 'Which series of the metric, by label.',
    averageValue: 'Target for each pod.',
  }],
  ObjectMetricStatus: ['A metric of one object, as measured.', {
    target: 'The object that is measured.',
    metricName: 'Name of the metric.',
    currentValue: 'Value of the whole.',
    selector: 'Which series of the metric, by label.',
    averageValue: 'Value for each pod.',
  }],
  PodsMetricSource: ['A metric of each pod, and its target.', {
    metricName: 'Name of the metric.',
    targetAverageValue: 'Target of the average over the pods.',
    selector: 'Which series of the metric, by label.',
  }],
  PodsMetricStatus: ['A metric of each pod, as measured.', {
    metricName: 'Name of the metric.',
    currentAverageValue: 'Average over the pods.',
    selector: 'Which series of the metric, by label.',
  }],
  ResourceMetricSource: ['A resource of each pod, and its target.', {
    name: 'The resource, such as cpu.',
    targetAverageUtilization: 'Target as average share of the request, in percent.',
    targetAverageValue: 'Target as average amount for each pod.',
  }],
  ResourceMetricStatus: ['A resource of each pod, as measured.', {
    name: 'The resource, such as cpu.',
    currentAverageUtilization: 'Average share of the request, in percent.',
    currentAverageValue: 'Average amount for each pod.',
  }],
  Scale: ['The number of pods of a workload, in the same form for all kinds.'],
  ScaleSpec: ['How many pods are wanted.', {
    replicas: 'Number of pods; default 0.',
  }],
  ScaleStatus: ['How many pods there are.', {
    replicas: 'Number of pods.',
    selector: 'Labels of the pods, as the text of a selector.',
  }],
};
