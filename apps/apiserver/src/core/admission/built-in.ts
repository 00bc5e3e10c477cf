import type { Clock } from '@navarch/base';
import type { Namespace } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { PriorityClass } from '@navarch/proto/k8s/io/api/scheduling/v1/scheduling';

import type { StoredObject } from '../cache/stored-object';
import { defaultTimeoutMs, startDeadline } from '../deadline';
import { becomeCurrent } from '../read/freshness';
import type { Kinds } from '../kinds';
import type { AdmissionPlugin } from './admission';
import { certificateRequester } from './certificate-requester';
import { defaultTolerationSeconds } from './default-toleration-seconds';
import { namespaceLifecycle } from './namespace-lifecycle';
import { podTrace } from './pod-trace';
import { priorityAdmission } from './priority';
import { serviceAccountAdmission } from './service-account';

/** The plugins every write passes, in Kubernetes' order. */
export function builtInAdmission(kinds: Kinds, clock: Clock): readonly AdmissionPlugin[] {
  const find = async (plural: string, namespace: string, name: string, signal: AbortSignal, group = ''): Promise<StoredObject | undefined> => {
    const { cache, feed } = kinds.get(group, plural);
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
    priorityAdmission({
      find: async (name, signal) => (await find('priorityclasses', '', name, signal, 'scheduling.k8s.io'))?.object as PriorityClass | undefined,
      all: () => [...kinds.get('scheduling.k8s.io', 'priorityclasses').cache.snapshot().values()].map(({ object }) => object as PriorityClass),
    }),
    certificateRequester,
    podTrace,
  ];
}
