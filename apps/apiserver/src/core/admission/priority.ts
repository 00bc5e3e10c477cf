import { priorityClasses, type ApiObject } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { PriorityClass } from '@navarch/proto/k8s/io/api/scheduling/v1/scheduling';

import { forbidden } from '../errors';
import { creates, type AdmissionPlugin } from './admission';

/** The PriorityClasses there are. */
export interface PriorityClassSource {
  /** From a current read where the cache lacks it. */
  find(name: string, signal: AbortSignal): Promise<PriorityClass | undefined>;
  /** As the cache has them. */
  all(): readonly PriorityClass[];
}

/** The class of pods that name none; where replicas of the server let two in, the one with the lowest value. */
function defaultClass(source: PriorityClassSource): PriorityClass | undefined {
  return source.all().filter(({ globalDefault }) => globalDefault).sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
}

/** Resolves priorityClassName into spec.priority and preemptionPolicy, and lets no second class be the default (Kubernetes' Priority plugin). */
export function priorityAdmission(source: PriorityClassSource): AdmissionPlugin {
  return {
    name: 'Priority',
    handles: (attributes) => creates(attributes, '', 'pods') || (attributes.object !== undefined && attributes.resource === priorityClasses as unknown),
    async admit({ resource, name, object, signal }) {
      if (resource.plural !== 'pods') return;
      const pod = object as Pod;
      const className = pod.spec?.priorityClassName ?? '';
      const found = className === '' ? defaultClass(source) : await source.find(className, signal);
      if (!found && className !== '') throw forbidden(resource, name, `no PriorityClass with name ${className} was found`);
      const { value = 0, preemptionPolicy = 'PreemptLowerPriority' } = found ?? {};
      const given = pod.spec?.priority;
      if (given !== undefined && given !== value) {
        throw forbidden(resource, name, `the integer value of priority (${given}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`);
      }
      if (pod.spec?.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== preemptionPolicy) {
        throw forbidden(resource, name, `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`);
      }
      pod.spec = { ...pod.spec, ...(found?.metadata?.name && { priorityClassName: found.metadata.name }), priority: value, preemptionPolicy };
    },
    validate({ resource, name, object }) {
      if (resource.plural === 'pods' || !isDefault(object)) return;
      const other = defaultClass(source)?.metadata?.name;
      if (other !== undefined && other !== name) throw forbidden(resource, name, `PriorityClass ${other} has already been marked as default. Only one default can exist`);
    },
  };
}

function isDefault(object: ApiObject | undefined): boolean {
  return (object as PriorityClass | undefined)?.globalDefault === true;
}
