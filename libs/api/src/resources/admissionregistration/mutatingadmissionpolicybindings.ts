import type { MutatingAdmissionPolicyBinding } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { validateBindingSpec } from '../../validation/admission-policy';
import { setMatchDefaults } from '../../validation/admission-rules';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';
import { paramRefColumn, policyNameColumn } from './policy-columns';

const meta = { namespaced: false, name: subdomainName };

export const mutatingAdmissionPolicyBindings = defineResource<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'MutatingAdmissionPolicyBinding', plural: 'mutatingadmissionpolicybindings',
  categories: ['api-extensions'], namespaced: false,
  codec: codecFor<MutatingAdmissionPolicyBinding>('k8s.io.api.admissionregistration.v1.MutatingAdmissionPolicyBinding'),
  setDefaults: ({ spec }) => setMatchDefaults(spec?.matchResources),
  ...countedGeneration<MutatingAdmissionPolicyBinding>(),
  validateCreate: (binding) => [...validateMeta(binding, meta), ...validateBindingSpec(binding.spec ?? {})],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateBindingSpec(next.spec ?? {})],
  columns: [nameColumn, policyNameColumn, paramRefColumn, ageColumn],
});
