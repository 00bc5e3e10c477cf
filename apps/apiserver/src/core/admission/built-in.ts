import type { ApiObject } from '@navarch/api';
import type { Random } from '@navarch/base';
import type { LimitRange, Namespace, Pod, ServiceAccount } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { PriorityClass } from '@navarch/proto/k8s/io/api/scheduling/v1/scheduling';
import type { StorageClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import type { Kinds } from '../kinds';
import type { FindCurrent } from '../read/current-object';
import type { AdmissionPlugin } from './admission';
import { certificateRequester } from './certificate-requester';
import { defaultTolerationSeconds } from './default-toleration-seconds';
import { limitRanger } from './limit-ranger';
import { namespaceLifecycle } from './namespace-lifecycle';
import { nodeRestriction } from './node-restriction';
import { podTrace } from './pod-trace';
import { priorityAdmission } from './priority';
import { serviceAccountAdmission } from './service-account';
import { claimResize, defaultStorageClass, storageProtection } from './storage';

export interface BuiltInAdmissionOptions {
  readonly kinds: Kinds;
  readonly random: Random;
  readonly find: FindCurrent;
  /** Whether pods get tokens. */
  readonly mountTokens: boolean;
}

/** The plugins every write passes, in Kubernetes' order. */
export function builtInAdmission({ kinds, random, find, mountTokens }: BuiltInAdmissionOptions): readonly AdmissionPlugin[] {
  const all = (group: string, plural: string): ApiObject[] => [...kinds.get(group, plural).cache.snapshot().values()].map(({ object }) => object);
  return [
    namespaceLifecycle(async (name, signal) => (await find({ plural: 'namespaces', name }, signal))?.object as Namespace | undefined),
    limitRanger((namespace) => all('', 'limitranges').map((object): LimitRange => object).filter(({ metadata }) => metadata?.namespace === namespace)),
    serviceAccountAdmission({
      find: async (namespace, name, signal) => (await find({ plural: 'serviceaccounts', namespace, name }, signal))?.object as ServiceAccount | undefined,
      random, mountTokens,
    }),
    nodeRestriction({
      pod: async (namespace, name, signal) => (await find({ plural: 'pods', namespace, name }, signal))?.object as Pod | undefined,
      nodeUid: async (name, signal) => (await find({ plural: 'nodes', name }, signal))?.uid,
    }),
    defaultTolerationSeconds,
    priorityAdmission({
      find: async (name, signal) => (await find({ group: 'scheduling.k8s.io', plural: 'priorityclasses', name }, signal))?.object as PriorityClass | undefined,
      all: () => all('scheduling.k8s.io', 'priorityclasses') as PriorityClass[],
    }),
    defaultStorageClass(() => all('storage.k8s.io', 'storageclasses') as StorageClass[]),
    storageProtection,
    claimResize(async (name, signal) => (await find({ group: 'storage.k8s.io', plural: 'storageclasses', name }, signal))?.object as StorageClass | undefined),
    certificateRequester,
    podTrace,
  ];
}
