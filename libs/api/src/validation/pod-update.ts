import type { ContainerStatus, NodeSelectorTerm, Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { deepEqual } from '../deep-equal';
import type { FieldError } from '../resource';
import { isSidecar } from '../pod/requests';
import { forbidden, invalid, invalidEach } from './field-error';
import { ip } from './ip';
import { dnsSubdomain, qualifiedName } from './names';
import { validateMetaUpdate } from './object-meta';
import { podMeta, validateMirrorChange, validatePodAnnotations } from './pod';
import { validatePodSpec } from './pod-spec';
import { specDiff } from './spec-diff';

const systemConditions: ReadonlySet<string> = new Set(['PodScheduled', 'Ready', 'Initialized']);
const mutableText = 'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,'
  + '`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** A change through the main door: few fields of a pod's spec may change at all. */
export function validatePodUpdate(next: Pod, previous: Pod): FieldError[] {
  const errors = validateMetaUpdate(next, previous, podMeta);
  const after = next.spec ?? {};
  const before = previous.spec ?? {};
  errors.push(...validatePodSpec(after, 'spec'), ...validatePodAnnotations(next), ...validateMirrorChange(next, previous));
  const sameCounts = (['containers', 'initContainers'] as const).every((list) => after[list]?.length === before[list]?.length);
  if (!sameCounts) return [...errors, forbidden('spec.containers', 'pod updates may not add or remove containers')];
  errors.push(...validateDeadline(after, before), ...validateTolerations(after, before), ...validateGates(after, before), ...validateGated(after, before));
  const kept = withMutableFieldsOf(after, before);
  if (!deepEqual(kept, before)) errors.push(forbidden('spec', `${mutableText}\n${specDiff(before, kept)}`));
  return errors;
}

function isGated(spec: PodSpec): boolean {
  return (spec.schedulingGates?.length ?? 0) > 0;
}

/** The new spec with everything that may change put back, so that what still differs is forbidden. */
function withMutableFieldsOf(after: PodSpec, before: PodSpec): PodSpec {
  const images = (list: 'containers' | 'initContainers'): PodSpec[typeof list] =>
    after[list]?.map((container, index) => ({ ...container, image: before[list]?.[index]?.image }));
  const graceFixed = (before.terminationGracePeriodSeconds ?? 0) < 0 && after.terminationGracePeriodSeconds === 1;
  return {
    ...after,
    ...(after.containers && { containers: images('containers') }),
    ...(after.initContainers && { initContainers: images('initContainers') }),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    tolerations: before.tolerations,
    schedulingGates: before.schedulingGates,
    ...(graceFixed && { terminationGracePeriodSeconds: before.terminationGracePeriodSeconds }),
    ...(isGated(before) && { nodeSelector: before.nodeSelector, affinity: withNodeAffinityOf(before.affinity, after.affinity) }),
  };
}

/** Affinity to pods stays as it is also while a pod is gated. */
function withNodeAffinityOf(before: PodSpec['affinity'], after: PodSpec['affinity']): PodSpec['affinity'] {
  const { nodeAffinity: _changed, ...others } = after ?? {};
  const kept = { ...others, ...(before?.nodeAffinity && { nodeAffinity: before.nodeAffinity }) };
  return before === undefined && Object.values(kept).every((one) => one === undefined) ? undefined : kept;
}

function validateDeadline(after: PodSpec, before: PodSpec): FieldError[] {
  const field = 'spec.activeDeadlineSeconds';
  const [now, was] = [after.activeDeadlineSeconds, before.activeDeadlineSeconds];
  if (was === undefined) return [];
  if (now === undefined) return [invalid(field, now, 'must not update from a positive integer to nil value')];
  return now > was ? [invalid(field, now, 'must be less than or equal to previous value')] : [];
}

function validateTolerations(after: PodSpec, before: PodSpec): FieldError[] {
  const kept = (before.tolerations ?? []).every((old) => after.tolerations?.some((one) =>
    deepEqual({ ...one, tolerationSeconds: undefined }, { ...old, tolerationSeconds: undefined })));
  return kept ? [] : [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
}

function validateGates(after: PodSpec, before: PodSpec): FieldError[] {
  const old = new Set((before.schedulingGates ?? []).map(({ name }) => name));
  return (after.schedulingGates ?? []).flatMap(({ name }, index) =>
    (old.has(name) ? [] : [forbidden(`spec.schedulingGates[${index}].name`, 'only deletion is allowed, but found new scheduling gate \'' + (name ?? '') + '\'')]));
}

/** While gated, what a pod asks of nodes may only become stricter (KEP-3838). */
function validateGated(after: PodSpec, before: PodSpec): FieldError[] {
  if (!isGated(before)) return [];
  const errors: FieldError[] = [];
  const lost = Object.entries(before.nodeSelector ?? {}).some(([key, value]) => after.nodeSelector?.[key] !== value);
  if (lost) errors.push(invalid('spec.nodeSelector', after.nodeSelector ?? null, 'only additions to spec.nodeSelector are allowed (no mutations or deletions)'));
  const required = (spec: PodSpec) => spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const [now, was] = [required(after), required(before)];
  const field = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  if (was && now?.length !== was.length) errors.push(invalid(field, now ?? null, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed'));
  else for (const [index, term] of (was ?? []).entries()) {
    if (!onlyAdds(now?.[index] ?? {}, term)) errors.push(invalid(`${field}[${index}]`, now?.[index], 'only additions are allowed (no mutations or deletions)'));
  }
  return errors;
}

/** What was required comes first and unchanged; a term that selected nothing stays so. */
function onlyAdds(now: NodeSelectorTerm, was: NodeSelectorTerm): boolean {
  const begins = (member: 'matchExpressions' | 'matchFields'): boolean => deepEqual(now[member]?.slice(0, was[member]?.length ?? 0) ?? [], was[member] ?? []);
  const empty = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): boolean => matchExpressions.length + matchFields.length === 0;
  return empty(was) ? empty(now) : begins('matchExpressions') && begins('matchFields');
}

/** A change through the status door: addresses must be addresses, and what ended for good stays ended. */
export function validatePodStatusUpdate(next: Pod, previous: Pod): FieldError[] {
  const errors = validateMetaUpdate(next, previous, podMeta);
  const status = next.status ?? {};
  if (status.nominatedNodeName) errors.push(...invalidEach('status.nominatedNodeName', status.nominatedNodeName, dnsSubdomain(status.nominatedNodeName)));
  for (const [index, { type = '' }] of (status.conditions ?? []).entries()) {
    // The path is Kubernetes', which begins it at the metadata.
    if (!systemConditions.has(type)) errors.push(...invalidEach(`metadata.conditions[${index}].Type`, type, qualifiedName(type)));
  }
  for (const list of ['podIPs', 'hostIPs'] as const) {
    for (const [index, address] of (status[list] ?? []).entries()) errors.push(...invalidEach(`status.${list}[${index}]`, address.ip ?? '', ip(address.ip ?? '')));
    if ((status[list]?.length ?? 0) > 2) errors.push(invalid(`status.${list}`, status[list], 'may specify no more than one IP for each IP family'));
  }
  return [...errors, ...validateTransitions(next, previous)];
}

function validateTransitions({ spec = {}, status }: Pod, previous: Pod): FieldError[] {
  const policy = spec.restartPolicy ?? 'Always';
  const errors: FieldError[] = [];
  const containers = new Map([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map((container) => [container.name, container]));
  const policyOf = (name: string | undefined): string => containers.get(name)?.restartPolicy ?? policy;
  for (const [list, lastPolicy] of [['containerStatuses', policy], ['initContainerStatuses', policy === 'Always' ? 'OnFailure' : policy], ['ephemeralContainerStatuses', 'Never']] as const) {
    for (const [index, old] of (previous.status?.[list] ?? []).entries()) {
      const own = containers.get(old.name);
      if (own && (isSidecar(own) || own.restartPolicyRules?.length)) continue;
      const effective = list === 'containerStatuses' ? policyOf(old.name) : lastPolicy;
      if (cameBack(old, status?.[list]?.find(({ name }) => name === old.name), effective)) {
        errors.push(forbidden(`status.${list}[${index}].state`, 'may not be transitioned to non-terminated state'));
      }
    }
  }
  return errors;
}

function cameBack(old: ContainerStatus, now: ContainerStatus | undefined, policy: string): boolean {
  if (policy === 'Always' || !old.state?.terminated || !now || now.state?.terminated) return false;
  return policy === 'Never' || (old.state.terminated.exitCode ?? 0) === 0;
}
