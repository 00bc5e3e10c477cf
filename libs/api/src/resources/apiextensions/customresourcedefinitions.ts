import type { CustomResourceDefinition } from '@navarch/proto/k8s/io/apiextensions_apiserver/pkg/apis/apiextensions/v1/apiextensions';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { validateDefinition, validateFixedParts, validateStoredVersions } from '../../validation/custom-resource-definition';
import { dnsSubdomain } from '../../validation/names';
import { validateMeta, validateMetaUpdate, type MetaRules } from '../../validation/object-meta';
import { createdAtColumn, nameColumn } from '../columns';

/** The name says what is defined, so that nothing can be defined twice. */
function metaOf({ spec }: CustomResourceDefinition): MetaRules {
  const wanted = `${spec?.names?.plural ?? ''}.${spec?.group ?? ''}`;
  return { namespaced: false, name: (name) => (name === wanted ? dnsSubdomain(name) : ['must be spec.names.plural+"."+spec.group']) };
}

function setDefaults(definition: CustomResourceDefinition): void {
  const spec = (definition.spec ??= {});
  const names = (spec.names ??= {});
  if (names.kind !== undefined) {
    names.singular ??= names.kind.toLowerCase();
    names.listKind ??= `${names.kind}List`;
  }
  spec.conversion = { ...spec.conversion, strategy: spec.conversion?.strategy ?? 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service) service.port ??= 443;
}

/** Objects may from now on be stored in this version too. */
function rememberStorageVersion(definition: CustomResourceDefinition): void {
  const name = definition.spec?.versions?.find(({ storage }) => storage)?.name;
  const stored = definition.status?.storedVersions ?? [];
  if (name !== undefined && !stored.includes(name)) definition.status = { ...definition.status, storedVersions: [...stored, name] };
}

const lifecycle = countedGeneration<CustomResourceDefinition>();

/** As an object only: the kinds it defines enter the registry by the part that serves custom resources. */
export const customResourceDefinitions = defineResource<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition', plural: 'customresourcedefinitions', shortNames: ['crd', 'crds'],
  categories: ['api-extensions'], namespaced: false, subresources: ['status'],
  codec: codecFor<CustomResourceDefinition>('k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition'),
  setDefaults,
  prepareForCreate(definition) {
    lifecycle.prepareForCreate(definition);
    rememberStorageVersion(definition);
  },
  prepareForUpdate(next, previous) {
    lifecycle.prepareForUpdate(next, previous);
    rememberStorageVersion(next);
  },
  validateCreate: (definition) => [...validateMeta(definition, metaOf(definition)), ...validateDefinition(definition)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, metaOf(next)), ...validateDefinition(next), ...validateFixedParts(next, previous)],
  status: statusStrategy<CustomResourceDefinition>((next, previous) => [...validateMetaUpdate(next, previous, metaOf(next)), ...validateStoredVersions(next)]),
  columns: [nameColumn, createdAtColumn],
});
