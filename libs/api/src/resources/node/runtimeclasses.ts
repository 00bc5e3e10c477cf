import type { RuntimeClass } from '@navarch/proto/k8s/io/api/node/v1/node';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { invalidEach } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { dnsLabel } from '../../validation/names';
import { subdomainName, validateLabels, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { validateResources } from '../../validation/resources';
import { validateTolerations } from '../../validation/scheduling';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };

function validate({ handler = '', overhead, scheduling }: RuntimeClass): FieldError[] {
  return [
    ...invalidEach('handler', handler, dnsLabel(handler)),
    ...(overhead ? validateResources({ limits: overhead.podFixed }, 'overhead', new Set()) : []),
    ...validateLabels(scheduling?.nodeSelector, 'scheduling.nodeSelector'),
    ...validateTolerations(scheduling?.tolerations ?? [], 'scheduling.tolerations'),
  ];
}

export const runtimeClasses = defineResource<RuntimeClass>({
  group: 'node.k8s.io', version: 'v1', kind: 'RuntimeClass', plural: 'runtimeclasses', namespaced: false,
  codec: codecFor<RuntimeClass>('k8s.io.api.node.v1.RuntimeClass'),
  validateCreate: (runtimeClass) => [...validateMeta(runtimeClass, meta), ...validate(runtimeClass)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next), ...unchanged('handler', next.handler, previous.handler)],
  columns: [nameColumn, { name: 'Handler', type: 'string', description: 'The runtime and its configuration, as the CRI names it.', value: ({ handler }) => handler ?? '' }, ageColumn],
});
