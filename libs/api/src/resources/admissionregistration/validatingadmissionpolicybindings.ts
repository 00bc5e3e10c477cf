import type { ValidatingAdmissionPolicyBinding } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { validateBindingSpec } from '../../validation/admission-policy';
import { setMatchDefaults } from '../../validation/admission-rules';
import { invalid, notSupported, required } from '../../validation/field-error';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { duplicates } from '../../validation/repeats';
import { ageColumn, nameColumn } from '../columns';
import { paramRefColumn, policyNameColumn } from './policy-columns';

const meta = { namespaced: false, name: subdomainName };
const actionNames = ['Audit', 'Deny', 'Warn'];

function validateActions(actions: readonly string[], field: string): FieldError[] {
  if (actions.length === 0) return [required(field, 'at least one validation action is required')];
  const errors = [...actions.flatMap((action, index) => (actionNames.includes(action) ? [] : [notSupported(`${field}[${index}]`, action, actionNames)])), ...duplicates(field, actions)];
  if (!actions.includes('Deny') || !actions.includes('Warn')) return errors;
  return [...errors, invalid(field, actions, 'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)')];
}

const validate = ({ spec = {} }: ValidatingAdmissionPolicyBinding): FieldError[] => [...validateBindingSpec(spec), ...validateActions(spec.validationActions ?? [], 'spec.validationActions')];

export const validatingAdmissionPolicyBindings = defineResource<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'ValidatingAdmissionPolicyBinding', plural: 'validatingadmissionpolicybindings',
  categories: ['api-extensions'], namespaced: false,
  codec: codecFor<ValidatingAdmissionPolicyBinding>('k8s.io.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding'),
  setDefaults: ({ spec }) => setMatchDefaults(spec?.matchResources),
  ...countedGeneration<ValidatingAdmissionPolicyBinding>(),
  validateCreate: (binding) => [...validateMeta(binding, meta), ...validate(binding)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  columns: [nameColumn, policyNameColumn, paramRefColumn, ageColumn],
});
