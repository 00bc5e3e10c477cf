import { matchesRequirement, qosClassOf, type ApiObject, type Resource } from '@navarch/api';
import type { PersistentVolumeClaim, Pod, PodSpec, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '@navarch/proto/k8s/io/api/core/v1/core';

/** Whether a quota of these scopes counts the object. Only pods and claims can be told apart; everything else is in no scope. */
export function inScopes(resource: Pick<Resource, 'group' | 'plural'>, object: ApiObject, { scopes = [], scopeSelector }: ResourceQuotaSpec): boolean {
  const wanted: ScopedResourceSelectorRequirement[] = [...scopes.map((scopeName) => ({ scopeName, operator: 'Exists' })), ...(scopeSelector?.matchExpressions ?? [])];
  if (wanted.length === 0) return true;
  if (resource.group !== '') return false;
  if (resource.plural === 'pods') return wanted.every((requirement) => podInScope(object, requirement));
  if (resource.plural === 'persistentvolumeclaims') return wanted.every((requirement) => claimInScope(object, requirement));
  return false;
}

function podInScope({ spec = {} }: Pod, requirement: ScopedResourceSelectorRequirement): boolean {
  switch (requirement.scopeName) {
    case 'Terminating': return spec.activeDeadlineSeconds !== undefined;
    case 'NotTerminating': return spec.activeDeadlineSeconds === undefined;
    case 'BestEffort': return qosClassOf(spec) === 'BestEffort';
    case 'NotBestEffort': return qosClassOf(spec) !== 'BestEffort';
    case 'CrossNamespacePodAffinity': return reachesOtherNamespaces(spec);
    case 'PriorityClass': return named(requirement, spec.priorityClassName);
    default: return false;
  }
}

function claimInScope({ spec }: PersistentVolumeClaim, requirement: ScopedResourceSelectorRequirement): boolean {
  return requirement.scopeName === 'VolumeAttributesClass' && named(requirement, spec?.volumeAttributesClassName);
}

/** As a label selector would say of a label that is the class's name. */
function named({ operator = '', values = [] }: ScopedResourceSelectorRequirement, name: string | undefined): boolean {
  const key = 'class';
  return (operator === 'In' || operator === 'NotIn' || operator === 'Exists' || operator === 'DoesNotExist') && matchesRequirement({ key, operator, values }, name ? { [key]: name } : {});
}

function reachesOtherNamespaces({ affinity }: PodSpec): boolean {
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((one) => [
    ...(one?.requiredDuringSchedulingIgnoredDuringExecution ?? []), ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some((term) => (term?.namespaces?.length ?? 0) > 0 || term?.namespaceSelector !== undefined);
}
