import type { MutatingAdmissionPolicy, Mutation } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { validateConstraints, validateParamKind, validateVariables } from '../../validation/admission-policy';
import { failurePolicies, reinvocationPolicies, setMatchDefaults, validateConditions } from '../../validation/admission-rules';
import { forbidden, oneOf, required } from '../../validation/field-error';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';
import { paramKindColumn } from './policy-columns';

const meta = { namespaced: false, name: subdomainName };
/** The member that holds the expression of each type of patch. */
const patchMembers = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

function validate({ spec = {} }: MutatingAdmissionPolicy): FieldError[] {
  const { failurePolicy, reinvocationPolicy, paramKind, matchConstraints, matchConditions = [], variables = [], mutations = [] } = spec;
  return [
    ...oneOf('spec.failurePolicy', failurePolicy, failurePolicies), ...validateParamKind(paramKind), ...validateConstraints(matchConstraints),
    ...validateConditions(matchConditions, 'spec.matchConditions'), ...validateVariables(variables),
    ...(mutations.length === 0 ? [required('spec.mutations', 'mutations must contain at least one item')] : []),
    ...mutations.flatMap((mutation, index) => validateMutation(mutation, `spec.mutations[${index}]`)),
    ...oneOf('spec.reinvocationPolicy', reinvocationPolicy, reinvocationPolicies),
  ];
}

function validateMutation(mutation: Mutation, field: string): FieldError[] {
  const { patchType } = mutation;
  const errors = oneOf(`${field}.patchType`, patchType, Object.keys(patchMembers));
  if (errors.length > 0) return errors;
  return Object.entries(patchMembers).flatMap(([type, member]) => {
    const patch = mutation[member];
    if (type !== patchType) return patch ? [forbidden(`${field}.${member}`, `must not be set when patchType is ${patchType}`)] : [];
    if (!patch) return [required(`${field}.${member}`, `must be set when patchType is ${type}`)];
    return (patch.expression ?? '').trim() === '' ? [required(`${field}.${member}.expression`, 'expression is not specified')] : [];
  });
}

export const mutatingAdmissionPolicies = defineResource<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'MutatingAdmissionPolicy', plural: 'mutatingadmissionpolicies',
  categories: ['api-extensions'], namespaced: false,
  codec: codecFor<MutatingAdmissionPolicy>('k8s.io.api.admissionregistration.v1.MutatingAdmissionPolicy'),
  setDefaults(policy) {
    policy.spec = { ...policy.spec, failurePolicy: policy.spec?.failurePolicy ?? 'Fail' };
    setMatchDefaults(policy.spec.matchConstraints);
  },
  ...countedGeneration<MutatingAdmissionPolicy>(),
  validateCreate: (policy) => [...validateMeta(policy, meta), ...validate(policy)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  columns: [nameColumn, { name: 'Mutations', type: 'integer', description: 'How many mutations there are.', value: ({ spec }) => spec?.mutations?.length ?? 0 }, paramKindColumn, ageColumn],
});
