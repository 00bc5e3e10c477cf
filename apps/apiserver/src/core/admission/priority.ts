import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { forbidden } from '../errors';
import { creates, type AdmissionPlugin } from './admission';

export interface PriorityClassValue {
  readonly value: number;
  readonly preemptionPolicy?: string;
}

/** Tells what a priority class means; undefined where there is none of that name. '' asks for the default class. */
export type PriorityClassLookup = (name: string) => PriorityClassValue | undefined;

/** The classes every cluster has. They become objects when PriorityClass is served; the names and values are Kubernetes'. */
export const systemPriorityClasses: PriorityClassLookup = (name) => {
  switch (name) {
    case 'system-cluster-critical': return { value: 2_000_000_000 };
    case 'system-node-critical': return { value: 2_000_001_000 };
    case '': return { value: 0 };
    default: return undefined;
  }
};

/** Resolves priorityClassName into spec.priority and preemptionPolicy (Kubernetes' Priority plugin). */
export function priorityAdmission(lookup: PriorityClassLookup): AdmissionPlugin {
  return {
    name: 'Priority',
    handles: (attributes) => creates(attributes, '', 'pods'),
    admit({ resource, name, object }) {
      const pod = object as Pod;
      const className = pod.spec?.priorityClassName ?? '';
      const found = lookup(className);
      if (!found) throw forbidden(resource, name, `no PriorityClass with name ${className} was found`);
      const { value, preemptionPolicy = 'PreemptLowerPriority' } = found;
      const given = pod.spec?.priority;
      if (given !== undefined && given !== value) {
        throw forbidden(resource, name, `the integer value of priority (${given}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`);
      }
      if (pod.spec?.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== preemptionPolicy) {
        throw forbidden(resource, name, `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`);
      }
      pod.spec = { ...pod.spec, priority: value, preemptionPolicy };
    },
  };
}
