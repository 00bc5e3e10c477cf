/** Fills Secrets of type kubernetes.io/service-account-token, and removes them with their account. */
import { secrets, serviceAccounts } from '@navarch/api';
import { isConflict, isNotFound } from '@navarch/base';
import { startController, watching } from '@navarch/client';
import type { Secret, ServiceAccount } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { accountOf, filled, isOfAnother } from './plan-secret-token';

export const startSecretTokens: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, config, observe, client } = dependencies;
  return startController({
    name: 'serviceaccount/secret-tokens', clock, random, logger, signal, concurrency: 4, ...(observe && { observe }),
    watches: [
      watching(informers.secrets, {
        keys: ({ metadata }) => [{ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }],
        when: ({ type, object }) => type !== 'DELETED' && accountOf(object) !== undefined,
      }),
      watching(informers.serviceAccounts, {
        keys: ({ metadata }) => informers.secrets.by('tokenAccount', `${metadata?.namespace}/${metadata?.name}`).map((secret) => ({ namespace: secret.metadata?.namespace ?? '', name: secret.metadata?.name ?? '' })),
      }),
    ],
    reconcile: async ({ namespace, name }, context) => {
      const secret = informers.secrets.get(namespace, name);
      const accountName = secret && accountOf(secret);
      if (!secret || accountName === undefined || secret.metadata?.deletionTimestamp) return;
      const account = await currentAccount(dependencies, namespace, accountName, secret);
      if (!account || isOfAnother(secret, account)) return remove(dependencies, secret);
      if (!config.signToken) return;
      const next = filled(secret, account, { rootCa: config.rootCa, sign: config.signToken });
      if (!next) return;
      try {
        await context.wrote(informers.secrets, await client.resource(secrets).update(next));
      } catch (thrown) {
        // Changed or gone meanwhile: its event comes.
        if (!isConflict(thrown) && !isNotFound(thrown)) throw thrown;
      }
    },
  });
};

/** Accounts and Secrets come by different watches: what the cache lacks is asked for before a Secret is deleted for it. */
async function currentAccount({ informers, client }: ControllerDependencies, namespace: string, name: string, secret: Secret): Promise<ServiceAccount | undefined> {
  const cached = informers.serviceAccounts.get(namespace, name);
  if (cached && !isOfAnother(secret, cached)) return cached;
  try {
    return await client.resource(serviceAccounts).get(namespace, name);
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}

async function remove({ client, logger }: ControllerDependencies, { metadata = {} }: Secret): Promise<void> {
  const { namespace = '', name = '', uid, resourceVersion } = metadata;
  logger.info('removing the token Secret of an account that is gone', { secret: `${namespace}/${name}` });
  try {
    await client.resource(secrets).delete(namespace, name, { deleteOptions: { preconditions: { uid, resourceVersion } } });
  } catch (thrown) {
    if (!isNotFound(thrown) && !isConflict(thrown)) throw thrown;
  }
}
