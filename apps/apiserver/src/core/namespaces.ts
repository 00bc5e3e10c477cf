import { timeFromMs, type ApiObject } from '@navarch/api';
import type { Namespace } from '@navarch/proto/k8s/io/api/core/v1/core';

import { conflict } from './errors';
import type { KindExtension } from './kind-extension';

const kind = { group: '', plural: 'namespaces' };
const finalizersOf = (namespace: Namespace): readonly string[] => namespace.spec?.finalizers ?? [];

/**
 * A namespace goes in two steps: a delete marks it Terminating, and once its content is gone the controller's finalize
 * takes the last of spec.finalizers away, which removes it.
 */
export const namespaceExtension: KindExtension = {
  ...kind,
  planDeletion(current, nowMs) {
    const namespace = current as Namespace;
    if (!namespace.metadata?.deletionTimestamp) {
      return finalizersOf(namespace).length === 0 ? undefined : { type: 'update', next: terminate(namespace, nowMs) };
    }
    if (finalizersOf(namespace).length === 0) return undefined;
    throw conflict(kind, namespace.metadata.name ?? '', 'The system is ensuring all content is removed from this namespace.  Upon completion, this namespace will automatically be purged by the system.');
  },
  mayRelease: (object) => finalizersOf(object as Namespace).length === 0,
  views: {
    finalize: {
      prepare: (incoming, previous) => takeFinalizers(incoming as Namespace, previous as Namespace),
      validate: () => [],
    },
  },
};

function terminate(namespace: Namespace, nowMs: number): ApiObject {
  const next: Namespace = {
    ...namespace,
    metadata: { ...namespace.metadata, deletionTimestamp: timeFromMs(nowMs), deletionGracePeriodSeconds: undefined },
    status: { ...namespace.status, phase: 'Terminating' },
  };
  return next;
}

function takeFinalizers(incoming: Namespace, previous: Namespace): Namespace {
  const finalizers = finalizersOf(incoming);
  return { ...previous, spec: { ...previous.spec, finalizers: finalizers.length > 0 ? [...finalizers] : undefined } };
}
