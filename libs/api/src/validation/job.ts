import type { Job, JobSpec } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Affinity, PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { deepEqual } from '../deep-equal';
import type { FieldError } from '../resource';
import { matcherFor } from '../selectors/label-selector';
import { validateCounts } from './counts';
import { invalid, notSupported, required, tooLong } from './field-error';
import { unchanged } from './immutable';
import { validateFailurePolicy, validateSuccessPolicy } from './job-policies';
import { dnsLabel } from './names';
import { validatePodTemplate, validateSelectsTemplate } from './pod-template';
import { domainPrefixedPath } from './references';
import { validateLabelSelector } from './scheduling';

/** Labels by which a job finds its pods, with and without prefix. */
export const jobLabels = { uid: ['controller-uid', 'batch.kubernetes.io/controller-uid'], name: ['job-name', 'batch.kubernetes.io/job-name'] } as const;

const manyIndexes = 100_000;
const limitForMany = 10_000;
const indexedOnly = 'requires indexed completion mode';

/** A job's spec, or the one in a cron job's template: everything but the selector. Defaults must have been set. */
export function validateJobTemplate(spec: JobSpec, field: string): FieldError[] {
  return [
    ...validateCounts(spec, field, ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes']),
    ...(spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined ? [required(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified')] : []),
    ...validateManager(spec.managedBy, `${field}.managedBy`),
    ...validateMode(spec, field),
    ...(spec.podFailurePolicy ? validateFailurePolicy(spec, `${field}.podFailurePolicy`) : []),
    ...validateSuccess(spec, `${field}.successPolicy`),
    ...validateReplacement(spec, `${field}.podReplacementPolicy`),
    ...validatePodTemplate(spec.template, `${field}.template`),
    ...validateRestart(spec, `${field}.template.spec.restartPolicy`),
  ];
}

function validateManager(manager: string | undefined, field: string): FieldError[] {
  if (manager === undefined) return [];
  return [...domainPrefixedPath(field, manager), ...(manager.length > 63 ? [tooLong(field, 63)] : [])];
}

function validateMode(spec: JobSpec, field: string): FieldError[] {
  const { completionMode = 'NonIndexed', backoffLimitPerIndex, maxFailedIndexes } = spec;
  if (completionMode === 'Indexed') return validateIndexed(spec, field);
  if (completionMode !== 'NonIndexed') return [notSupported(`${field}.completionMode`, completionMode, ['NonIndexed', 'Indexed'])];
  return [
    ...(backoffLimitPerIndex === undefined ? [] : [invalid(`${field}.backoffLimitPerIndex`, backoffLimitPerIndex, indexedOnly)]),
    ...(maxFailedIndexes === undefined ? [] : [invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, indexedOnly)]),
  ];
}

function validateSuccess(spec: JobSpec, field: string): FieldError[] {
  if (!spec.successPolicy) return [];
  return spec.completionMode === 'Indexed' ? validateSuccessPolicy(spec, field) : [invalid(field, spec.successPolicy, indexedOnly)];
}

function validateIndexed({ completions, parallelism = 0, maxFailedIndexes, backoffLimitPerIndex }: JobSpec, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const above = (member: string, value: number | undefined, limit: number, text: string): void => {
    if (value !== undefined && value > limit) errors.push(invalid(`${field}.${member}`, value, `must be less than or equal to ${text}`));
  };
  if (completions === undefined) errors.push(required(`${field}.completions`, 'when completion mode is Indexed'));
  above('parallelism', parallelism, manyIndexes, `${manyIndexes} when completion mode is Indexed`);
  if (completions !== undefined) above('maxFailedIndexes', maxFailedIndexes, completions, 'completions');
  above('maxFailedIndexes', maxFailedIndexes, manyIndexes, String(manyIndexes));
  if (completions === undefined || completions <= manyIndexes || backoffLimitPerIndex === undefined) return errors;
  const text = `${limitForMany} when completions are above ${manyIndexes} and used with backoff limit per index`;
  if (maxFailedIndexes === undefined) errors.push(required(`${field}.maxFailedIndexes`, `must be specified when completions is above ${manyIndexes}`));
  above('parallelism', parallelism, limitForMany, text);
  above('maxFailedIndexes', maxFailedIndexes, limitForMany, text);
  return errors;
}

function validateReplacement({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec, field: string): FieldError[] {
  const supported = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return policy === undefined || supported.includes(policy) ? [] : [notSupported(field, policy, supported)];
}

function validateRestart({ template, podFailurePolicy }: JobSpec, field: string): FieldError[] {
  const policy = template?.spec?.restartPolicy ?? 'Always';
  if (policy === 'Always') return [required(field, 'valid values: "OnFailure", "Never"')];
  if (policy !== 'OnFailure' && policy !== 'Never') return [notSupported(field, policy, ['OnFailure', 'Never'])];
  return podFailurePolicy && policy !== 'Never' ? [invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified')] : [];
}

export function validateJobSpec(spec: JobSpec, field: string): FieldError[] {
  return [
    ...validateJobTemplate(spec, field),
    ...(spec.selector ? validateLabelSelector(spec.selector, `${field}.selector`) : [required(`${field}.selector`)]),
    ...validateSelectsTemplate(spec.selector, spec.template, `${field}.template`),
  ];
}

/** Unless the user manages it, the selector is the generated one, and the template carries its labels. */
export function validateGenerated({ metadata, spec = {} }: Job): FieldError[] {
  if (spec.manualSelector || !spec.selector) return [];
  const { uid, name = '' } = metadata ?? {};
  const errors = uid ? [] : [required('metadata.uid')];
  const wanted: Readonly<Record<string, string>> = Object.fromEntries([...jobLabels.uid.map((key) => [key, uid ?? '']), ...jobLabels.name.map((key) => [key, name])]);
  const labels = spec.template?.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(wanted)) {
    const field = 'spec.template.metadata.labels';
    if (!Object.hasOwn(labels, key)) errors.push(required(`${field}[${key}]`, `must be '${value}'`));
    else if (labels[key] !== value) errors.push(invalid(`${field}[${key}]`, labels, `must be '${value}'`));
  }
  const { matchLabels = {}, matchExpressions = [] } = spec.selector;
  const exact = Object.entries(matchLabels).map(([key, value]) => ({ key, operator: 'In' as const, values: [value] }));
  if (matchExpressions.length > 0 || !matcherFor(exact).matches(wanted)) errors.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'));
  return errors;
}

/** The host names of an indexed job's pods end with their index; the longest must still be a label. */
export function validateHostnames({ metadata, spec = {} }: Job): FieldError[] {
  if (spec.completionMode !== 'Indexed' || !spec.completions || spec.completions < 0) return [];
  const longest = `${metadata?.name ?? ''}-${spec.completions - 1}`;
  return dnsLabel(longest).length === 0 ? [] : [invalid('metadata.name', metadata?.name ?? '', `will not able to create pod with invalid DNS label: ${longest}`)];
}

/** What a job may not change once it is there. */
export function validateJobSpecUpdate(next: Job, previous: Job): FieldError[] {
  const after = next.spec ?? {};
  const before = previous.spec ?? {};
  const still = (member: keyof JobSpec): FieldError[] => unchanged(`spec.${member}`, after[member], before[member]);
  return [
    ...validateCompletionsUpdate(after, before), ...still('selector'),
    ...validateTemplateUpdate(after, before, previous.status?.startTime === undefined && before.suspend === true),
    ...still('completionMode'), ...still('podFailurePolicy'), ...still('backoffLimitPerIndex'), ...still('managedBy'), ...still('successPolicy'),
  ];
}

/** An indexed job grows and shrinks with its parallelism (KEP-3715). */
function validateCompletionsUpdate(after: JobSpec, before: JobSpec): FieldError[] {
  if (after.completionMode !== 'Indexed') return unchanged('spec.completions', after.completions, before.completions);
  if (after.completions === undefined || after.completions === before.completions || after.completions === after.parallelism) return [];
  return [invalid('spec.completions', after.completions, 'can only be modified in tandem with spec.parallelism')];
}

/** Where its pods may run can still change while a job is suspended and has never started (KEP-2926). */
function validateTemplateUpdate(after: JobSpec, before: JobSpec, schedulingIsOpen: boolean): FieldError[] {
  const kept = schedulingIsOpen ? withSchedulingOf(before.template, after.template) : before.template;
  return deepEqual(after.template, kept) ? [] : [invalid('spec.template', after.template, 'field is immutable')];
}

function withSchedulingOf(before: PodTemplateSpec = {}, after: PodTemplateSpec = {}): PodTemplateSpec {
  const { nodeSelector, tolerations, schedulingGates, affinity } = after.spec ?? {};
  return {
    ...before,
    metadata: { ...before.metadata, labels: after.metadata?.labels, annotations: after.metadata?.annotations },
    spec: { ...before.spec, nodeSelector, tolerations, schedulingGates, affinity: withNodeAffinityOf(before.spec?.affinity, affinity) },
  };
}

function withNodeAffinityOf(before: Affinity | undefined, after: Affinity | undefined): Affinity | undefined {
  if (!before && !after) return undefined;
  const merged: Affinity = { ...before, nodeAffinity: after?.nodeAffinity };
  return !after && !merged.podAffinity && !merged.podAntiAffinity ? undefined : merged;
}
