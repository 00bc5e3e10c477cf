/** Every active namespace has a ServiceAccount named `default`. */
import { serviceAccounts } from '@navarch/api';
import { hasReason, isAlreadyExists } from '@navarch/base';
import { startController, watching } from '@navarch/client';
import type { Namespace, ServiceAccount } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { StartController } from '../../dependencies';

const accountName = 'default';

/** Whether the account must be made. */
export function wantsAccount(namespace: Namespace | undefined, account: ServiceAccount | undefined): boolean {
  return namespace !== undefined && !namespace.metadata?.deletionTimestamp && namespace.status?.phase !== 'Terminating' && account === undefined;
}

export const startDefaultAccount: StartController = ({ client, clock, random, logger, informers, observe }, signal) =>
  startController({
    name: 'serviceaccount/default-account', clock, random, logger, signal, concurrency: 4, ...(observe && { observe }),
    watches: [
      watching(informers.namespaces, { keys: ({ metadata }) => [{ namespace: '', name: metadata?.name ?? '' }] }),
      watching(informers.serviceAccounts, {
        keys: ({ metadata }) => [{ namespace: '', name: metadata?.namespace ?? '' }],
        when: ({ type, object }) => type === 'DELETED' && object.metadata?.name === accountName,
      }),
    ],
    reconcile: async ({ name: namespace }, context) => {
      if (!wantsAccount(informers.namespaces.get('', namespace), informers.serviceAccounts.get(namespace, accountName))) return;
      try {
        await context.wrote(informers.serviceAccounts, await client.resource(serviceAccounts).create({ metadata: { namespace, name: accountName } }));
      } catch (thrown) {
        if (isAlreadyExists(thrown)) return;
        // The namespace began to terminate, or went: nothing is left to do.
        if (!hasReason(thrown, 'Forbidden', 'NotFound')) throw thrown;
        context.logger.info('default account not made', { error: thrown });
      }
    },
  });
