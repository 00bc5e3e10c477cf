import type { Clock } from '@navarch/base';
import type { Namespace } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { StoredObject } from '../cache/stored-object';
import { defaultTimeoutMs, startDeadline } from '../deadline';
import { becomeCurrent } from '../read/freshness';
import type { Kinds } from '../kinds';
import type { AdmissionPlugin } from './admission';
import { defaultTolerationSeconds } from './default-toleration-seconds';
import { namespaceLifecycle } from './namespace-lifecycle';
import { podTrace } from './pod-trace';
import { priorityAdmission, systemPriorityClasses } from './priority';
import { serviceAccountAdmission } from './service-account';

/** The plugins every write passes, in Kubernetes' order. */
export function builtInAdmission(kinds: Kinds, clock: Clock): readonly AdmissionPlugin[] {
  const find = async (plural: string, namespace: string, name: string, signal: AbortSignal): Promise<StoredObject | undefined> => {
    const { cache, feed } = kinds.get('', plural);
    const cached = cache.get(namespace, name);
    if (cached) return cached;
    // What the cache lacks may have been made a moment ago: only a current read may refuse for it.
    const deadline = startDeadline(clock, defaultTimeoutMs, signal);
    try {
      await becomeCurrent(feed, deadline);
    } finally {
      deadline.dispose();
    }
    return cache.get(namespace, name);
  };
  return [
    namespaceLifecycle(async (name, signal) => (await find('namespaces', '', name, signal))?.object as Namespace | undefined),
    serviceAccountAdmission(async (namespace, name, signal) => (await find('serviceaccounts', namespace, name, signal)) !== undefined),
    defaultTolerationSeconds,
    priorityAdmission(systemPriorityClasses),
    podTrace,
  ];
}
