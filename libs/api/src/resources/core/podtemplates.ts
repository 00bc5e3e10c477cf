import type { PodTemplate } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { setTemplateDefaults } from '../../pod/template';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validatePodTemplate } from '../../validation/pod-template';
import { nameColumn } from '../columns';
import { containersColumn, imagesColumn, labelsCell } from '../workload-columns';

const meta = { namespaced: true, name: subdomainName };

export const podTemplates = defineResource<PodTemplate>({
  group: '', version: 'v1', kind: 'PodTemplate', plural: 'podtemplates', namespaced: true,
  codec: codecFor<PodTemplate>('k8s.io.api.core.v1.PodTemplate'),
  setDefaults: setTemplateDefaults,
  ...countedGeneration<PodTemplate>(({ template }) => template),
  validateCreate: (one) => [...validateMeta(one, meta), ...validatePodTemplate(one.template, 'template')],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validatePodTemplate(next.template, 'template')],
  columns: [
    nameColumn, containersColumn(({ template }) => template, 0), imagesColumn(({ template }) => template, 0),
    { name: 'Pod Labels', type: 'string', description: 'Labels that its pods get.', value: ({ template }) => labelsCell(template?.metadata?.labels) },
  ],
});
