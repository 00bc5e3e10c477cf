import type { PodDisruptionBudget } from '@navarch/proto/k8s/io/api/policy/v1/policy';
import type { IntOrString } from '@navarch/proto/k8s/io/apimachinery/pkg/util/intstr/intstr';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { intOrStringValue } from '../../scalars/int-or-string';
import { validateCounts } from '../../validation/counts';
import { invalid, oneOfIfSet } from '../../validation/field-error';
import { notMoreThanWhole, positiveIntOrPercent } from '../../validation/int-or-percent';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateLabelSelector } from '../../validation/scheduling';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };

function validateSpec({ spec = {} }: PodDisruptionBudget): FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec;
  const bound = (member: string, value: IntOrString | undefined): FieldError[] =>
    (value ? [...positiveIntOrPercent(`spec.${member}`, value), ...notMoreThanWhole(`spec.${member}`, value)] : []);
  return [
    ...(minAvailable && maxUnavailable ? [invalid('spec', { minAvailable: intOrStringValue(minAvailable), maxUnavailable: intOrStringValue(maxUnavailable) }, 'minAvailable and maxUnavailable cannot be both set')] : []),
    ...bound('minAvailable', minAvailable), ...bound('maxUnavailable', maxUnavailable),
    ...validateLabelSelector(selector, 'spec.selector'),
    ...oneOfIfSet('spec.unhealthyPodEvictionPolicy', unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget']),
  ];
}

const boundText = (bound: IntOrString | undefined): string => (bound ? String(intOrStringValue(bound)) : 'N/A');

export const podDisruptionBudgets = defineResource<PodDisruptionBudget>({
  group: 'policy', version: 'v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', shortNames: ['pdb'], namespaced: true,
  subresources: ['status'],
  codec: codecFor<PodDisruptionBudget>('k8s.io.api.policy.v1.PodDisruptionBudget'),
  ...countedGeneration<PodDisruptionBudget>(),
  validateCreate: (budget) => [...validateMeta(budget, meta), ...validateSpec(budget)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateSpec(next)],
  status: statusStrategy((next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validateCounts(next.status, 'status', ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods']),
  ]),
  columns: [
    nameColumn,
    { name: 'Min Available', type: 'string', description: 'Pods that must stay available.', value: ({ spec }) => boundText(spec?.minAvailable) },
    { name: 'Max Unavailable', type: 'string', description: 'Pods that may be unavailable.', value: ({ spec }) => boundText(spec?.maxUnavailable) },
    { name: 'Allowed Disruptions', type: 'integer', description: 'Pods that may be evicted now.', value: ({ status }) => status?.disruptionsAllowed ?? 0 },
    ageColumn,
  ],
});
