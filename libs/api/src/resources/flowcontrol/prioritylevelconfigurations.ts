import type {
  LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration, QueuingConfiguration,
} from '@navarch/proto/k8s/io/api/flowcontrol/v1/flowcontrol';

import { codecFor } from '../../codec/codec';
import { defineResource, statusStrategy } from '../../define-resource';
import { countedGeneration } from '../../meta/spec-lifecycle';
import type { FieldError } from '../../resource';
import { forbidden, inRange, invalid, notSupported, required } from '../../validation/field-error';
import { validateConditionTypes } from '../../validation/flow-schema';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };
const maxQueues = 10_000_000;
/** Shuffle sharding draws hands from a 60-bit hash. */
const maxHashBits = 60;

function setDefaults({ spec }: PriorityLevelConfiguration): void {
  if (spec?.limited) {
    spec.limited.nominalConcurrencyShares ??= 30;
    spec.limited.lendablePercent ??= 0;
    const queuing = spec.limited.limitResponse?.queuing;
    if (queuing) {
      queuing.queues ??= 64;
      queuing.handSize ??= 8;
      queuing.queueLengthLimit ??= 50;
    }
  }
  if (spec?.exempt) {
    spec.exempt.nominalConcurrencyShares ??= 0;
    spec.exempt.lendablePercent ??= 0;
  }
}

function validate({ metadata, spec = {} }: PriorityLevelConfiguration): FieldError[] {
  const { type = '', limited, exempt } = spec;
  const errors = (metadata?.name === 'exempt') === (type === 'Exempt') ? [] : [invalid('spec.type', type, "type must be 'Exempt' if and only if name is 'exempt'")];
  switch (type) {
    case 'Exempt':
      if (limited) errors.push(forbidden('spec.limited', 'must be nil if the type is not Limited'));
      return exempt ? [...errors, ...validateShares(exempt, 'spec.exempt')] : errors;
    case 'Limited':
      if (exempt) errors.push(forbidden('spec.exempt', 'must be nil if the type is Limited'));
      return [...errors, ...(limited ? validateLimited(limited, 'spec.limited') : [required('spec.limited', 'must not be empty when type is Limited')])];
    default:
      return [...errors, notSupported('spec.type', type, ['Exempt', 'Limited'])];
  }
}

function validateShares({ nominalConcurrencyShares: shares, lendablePercent }: LimitedPriorityLevelConfiguration, field: string): FieldError[] {
  return [
    ...(shares !== undefined && shares < 0 ? [invalid(`${field}.nominalConcurrencyShares`, shares, 'must be a non-negative integer')] : []),
    ...inRange(`${field}.lendablePercent`, lendablePercent, 0, 100),
  ];
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, field: string): FieldError[] {
  const { borrowingLimitPercent, limitResponse = {} } = limited;
  return [
    ...validateShares(limited, field),
    ...(borrowingLimitPercent !== undefined && borrowingLimitPercent < 0 ? [invalid(`${field}.borrowingLimitPercent`, borrowingLimitPercent, 'if specified, must be a non-negative integer')] : []),
    ...validateResponse(limitResponse, `${field}.limitResponse`),
  ];
}

function validateResponse({ type = '', queuing }: LimitResponse, field: string): FieldError[] {
  switch (type) {
    case 'Reject': return queuing ? [forbidden(`${field}.queuing`, 'must be nil if limited.limitResponse.type is not Limited')] : [];
    case 'Queue': return queuing ? validateQueuing(queuing, `${field}.queuing`) : [required(`${field}.queuing`, 'must not be empty if limited.limitResponse.type is Limited')];
    default: return [notSupported(`${field}.type`, type, ['Queue', 'Reject'])];
  }
}

function validateQueuing({ queues = 0, handSize = 0, queueLengthLimit = 0 }: QueuingConfiguration, field: string): FieldError[] {
  const errors = queueLengthLimit <= 0 ? [invalid(`${field}.queueLengthLimit`, queueLengthLimit, 'must be positive')] : [];
  if (queues <= 0) errors.push(invalid(`${field}.queues`, queues, 'must be positive'));
  else if (queues > maxQueues) errors.push(invalid(`${field}.queues`, queues, `must not be greater than ${maxQueues}`));
  if (handSize <= 0) errors.push(invalid(`${field}.handSize`, handSize, 'must be positive'));
  else if (handSize > queues) errors.push(invalid(`${field}.handSize`, handSize, `should not be greater than queues (${queues})`));
  else if (Math.ceil(Math.log2(queues) * handSize) > maxHashBits) {
    errors.push(invalid(`${field}.handSize`, handSize, `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${maxHashBits}`));
  }
  return errors;
}

const queuingOf = ({ spec }: PriorityLevelConfiguration): QueuingConfiguration | undefined => spec?.limited?.limitResponse?.queuing;

export const priorityLevelConfigurations = defineResource<PriorityLevelConfiguration>({
  group: 'flowcontrol.apiserver.k8s.io', version: 'v1', kind: 'PriorityLevelConfiguration', plural: 'prioritylevelconfigurations', namespaced: false, subresources: ['status'],
  codec: codecFor<PriorityLevelConfiguration>('k8s.io.api.flowcontrol.v1.PriorityLevelConfiguration'),
  setDefaults,
  ...countedGeneration<PriorityLevelConfiguration>(),
  validateCreate: (level) => [...validateMeta(level, meta), ...validate(level)],
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validate(next)],
  status: statusStrategy<PriorityLevelConfiguration>((next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateConditionTypes(next.status?.conditions ?? [], 'status.conditions')]),
  columns: [
    nameColumn,
    { name: 'Type', type: 'string', description: 'Whether requests of this level are limited.', value: ({ spec }) => spec?.type ?? '' },
    { name: 'NominalConcurrencyShares', type: 'string', description: 'The share of the concurrency that the level has of its own.', value: ({ spec }) => spec?.limited?.nominalConcurrencyShares ?? '<none>' },
    { name: 'Queues', type: 'string', description: 'How many queues the level has.', value: (level) => queuingOf(level)?.queues ?? '<none>' },
    { name: 'HandSize', type: 'string', description: 'How many queues each flow may use.', value: (level) => queuingOf(level)?.handSize ?? '<none>' },
    { name: 'QueueLengthLimit', type: 'string', description: 'How many requests may wait in one queue.', value: (level) => queuingOf(level)?.queueLengthLimit ?? '<none>' },
    ageColumn,
  ],
});
