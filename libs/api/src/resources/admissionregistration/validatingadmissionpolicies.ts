import type { AuditAnnotation, ExpressionWarning, ValidatingAdmissionPolicy, Validation } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { validateConstraints, validateParamKind, validateVariables } from '../../validation/admission-policy';
import { failurePolicies, setMatchDefaults, validateConditions } from '../../validation/admission-rules';
import { duplicate, invalid, invalidEach, oneOf, oneOfIfSet, required } from '../../validation/field-error';
import { qualifiedName } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';
import { paramKindColumn } from './policy-columns';

const meta = { namespaced: false, name: subdomainName };
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const maxAnnotations = 20;
const maxAnnotationExpression = 5 * 1024;

function validate({ metadata, spec = {} }: ValidatingAdmissionPolicy): FieldError[] {
  const { failurePolicy, paramKind, matchConstraints, matchConditions = [], variables = [], validations = [], auditAnnotations = [] } = spec;
  const nothing = 'validations or auditAnnotations must contain at least one item';
  return [
    ...oneOf('spec.failurePolicy', failurePolicy, failurePolicies), ...validateParamKind(paramKind), ...validateConstraints(matchConstraints),
    ...validateConditions(matchConditions, 'spec.matchConditions'), ...validateVariables(variables),
    ...(validations.length + auditAnnotations.length === 0 ? [required('spec.validations', nothing), required('spec.auditAnnotations', nothing)] : []),
    ...validations.flatMap((validation, index) => validateValidation(validation, `spec.validations[${index}]`)),
    ...validateAnnotations(auditAnnotations, metadata?.name ?? '', 'spec.auditAnnotations'),
  ];
}

function validateValidation({ Expression: expression = '', message, messageExpression, reason }: Validation, field: string): FieldError[] {
  const errors = expression.trim() === '' ? [required(`${field}.expression`, 'expression is not specified')] : [];
  if (messageExpression && messageExpression.trim() === '') errors.push(invalid(`${field}.messageExpression`, messageExpression, 'must be non-empty if specified'));
  if (message && message.trim() === '') errors.push(invalid(`${field}.message`, message, 'message must be non-empty if specified'));
  else if (message && /[\n\r]/.test(message.trim())) errors.push(invalid(`${field}.message`, message, 'message must not contain line breaks'));
  return [...errors, ...oneOfIfSet(`${field}.reason`, reason, reasons)];
}

/** Keys are prefixed with the policy's name where they are written, so that is what must be a valid name. */
function validateAnnotations(annotations: readonly AuditAnnotation[], policy: string, field: string): FieldError[] {
  const keys = new Set<string>();
  return [
    ...(annotations.length > maxAnnotations ? [invalid(field, annotations, `must not have more than ${maxAnnotations} auditAnnotations`)] : []),
    ...annotations.flatMap(({ key = '', valueExpression = '' }, index) => {
      const at = `${field}[${index}]`;
      const errors = invalidEach(`${at}.key`, `${policy}/${key}`, qualifiedName(`${policy}/${key}`));
      const expression = valueExpression.trim();
      if (expression === '') errors.push(required(`${at}.valueExpression`, 'valueExpression is not specified'));
      else if (expression.length > maxAnnotationExpression) errors.push(required(`${at}.valueExpression`, `must not exceed ${maxAnnotationExpression} bytes in length`));
      if (keys.has(key)) errors.push(duplicate(`${at}.key`, key));
      keys.add(key);
      return errors;
    }),
  ];
}

function validateWarnings(warnings: readonly ExpressionWarning[], field: string): FieldError[] {
  return warnings.flatMap(({ warning, fieldRef = '' }, index) => [
    ...(warning ? [] : [required(`${field}[${index}].warning`)]), ...(fieldRef.trim() === '' ? [required(`${field}[${index}].fieldRef`)] : []),
  ]);
}

export const validatingAdmissionPolicies = defineResource<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'ValidatingAdmissionPolicy', plural: 'validatingadmissionpolicies',
  categories: ['api-extensions'], namespaced: false, subresources: ['status'],
  codec: codecFor<ValidatingAdmissionPolicy>('k8s.io.api.admissionregistration.v1.ValidatingAdmissionPolicy'),
  setDefaults(policy) {
    policy.spec = { ...policy.spec, failurePolicy: policy.spec?.failurePolicy ?? 'Fail' };
    setMatchDefaults(policy.spec.matchConstraints);
  },
  ...countedGeneration<ValidatingAdmissionPolicy>(),
  validateCreate: (policy) => [...validateMeta(policy, meta), ...validate(policy)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  status: statusStrategy<ValidatingAdmissionPolicy>((next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...validateWarnings(next.status?.typeChecking?.expressionWarnings ?? [], 'status.typeChecking.expressionWarnings'),
  ]),
  columns: [
    nameColumn, { name: 'Validations', type: 'integer', description: 'How many validations there are.', value: ({ spec }) => spec?.validations?.length ?? 0 }, paramKindColumn, ageColumn,
  ],
});
