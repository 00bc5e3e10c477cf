import type { MutatingWebhookConfiguration } from '@navarch/proto/k8s/io/api/admissionregistration/v1/admissionregistration';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { setWebhookDefaults, validateWebhooks } from '../../validation/webhooks';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };

export const mutatingWebhookConfigurations = defineResource<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: 'MutatingWebhookConfiguration', plural: 'mutatingwebhookconfigurations',
  categories: ['api-extensions'], namespaced: false,
  codec: codecFor<MutatingWebhookConfiguration>('k8s.io.api.admissionregistration.v1.MutatingWebhookConfiguration'),
  setDefaults({ Webhooks }) {
    setWebhookDefaults(Webhooks);
    for (const webhook of Webhooks ?? []) webhook.reinvocationPolicy ??= 'Never';
  },
  ...countedGeneration<MutatingWebhookConfiguration>(({ Webhooks }) => Webhooks),
  validateCreate: (configuration) => [...validateMeta(configuration, meta), ...validateWebhooks(configuration.Webhooks)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateWebhooks(next.Webhooks)],
  columns: [nameColumn, { name: 'Webhooks', type: 'integer', description: 'How many webhooks there are.', value: ({ Webhooks }) => Webhooks?.length ?? 0 }, ageColumn],
});
