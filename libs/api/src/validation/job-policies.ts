import type { JobSpec, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule, SuccessPolicyRule } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import type { FieldError } from '../resource';
import { duplicate, invalid, invalidEach, nonNegative, notSupported, required, tooLong, tooMany } from './field-error';
import { countIndexes, parseIndexes } from './job-indexes';
import { qualifiedName } from './names';

const maxRules = 20;
const maxExitCodes = 255;
const maxPatterns = 20;
const maxIndexesLength = 64 * 1024;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];

/** Required with the values that are valid, or one of them. */
function listed(field: string, value: string | undefined, supported: readonly string[]): FieldError[] {
  if (!value) return [required(field, `valid values: [${supported.map((one) => JSON.stringify(one)).join(' ')}]`)];
  return supported.includes(value) ? [] : [notSupported(field, value, supported)];
}

/** Which failures of pods mean what (KEP-3329). */
export function validateFailurePolicy(spec: JobSpec, field: string): FieldError[] {
  const { rules = [] } = spec.podFailurePolicy ?? {};
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  return [
    ...(rules.length > maxRules ? [tooMany(`${field}.rules`, rules.length, maxRules)] : []),
    ...rules.flatMap((rule, index) => validateFailureRule(spec, rule, names, `${field}.rules[${index}]`)),
  ];
}

function validateFailureRule(spec: JobSpec, rule: PodFailurePolicyRule, names: ReadonlySet<string | undefined>, field: string): FieldError[] {
  const { action, onExitCodes, onPodConditions = [] } = rule;
  const errors = listed(`${field}.action`, action, actions);
  if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined) errors.push(invalid(`${field}.action`, action, 'requires the backoffLimitPerIndex to be set'));
  if (onExitCodes) errors.push(...validateExitCodes(onExitCodes, names, `${field}.onExitCodes`));
  if (onPodConditions.length > maxPatterns) errors.push(tooMany(`${field}.onPodConditions`, onPodConditions.length, maxPatterns));
  errors.push(...onPodConditions.flatMap(({ type = '', status }, index) => [
    ...invalidEach(`${field}.onPodConditions[${index}].type`, type, qualifiedName(type)),
    ...listed(`${field}.onPodConditions[${index}].status`, status, ['False', 'True', 'Unknown']),
  ]));
  const both = onExitCodes && onPodConditions.length > 0;
  const neither = !onExitCodes && onPodConditions.length === 0;
  if (both) errors.push(invalidWhole(field, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (neither) errors.push(invalidWhole(field, 'specifying one of OnExitCodes and OnPodConditions is required'));
  return errors;
}

/** A complaint that does not repeat the value. */
export function invalidWhole(field: string, detail: string): FieldError {
  return { type: 'Invalid', field, message: `Invalid value: ${detail}` };
}

function validateExitCodes({ operator, containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement, names: ReadonlySet<string | undefined>, field: string): FieldError[] {
  const errors = listed(`${field}.operator`, operator, ['In', 'NotIn']);
  if (containerName !== undefined && !names.has(containerName)) {
    errors.push(invalid(`${field}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template'));
  }
  if (values.length === 0) errors.push(invalid(`${field}.values`, values, 'at least one value is required'));
  if (values.length > maxExitCodes) errors.push(tooMany(`${field}.values`, values.length, maxExitCodes));
  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    const at = `${field}.values[${index}]`;
    if (operator === 'In' && value === 0) errors.push(invalid(at, value, 'must not be 0 for the In operator'));
    if (seen.has(value)) errors.push(duplicate(at, value));
    seen.add(value);
  }
  const ordered = values.every((value, index) => index === 0 || (values[index - 1] ?? 0) <= value);
  return ordered ? errors : [...errors, invalid(`${field}.values`, values, 'must be ordered')];
}

/** Which indexes make an indexed job a success before all are done (KEP-3998). */
export function validateSuccessPolicy(spec: JobSpec, field: string): FieldError[] {
  const { rules = [] } = spec.successPolicy ?? {};
  return [
    ...(rules.length === 0 ? [required(`${field}.rules`, 'at least one rules must be specified when the successPolicy is specified')] : []),
    ...(rules.length > maxRules ? [tooMany(`${field}.rules`, rules.length, maxRules)] : []),
    ...rules.flatMap((rule, index) => validateSuccessRule(rule, spec.completions ?? 0, `${field}.rules[${index}]`)),
  ];
}

function validateSuccessRule({ succeededCount, succeededIndexes }: SuccessPolicyRule, completions: number, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (succeededCount === undefined && succeededIndexes === undefined) errors.push(required(field, 'at least one of succeededCount or succeededIndexes must be specified'));
  let total = 0;
  if (succeededIndexes !== undefined) {
    if (succeededIndexes.length > maxIndexesLength) errors.push(tooLong(`${field}.succeededIndexes`, maxIndexesLength));
    const intervals = parseIndexes(succeededIndexes, completions);
    if (typeof intervals === 'string') errors.push(invalid(`${field}.succeededIndexes`, succeededIndexes, `error parsing succeededIndexes: ${intervals}`));
    else total = countIndexes(intervals);
  }
  if (succeededCount === undefined) return errors;
  const at = `${field}.succeededCount`;
  errors.push(...nonNegative(at, succeededCount));
  if (succeededCount > completions) errors.push(invalid(at, succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`));
  if (succeededIndexes !== undefined && succeededCount > total) {
    errors.push(invalid(at, succeededCount, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`));
  }
  return errors;
}
