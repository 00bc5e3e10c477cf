import type { PriorityClass } from '@navarch/proto/k8s/io/api/scheduling/v1/scheduling';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { startGeneration } from '../../meta/generation';
import type { FieldError } from '../../resource';
import { forbidden, oneOf } from '../../validation/field-error';
import { unchanged } from '../../validation/immutable';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: subdomainName };
const systemPrefix = 'system-';
/** What lies above is for the system. */
const highestUserPriority = 1_000_000_000;

/** The classes every cluster has, as Kubernetes makes them. */
export const systemPriorityClasses: readonly PriorityClass[] = [
  {
    metadata: { name: 'system-node-critical' }, value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    metadata: { name: 'system-cluster-critical' }, value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
];

function validate({ metadata, value = 0, globalDefault = false, preemptionPolicy }: PriorityClass): FieldError[] {
  const name = metadata?.name ?? '';
  const errors = preemptionPolicy === undefined ? [] : oneOf('preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never']);
  if (name.startsWith(systemPrefix)) {
    const complaint = systemNameComplaint(name, value, globalDefault);
    return complaint === undefined ? errors
      : [forbidden('metadata.name', `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${complaint}`), ...errors];
  }
  return value > highestUserPriority ? [forbidden('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`), ...errors] : errors;
}

function systemNameComplaint(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = systemPriorityClasses.find(({ metadata }) => metadata?.name === name);
  if (!known) return `${name} is not a known system priority class`;
  if (value !== known.value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

export const priorityClasses = defineResource<PriorityClass>({
  group: 'scheduling.k8s.io', version: 'v1', kind: 'PriorityClass', plural: 'priorityclasses', shortNames: ['pc'], namespaced: false,
  codec: codecFor<PriorityClass>('k8s.io.api.scheduling.v1.PriorityClass'),
  setDefaults(priorityClass) {
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority';
  },
  prepareForCreate: startGeneration,
  validateCreate: (priorityClass) => [...validateMeta(priorityClass, meta), ...validate(priorityClass)],
  validateUpdate: (next, previous) => [
    ...validateMetaUpdate(next, previous, meta),
    ...((next.value ?? 0) === (previous.value ?? 0) ? [] : [forbidden('value', 'may not be changed in an update.')]),
    ...unchanged('preemptionPolicy', next.preemptionPolicy, previous.preemptionPolicy),
  ],
  columns: [
    nameColumn,
    { name: 'Value', type: 'integer', description: 'The priority that pods of this class get.', value: ({ value }) => value ?? 0 },
    { name: 'Global-Default', type: 'boolean', description: 'Whether pods that name no class are of this one.', value: ({ globalDefault }) => globalDefault === true },
    ageColumn,
    { name: 'PreemptionPolicy', type: 'string', description: 'Whether pods of this class may preempt others.', value: ({ preemptionPolicy }) => preemptionPolicy ?? '' },
  ],
});
