import type {
  CrossVersionObjectReference, HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerSpec, HPAScalingRules, MetricIdentifier, MetricSpec, MetricTarget,
} from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';

import type { FieldError } from '../resource';
import { compareQuantity } from '../scalars/quantity';
import { forbidden, invalid, notSupported, oneOf, required } from './field-error';
import { pathSegmentName } from './names';
import { validateLabelSelector } from './scheduling';

const types = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
/** Which member of a metric goes with which type. */
const sources = { ContainerResource: 'containerResource', External: 'external', Object: 'object', Pods: 'pods', Resource: 'resource' } as const;

export function validateAutoscalerSpec(spec: HorizontalPodAutoscalerSpec): FieldError[] {
  const { minReplicas, maxReplicas = 0, scaleTargetRef = {}, metrics = [], behavior } = spec;
  const errors: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < 1) errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (minReplicas !== undefined && maxReplicas < minReplicas) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  return [
    ...errors, ...validateTarget(scaleTargetRef, 'spec.scaleTargetRef'),
    ...metrics.flatMap((metric, index) => validateMetric(metric, `spec.metrics[${index}]`)),
    ...(behavior ? validateBehavior(behavior) : []),
  ];
}

function validateTarget({ kind = '', name = '' }: CrossVersionObjectReference, field: string): FieldError[] {
  const check = (member: string, value: string): FieldError[] => (value === '' ? [required(`${field}.${member}`)] : pathSegmentName(value).map((text) => invalid(`${field}.${member}`, value, text)));
  return [...check('kind', kind), ...check('name', name)];
}

function validateMetric(metric: MetricSpec, field: string): FieldError[] {
  const { type = '', object, pods, resource, containerResource, external } = metric;
  if (type === '') return [required(`${field}.type`, 'must specify a metric source type')];
  if (!types.includes(type)) return [notSupported(`${field}.type`, type, types)];
  const member = sources[type as keyof typeof sources];
  if (!metric[member]) return [required(`${field}.${member}`, 'must populate information for the given metric source')];
  const errors = Object.values(sources).filter((other) => other !== member && metric[other])
    .map((other) => forbidden(`${field}.${other}`, 'must populate the given metric source only'));
  const at = `${field}.${member}`;
  if (object) errors.push(...validateTarget(object.describedObject ?? {}, `${at}.describedObject`), ...validateIdentifier(object.metric, `${at}.metric`), ...validateAmount(object.target, ['value', 'averageValue'], `${at}.target`));
  if (pods) errors.push(...validateIdentifier(pods.metric, `${at}.metric`), ...validateAmount(pods.target, ['averageValue'], `${at}.target`));
  if (external) errors.push(...validateIdentifier(external.metric, `${at}.metric`), ...validateAmount(external.target, ['value', 'averageValue'], `${at}.target`));
  for (const used of [resource, containerResource]) {
    if (used) errors.push(...(used.name ? [] : [required(`${at}.name`, 'must specify a resource name')]), ...validateAmount(used.target, ['averageUtilization', 'averageValue'], `${at}.target`));
  }
  if (containerResource && !containerResource.container) errors.push(required(`${at}.container`, 'must specify a container'));
  return errors;
}

function validateIdentifier({ name = '', selector }: MetricIdentifier = {}, field: string): FieldError[] {
  if (name === '') return [required(`${field}.name`, 'must specify a metric name')];
  return [...pathSegmentName(name).map((text) => invalid(`${field}.name`, name, text)), ...validateLabelSelector(selector, `${field}.selector`)];
}

type TargetMember = 'value' | 'averageValue' | 'averageUtilization';

/** One of what this source can be measured by, and greater than zero. */
function validateAmount(target: MetricTarget = {}, members: readonly TargetMember[], field: string): FieldError[] {
  const errors = oneOf(`${field}.type`, target.type, ['AverageValue', 'Utilization', 'Value']);
  const { averageUtilization } = target;
  if (averageUtilization !== undefined && averageUtilization < 1) errors.push(invalid(`${field}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  for (const member of ['value', 'averageValue'] as const) {
    const amount = target[member];
    if (amount && compareQuantity(amount, undefined) <= 0) errors.push(invalid(`${field}.${member}`, amount.string, 'must be positive'));
  }
  const set = members.filter((member) => target[member] !== undefined);
  const [first = 'averageValue'] = members;
  if (set.length === 0) errors.push(required(`${field}.${first}`, members.length === 1 ? 'must specify a positive target averageValue' : `must set either ${members.join(' or ')}`));
  if (set.length > 1) errors.push(forbidden(`${field}.${set[1] ?? ''}`, `may not set both ${members.join(' and ')}`));
  return errors;
}

const policyTypes = ['Percent', 'Pods'];
const selectPolicies = ['Disabled', 'Max', 'Min'];
const maxStabilization = 3600;
const maxPeriod = 1800;

function validateBehavior({ scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior): FieldError[] {
  return [...(scaleUp ? validateRules(scaleUp, 'spec.behavior.scaleUp') : []), ...(scaleDown ? validateRules(scaleDown, 'spec.behavior.scaleDown') : [])];
}

function validateRules({ stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance }: HPAScalingRules, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const at = `${field}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) errors.push(invalid(at, window, 'must be greater than or equal to zero'));
  if (window !== undefined && window > maxStabilization) errors.push(invalid(at, window, `must be less than or equal to ${maxStabilization}`));
  if (selectPolicy !== undefined && !selectPolicies.includes(selectPolicy)) errors.push(notSupported(`${field}.selectPolicy`, selectPolicy, selectPolicies));
  if (policies.length === 0) errors.push(required(`${field}.policies`, 'must specify at least one Policy'));
  for (const [index, { type, value = 0, periodSeconds = 0 }] of policies.entries()) {
    const policy = `${field}.policies[${index}]`;
    if (!policyTypes.includes(type ?? '')) errors.push(notSupported(`${policy}.type`, type ?? '', policyTypes));
    if (value <= 0) errors.push(invalid(`${policy}.value`, value, 'must be greater than zero'));
    if (periodSeconds <= 0) errors.push(invalid(`${policy}.periodSeconds`, periodSeconds, 'must be greater than zero'));
    if (periodSeconds > maxPeriod) errors.push(invalid(`${policy}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriod}`));
  }
  if (tolerance && compareQuantity(tolerance, undefined) < 0) errors.push(invalid(`${field}.tolerance`, tolerance.string, 'must be greater than or equal to zero'));
  return errors;
}
