import type { MutatingWebhook } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import type { FieldError } from '../resource';
import { failurePolicies, matchPolicies, reinvocationPolicies, setRuleDefaults, validateConditions, validateRule } from './admission-rules';
import { duplicate, invalid, notSupported, oneOfIfSet, required } from './field-error';
import { dns1035Label, dnsSubdomain } from './names';
import { repeats } from './repeats';
import { validateLabelSelector } from './scheduling';
import { validateClient } from './webhook-client';

const reviewVersions = ['v1', 'v1beta1'];
const sideEffectClasses = ['None', 'NoneOnDryRun'];

/** Of webhooks of both kinds: a validating one has no reinvocation policy, all else is the same. */
export function setWebhookDefaults(webhooks: readonly MutatingWebhook[] | undefined): void {
  for (const webhook of webhooks ?? []) {
    webhook.failurePolicy ??= 'Fail';
    webhook.matchPolicy ??= 'Equivalent';
    webhook.namespaceSelector ??= {};
    webhook.objectSelector ??= {};
    webhook.timeoutSeconds ??= 10;
    if (webhook.clientConfig?.service) webhook.clientConfig.service.port ??= 443;
    setRuleDefaults(webhook.rules);
  }
}

export function validateWebhooks(webhooks: readonly MutatingWebhook[] | undefined): FieldError[] {
  const names = new Set<string>();
  return (webhooks ?? []).flatMap((webhook, index) => {
    const field = `webhooks[${index}]`;
    const { name = '' } = webhook;
    const errors = validateWebhook(webhook, field);
    if (name !== '' && names.has(name)) errors.push(duplicate(`${field}.name`, name));
    names.add(name);
    return errors;
  });
}

function validateWebhook(webhook: MutatingWebhook, field: string): FieldError[] {
  const { name = '', rules = [], sideEffects, timeoutSeconds, clientConfig = {}, matchConditions = [], admissionReviewVersions = [] } = webhook;
  return [
    ...validateFullName(name, `${field}.name`),
    ...rules.flatMap((rule, index) => validateRule(rule, `${field}.rules[${index}]`)),
    ...oneOfIfSet(`${field}.failurePolicy`, webhook.failurePolicy, failurePolicies), ...oneOfIfSet(`${field}.matchPolicy`, webhook.matchPolicy, matchPolicies),
    ...(sideEffects === undefined ? [required(`${field}.sideEffects`, `must specify one of ${sideEffectClasses.join(', ')}`)]
      : sideEffectClasses.includes(sideEffects) ? [] : [notSupported(`${field}.sideEffects`, sideEffects, sideEffectClasses)]),
    ...(timeoutSeconds !== undefined && (timeoutSeconds > 30 || timeoutSeconds < 1) ? [invalid(`${field}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')] : []),
    ...validateLabelSelector(webhook.namespaceSelector, `${field}.namespaceSelector`), ...validateLabelSelector(webhook.objectSelector, `${field}.objectSelector`),
    ...oneOfIfSet(`${field}.reinvocationPolicy`, webhook.reinvocationPolicy, reinvocationPolicies),
    ...validateClient(clientConfig, `${field}.clientConfig`),
    ...validateConditions(matchConditions, `${field}.matchConditions`),
    ...validateReviewVersions(admissionReviewVersions, `${field}.admissionReviewVersions`),
  ];
}

function validateFullName(name: string, field: string): FieldError[] {
  if (name === '') return [required(field)];
  const complaints = dnsSubdomain(name);
  if (complaints.length > 0) return [invalid(field, name, complaints.join(','))];
  return name.split('.').length < 3 ? [invalid(field, name, 'should be a domain with at least three segments separated by dots')] : [];
}

function validateReviewVersions(versions: readonly string[], field: string): FieldError[] {
  if (versions.length === 0) return [required(field, `must specify one of ${reviewVersions.join(', ')}`)];
  const repeated = repeats(versions);
  const errors = versions.flatMap((version, index) => (repeated[index] ? [invalid(`${field}[${index}]`, version, 'duplicate version')]
    : dns1035Label(version).map((complaint) => invalid(`${field}[${index}]`, version, complaint))));
  return versions.some((version) => reviewVersions.includes(version)) ? errors : [...errors, invalid(field, versions, `must include at least one of ${reviewVersions.join(', ')}`)];
}
