import type { IngressClass, IngressClassParametersReference } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { forbidden, invalidEach, notSupported, required, tooLong } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { dnsLabel } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { domainPrefixedPath, validateTypedReference } from '../../validation/references';
import { ageColumn, defaultMarkedName, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };
const maxControllerLength = 250;
const defaultAnnotation = 'ingressclass.kubernetes.io/is-default-class';

function validate({ spec = {} }: IngressClass): FieldError[] {
  const { controller = '', parameters } = spec;
  const errors = controller === '' ? [required('spec.controller')] : [
    ...(controller.length > maxControllerLength ? [tooLong('spec.controller', maxControllerLength)] : []),
    ...domainPrefixedPath('spec.controller', controller),
  ];
  return parameters ? [...errors, ...validateParameters(parameters, 'spec.parameters')] : errors;
}

function validateParameters(parameters: IngressClassParametersReference, field: string): FieldError[] {
  const { scope, namespace } = parameters;
  const errors = validateTypedReference(parameters, field);
  const at = `${field}.namespace`;
  switch (scope) {
    case undefined:
      return [...errors, required(`${field}.scope`)];
    case 'Namespace':
      return [...errors, ...(namespace === undefined ? [required(at, "`parameters.scope` is set to 'Namespace'")] : invalidEach(at, namespace, dnsLabel(namespace)))];
    case 'Cluster':
      return namespace === undefined ? errors : [...errors, forbidden(at, "`parameters.scope` is set to 'Cluster'")];
    default:
      return [...errors, notSupported(`${field}.scope`, scope, ['Cluster', 'Namespace'])];
  }
}

function parametersText({ spec }: IngressClass): string {
  const parameters = spec?.parameters;
  if (!parameters) return '<none>';
  const group = parameters.aPIGroup ? `.${parameters.aPIGroup}` : '';
  return `${parameters.kind ?? ''}${group}/${parameters.name ?? ''}`;
}

export const ingressClasses = defineResource<IngressClass>({
  group: 'networking.k8s.io', version: 'v1', kind: 'IngressClass', plural: 'ingressclasses', namespaced: false,
  codec: codecFor<IngressClass>('k8s.io.api.networking.v1.IngressClass'),
  setDefaults({ spec }) {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
  },
  ...countedGeneration<IngressClass>(),
  validateCreate: (ingressClass) => [...validateMeta(ingressClass, meta), ...validate(ingressClass)],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta), ...unchanged('spec.controller', next.spec?.controller, previous.spec?.controller), ...validate(next),
  ],
  columns: [
    { ...nameColumn, value: defaultMarkedName(defaultAnnotation) },
    { name: 'Controller', type: 'string', description: 'Controller that is responsible for handling this class', value: ({ spec }) => spec?.controller ?? '' },
    { name: 'Parameters', type: 'string', description: 'A reference to a resource with additional parameters', value: parametersText },
    ageColumn,
  ],
});
