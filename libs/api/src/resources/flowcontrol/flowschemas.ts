import type { FlowSchema } from '@navarch/proto/k8s/io/api/flowcontrol/v1/flowcontrol';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import { validateConditionTypes, validateFlowSchemaSpec } from '../../validation/flow-schema';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };

export const flowSchemas = defineResource<FlowSchema>({
  group: 'flowcontrol.apiserver.k8s.io', version: 'v1', kind: 'FlowSchema', plural: 'flowschemas', namespaced: false, subresources: ['status'],
  codec: codecFor<FlowSchema>('k8s.io.api.flowcontrol.v1.FlowSchema'),
  setDefaults(schema) {
    schema.spec = { ...schema.spec, matchingPrecedence: schema.spec?.matchingPrecedence ?? 1000 };
  },
  ...countedGeneration<FlowSchema>(),
  validateCreate: (schema) => [...validateMeta(schema, meta), ...validateFlowSchemaSpec(schema)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateFlowSchemaSpec(next)],
  status: statusStrategy<FlowSchema>((next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateConditionTypes(next.status?.conditions ?? [], 'status.conditions')]),
  columns: [
    nameColumn,
    { name: 'PriorityLevel', type: 'string', description: 'The priority level of matching requests.', value: ({ spec }) => spec?.priorityLevelConfiguration?.name ?? '' },
    { name: 'MatchingPrecedence', type: 'string', description: 'Of several that match, the one with the least counts.', value: ({ spec }) => spec?.matchingPrecedence ?? 0 },
    { name: 'DistinguisherMethod', type: 'string', description: 'What tells one flow from another.', value: ({ spec }) => spec?.distinguisherMethod?.type ?? '<none>' },
    ageColumn,
    { name: 'MissingPL', type: 'string', description: 'Whether the priority level does not exist.', value: ({ status }) => status?.conditions?.find(({ type }) => type === 'Dangling')?.status ?? '?' },
  ],
});
