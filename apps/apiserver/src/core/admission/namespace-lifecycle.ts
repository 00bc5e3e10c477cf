import type { Namespace } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ApiError } from '@navarch/base';
import { forbidden, notFound } from '../errors';
import type { AdmissionPlugin } from './admission';

/** Namespaces without which a cluster is none. */
const immortal: readonly string[] = ['default', 'kube-system', 'kube-public'];
const namespaceKind = { group: '', plural: 'namespaces' };

/** The namespace as the cache has it; undefined only after a current read did not find it either. */
export type NamespaceLookup = (name: string, signal: AbortSignal) => Promise<Namespace | undefined>;

/** Nothing is made in a namespace that is missing or on its way out; some namespaces never go (Kubernetes' NamespaceLifecycle). */
export function namespaceLifecycle(find: NamespaceLookup): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    handles: ({ resource, operation, subresource, namespace }) =>
      operation === 'CREATE' ? namespace !== '' : operation === 'DELETE' && subresource === '' && isNamespace(resource),
    async admit({ resource, operation, namespace, name, signal }) {
      if (operation === 'DELETE') {
        if (immortal.includes(name)) throw forbidden(resource, name, 'this namespace may not be deleted');
        return;
      }
      const found = await find(namespace, signal);
      if (!found) throw notFound(namespaceKind, namespace);
      if (found.metadata?.deletionTimestamp) throw terminating(resource, name, namespace);
    },
  };
}

function isNamespace({ group, plural }: { group: string; plural: string }): boolean {
  return group === namespaceKind.group && plural === namespaceKind.plural;
}

function terminating(resource: Parameters<typeof forbidden>[0], name: string, namespace: string): ApiError {
  const { message, details } = forbidden(resource, name, `unable to create new content in namespace ${namespace} because it is being terminated`);
  const cause = { reason: 'NamespaceTerminating', field: 'metadata.namespace', message: `namespace ${namespace} is being terminated` };
  return new ApiError('Forbidden', message, { ...details, causes: [cause] });
}
