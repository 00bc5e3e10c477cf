import type {
  Affinity, NodeAffinity, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, PodAffinity, PodAffinityTerm, PodSpec, Toleration, TopologySpreadConstraint,
} from '@navarch/proto/k8s/io/api/core/v1/core';
import type { LabelSelector } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import type { FieldError } from '../resource';
import { duplicate, forbidden, invalid, invalidEach, notSupported, oneOf, oneOfIfSet, required } from './field-error';
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './names';
import { validateLabels } from './object-meta';

/** All that a pod says about where it may run. */
export function validateScheduling(spec: PodSpec, field: string): FieldError[] {
  return [
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...validateTolerations(spec.tolerations ?? [], `${field}.tolerations`),
    ...(spec.affinity ? validateAffinity(spec.affinity, `${field}.affinity`) : []),
    ...validateSpread(spec.topologySpreadConstraints ?? [], `${field}.topologySpreadConstraints`),
    ...validateGates(spec, field),
  ];
}

export function validateTolerations(tolerations: readonly Toleration[], field: string): FieldError[] {
  return tolerations.flatMap((toleration, index) => validateToleration(toleration, `${field}[${index}]`));
}

function validateToleration(toleration: Toleration, field: string): FieldError[] {
  const { key = '', operator, value = '', effect, tolerationSeconds } = toleration;
  const errors = key === '' ? [] : invalidEach(`${field}.key`, key, qualifiedName(key));
  if (key === '' && operator !== 'Exists') errors.push(invalid(`${field}.operator`, operator ?? '', 'operator must be Exists when `key` is empty, which means "match all values and all keys"'));
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') errors.push(invalid(`${field}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
  switch (operator ?? '') {
    case '': case 'Equal':
      if (labelValue(value).length > 0) errors.push(invalid(`${field}.operator`, value, labelValue(value).join(';')));
      break;
    case 'Exists':
      if (value !== '') errors.push(invalid(`${field}.operator`, toleration, 'value must be empty when `operator` is \'Exists\''));
      break;
    case 'Lt': case 'Gt':
      if (!/^-?(0|[1-9]\d*)$/.test(value)) errors.push(invalid(`${field}.value`, value, 'value must be a valid integer for Lt and Gt operators'));
      break;
    default:
      errors.push(notSupported(`${field}.operator`, operator, ['Equal', 'Exists', 'Gt', 'Lt']));
  }
  return [...errors, ...oneOfIfSet(`${field}.effect`, effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute'])];
}

function validateAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: Affinity, field: string): FieldError[] {
  return [
    ...(nodeAffinity ? validateNodeAffinity(nodeAffinity, `${field}.nodeAffinity`) : []),
    ...(podAffinity ? validatePodAffinity(podAffinity, `${field}.podAffinity`) : []),
    ...(podAntiAffinity ? validatePodAffinity(podAntiAffinity, `${field}.podAntiAffinity`) : []),
  ];
}

function validateNodeAffinity({ requiredDuringSchedulingIgnoredDuringExecution: must, preferredDuringSchedulingIgnoredDuringExecution: preferred = [] }: NodeAffinity, field: string): FieldError[] {
  return [
    ...(must ? validateNodeSelector(must, `${field}.requiredDuringSchedulingIgnoredDuringExecution`) : []),
    ...preferred.flatMap(({ weight = 0, preference = {} }, index) => {
      const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      return [...weightErrors(weight, at), ...validateTerm(preference, `${at}.preference`)];
    }),
  ];
}

function weightErrors(weight: number, field: string): FieldError[] {
  return weight < 1 || weight > 100 ? [invalid(`${field}.weight`, weight, 'must be in the range 1-100')] : [];
}

export function validateNodeSelector({ nodeSelectorTerms = [] }: NodeSelector, field: string): FieldError[] {
  const at = `${field}.nodeSelectorTerms`;
  if (nodeSelectorTerms.length === 0) return [required(at, 'must have at least one node selector term')];
  return nodeSelectorTerms.flatMap((term, index) => validateTerm(term, `${at}[${index}]`));
}

function validateTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, field: string): FieldError[] {
  return [
    ...matchExpressions.flatMap((requirement, index) => validateRequirement(requirement, `${field}.matchExpressions[${index}]`)),
    ...matchFields.flatMap((requirement, index) => validateFieldRequirement(requirement, `${field}.matchFields[${index}]`)),
  ];
}

function validateRequirement({ key = '', operator, values = [] }: NodeSelectorRequirement, field: string): FieldError[] {
  return [
    ...operatorErrors(operator, values, field, true),
    ...invalidEach(`${field}.key`, key, qualifiedName(key)),
    ...values.flatMap((value, index) => (operator === 'Gt' || operator === 'Lt' ? [] : invalidEach(`${field}.values[${index}]`, value, labelValue(value)))),
  ];
}

