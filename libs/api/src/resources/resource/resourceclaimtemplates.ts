import type { ResourceClaimTemplate } from '@navarch/proto/k8s/io/api/resource/v1/resource';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { setClaimDefaults, validateClaimSpec } from '../../validation/device-claim';
import { unchanged } from '../../validation/immutable';
import { subdomainName, validateAnnotations, validateLabels, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };

export const resourceClaimTemplates = defineResource<ResourceClaimTemplate>({
  group: 'resource.k8s.io', version: 'v1', kind: 'ResourceClaimTemplate', plural: 'resourceclaimtemplates', namespaced: true,
  codec: codecFor<ResourceClaimTemplate>('k8s.io.api.resource.v1.ResourceClaimTemplate'),
  setDefaults: ({ spec }) => setClaimDefaults(spec?.spec),
  validateCreate: (template) => [
    ...validateMeta(template, meta),
    ...validateLabels(template.spec?.metadata?.labels, 'spec.metadata.labels'), ...validateAnnotations(template.spec?.metadata?.annotations, 'spec.metadata.annotations'),
    ...validateClaimSpec(template.spec?.spec, 'spec.spec'),
  ],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...unchanged('spec', next.spec, previous.spec)],
  columns: [nameColumn, ageColumn],
});
