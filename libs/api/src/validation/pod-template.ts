import type { PodSpec, PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { LabelSelector } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import type { FieldError } from '../resource';
import { matcherFor, matcherOf, type LabelMatcher } from '../selectors/label-selector';
import { forbidden, invalid, notSupported, required } from './field-error';
import { validateAnnotations, validateLabels } from './object-meta';
import { validatePodSpec } from './pod-spec';
import { validateLabelSelector } from './scheduling';

/** A pod to be made later. Defaults must have been set. */
export function validatePodTemplate(template: PodTemplateSpec | undefined, field: string): FieldError[] {
  const { metadata, spec = {} } = template ?? {};
  return [
    ...validateLabels(metadata?.labels, `${field}.labels`),
    ...validateAnnotations(metadata?.annotations, `${field}.annotations`),
    ...validatePodSpec(spec, `${field}.spec`),
    ...(spec.ephemeralContainers?.length ? [forbidden(`${field}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template')] : []),
  ];
}

/** What kinds whose pods run for good ask of their template, beyond its own validity. */
export function validateEndless(spec: PodSpec | undefined, field: string, kind: string): FieldError[] {
  const { restartPolicy = '', activeDeadlineSeconds } = spec ?? {};
  return [
    ...(restartPolicy === 'Always' ? [] : [notSupported(`${field}.spec.restartPolicy`, restartPolicy, ['Always'])]),
    ...(activeDeadlineSeconds === undefined ? [] : [forbidden(`${field}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`)]),
  ];
}

/** A selector that must be there and must select something. `kind` is what the complaint about an empty one calls the owner. */
export function validateOwnSelector(selector: LabelSelector | undefined, field: string, kind: string): FieldError[] {
  if (!selector) return [required(field)];
  return [...validateLabelSelector(selector, field), ...(isEmptySelector(selector) ? [invalid(field, selector, `empty selector is invalid for ${kind}`)] : [])];
}

export function isEmptySelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}

/** What a selector makes must be what it selects. A selector that is none is complained of elsewhere. */
export function validateSelectsTemplate(selector: LabelSelector | undefined, template: PodTemplateSpec | undefined, field: string): FieldError[] {
  const labels = template?.metadata?.labels;
  if (selector && isEmptySelector(selector)) return [];
  return matcherIfAny(selector).matches(labels) ? [] : [invalid(`${field}.metadata.labels`, labels ?? {}, '`selector` does not match template `labels`')];
}

function matcherIfAny(selector: LabelSelector | undefined): LabelMatcher {
  const known = ['In', 'NotIn', 'Exists', 'DoesNotExist'];
  if (selector?.matchExpressions?.some(({ operator = '' }) => !known.includes(operator))) return matcherFor([]);
  return matcherOf(selector);
}
