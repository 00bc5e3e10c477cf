import type { ParamKind, ParamRef } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import type { ApiObject, Column } from '../../resource';
import { selectorText } from '../../selectors/selector-text';

type Policy = ApiObject & { readonly spec?: { readonly paramKind?: ParamKind } };
type Binding = ApiObject & { readonly spec?: { readonly policyName?: string; readonly paramRef?: ParamRef } };

export const paramKindColumn: Column<Policy> = {
  name: 'ParamKind', type: 'string', description: 'The kind of the objects that parametrize the policy.',
  value: ({ spec }) => (spec?.paramKind ? `${spec.paramKind.apiVersion ?? ''}/${spec.paramKind.kind ?? ''}` : '<unset>'),
};

export const policyNameColumn: Column<Binding> = { name: 'PolicyName', type: 'string', description: 'The policy that is bound.', value: ({ spec }) => spec?.policyName ?? '' };

export const paramRefColumn: Column<Binding> = {
  name: 'ParamRef', type: 'string', description: 'The parameters that the policy is bound with.',
  value: ({ spec }) => {
    if (!spec?.paramRef) return '<unset>';
    const { name, namespace, selector } = spec.paramRef;
    if (name) return `${namespace ?? '*'}/${name}`;
    return selector ? selectorText(selector) : '<unset>';
  },
};
