import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { forbidden } from '../errors';
import { creates, type AdmissionPlugin } from './admission';

const defaultName = 'default';

/** Answers, from a current read, whether a service account exists. */
export type ServiceAccountLookup = (namespace: string, name: string, signal: AbortSignal) => Promise<boolean>;

/**
 * Gives pods the namespace's default service account, and refuses accounts that do not exist. The default account itself is
 * taken to exist: a controller makes it a moment after its namespace. Token volumes come with the token subresource.
 */
export function serviceAccountAdmission(exists: ServiceAccountLookup): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    handles: (attributes) => creates(attributes, '', 'pods'),
    async admit({ resource, namespace, name, object, signal }) {
      const pod = object as Pod;
      const account = pod.spec?.serviceAccountName ?? defaultName;
      if (account !== defaultName && !(await exists(namespace, account, signal))) {
        throw forbidden(resource, name, `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`);
      }
      pod.spec = { ...pod.spec, serviceAccountName: account, serviceAccount: account };
    },
  };
}