function operatorErrors(operator: string | undefined, values: readonly string[], field: string, withOrder: boolean): FieldError[] {
  switch (operator) {
    case 'In': case 'NotIn':
      return values.length === 0 ? [required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'")] : [];
    case 'Exists': case 'DoesNotExist':
      return values.length > 0 ? [forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")] : [];
    case 'Gt': case 'Lt':
      if (withOrder) return values.length === 1 ? [] : [required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
      break;
    default:
  }
  return [invalid(`${field}.operator`, operator ?? '', 'not a valid selector operator')];
}

function validateFieldRequirement({ key = '', operator, values = [] }: NodeSelectorRequirement, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== 'In' && operator !== 'NotIn') errors.push(invalid(`${field}.operator`, operator ?? '', 'not a valid selector operator'));
  else if (values.length !== 1) errors.push(required(`${field}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  if (key !== 'metadata.name') return [...errors, invalid(`${field}.key`, key, 'not a valid field selector key')];
  return [...errors, ...values.flatMap((value, index) => invalidEach(`${field}.values[${index}]`, value, dnsSubdomain(value)))];
}

function validatePodAffinity({ requiredDuringSchedulingIgnoredDuringExecution: must = [], preferredDuringSchedulingIgnoredDuringExecution: preferred = [] }: PodAffinity, field: string): FieldError[] {
  return [
    ...must.flatMap((term, index) => validatePodTerm(term, `${field}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`)),
    ...preferred.flatMap(({ weight = 0, podAffinityTerm = {} }, index) => {
      const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      return [...weightErrors(weight, at), ...validatePodTerm(podAffinityTerm, `${at}.podAffinityTerm`)];
    }),
  ];
}

function validatePodTerm(term: PodAffinityTerm, field: string): FieldError[] {
  const { labelSelector, namespaceSelector, namespaces = [], topologyKey = '', matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  const errors = [
    ...validateLabelSelector(labelSelector, `${field}.labelSelector`),
    ...validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...namespaces.flatMap((name) => invalidEach(`${field}.namespace`, name, dnsLabel(name))),
    ...validateLabelKeys(matchLabelKeys, labelSelector, `${field}.matchLabelKeys`),
    ...validateLabelKeys(mismatchLabelKeys, labelSelector, `${field}.mismatchLabelKeys`),
  ];
  return [...errors, ...(topologyKey === '' ? [required(`${field}.topologyKey`, 'can not be empty')] : invalidEach(`${field}.topologyKey`, topologyKey, qualifiedName(topologyKey)))];
}

function validateLabelKeys(keys: readonly string[], selector: LabelSelector | undefined, field: string): FieldError[] {
  if (keys.length > 0 && !selector) return [forbidden(field, 'must not be specified when labelSelector is not set')];
  return keys.flatMap((key, index) => invalidEach(`${field}[${index}]`, key, qualifiedName(key)));
}

export function validateLabelSelector(selector: LabelSelector | undefined, field: string): FieldError[] {
  return [
    ...validateLabels(selector?.matchLabels, `${field}.matchLabels`),
    ...(selector?.matchExpressions ?? []).flatMap(({ key = '', operator, values = [] }, index) => {
      const at = `${field}.matchExpressions[${index}]`;
      return [
        ...operatorErrors(operator, values, at, false),
        ...invalidEach(`${at}.key`, key, qualifiedName(key)),
        ...values.flatMap((value, position) => invalidEach(`${at}.values[${position}]`, value, labelValue(value))),
      ];
    }),
  ];
}

function validateSpread(constraints: readonly TopologySpreadConstraint[], field: string): FieldError[] {
  const seen = new Set<string>();
  return constraints.flatMap((constraint, index) => {
    const at = `${field}[${index}]`;
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', minDomains, labelSelector, matchLabelKeys = [] } = constraint;
    const errors = [
      ...(maxSkew <= 0 ? [invalid(`${at}.maxSkew`, maxSkew, 'must be greater than zero')] : []),
      ...(topologyKey === '' ? [required(`${at}.topologyKey`, 'can not be empty')] : invalidEach(`${at}.topologyKey`, topologyKey, qualifiedName(topologyKey))),
      ...(['DoNotSchedule', 'ScheduleAnyway'].includes(whenUnsatisfiable) ? [] : [notSupported(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'])]),
      ...oneOfIfSet(`${at}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, ['Honor', 'Ignore']),
      ...oneOfIfSet(`${at}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, ['Honor', 'Ignore']),
      ...validateLabelSelector(labelSelector, `${at}.labelSelector`),
      ...validateLabelKeys(matchLabelKeys, labelSelector, `${at}.matchLabelKeys`),
    ];
    if (minDomains !== undefined && minDomains <= 0) errors.push(invalid(`${at}.minDomains`, minDomains, 'must be greater than zero'));
    if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule') {
      errors.push(invalid(`${at}.minDomains`, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`));
    }
    const identity = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(identity)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, identity));
    seen.add(identity);
    return errors;
  });
}

function validateGates({ schedulingGates = [], nodeName }: PodSpec, field: string): FieldError[] {
  const seen = new Set<string>();
  const errors = schedulingGates.flatMap(({ name = '' }, index) => {
    const at = `${field}.schedulingGates[${index}]`;
    const found = invalidEach(at, name, qualifiedName(name));
    if (seen.has(name)) found.push(duplicate(at, name));
    seen.add(name);
    return found;
  });
  if (schedulingGates.length > 0 && nodeName) errors.push(forbidden(`${field}.nodeName`, 'cannot be set until all schedulingGates have been cleared'));
  return errors;
}

export function validatePriority({ priorityClassName, preemptionPolicy }: PodSpec, field: string): FieldError[] {
  return [
    ...(priorityClassName ? invalidEach(`${field}.priorityClassName`, priorityClassName, dnsSubdomain(priorityClassName)) : []),
    ...(preemptionPolicy === undefined ? [] : oneOf(`${field}.preemptionPolicy`, preemptionPolicy, ['PreemptLowerPriority', 'Never'])),
  ];
}
