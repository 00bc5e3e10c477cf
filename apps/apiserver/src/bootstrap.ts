import { namespaces, priorityClasses, serviceAccounts, systemPriorityClasses } from '@navarch/api';
import { backoffDelayMs, hasReason, isAlreadyExists, sleep, toError, type Clock, type Logger, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';

/** What every cluster has from its first moment; the kubernetes Service follows. */
const clusterNamespaces: readonly string[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** Makes what is missing, and tries until it is there: several replicas may do this at once, and the log may still be coming up. */
export async function makeClusterObjects(options: { readonly client: ApiClient; readonly clock: Clock; readonly random: Random; readonly logger: Logger; readonly signal: AbortSignal }): Promise<void> {
  const { client, clock, random, logger, signal } = options;
  const make = async (): Promise<void> => {
    for (const priorityClass of systemPriorityClasses) await unlessPresent(client.resource(priorityClasses).create(structuredClone(priorityClass), { signal }));
    for (const name of clusterNamespaces) {
      await unlessPresent(client.resource(namespaces).create({ metadata: { name } }, { signal }));
      await unlessPresent(client.resource(serviceAccounts).create({ metadata: { namespace: name, name: 'default' } }, { signal }));
    }
  };
  for (let failures = 0; !signal.aborted;) {
    try {
      return await make();
    } catch (error) {
      if (signal.aborted) return;
      if (!hasReason(error, 'Unavailable', 'Timeout', 'ServerTimeout', 'TooManyRequests')) throw error;
      logger.warn('the cluster’s own objects could not be made yet; trying again', { error: toError(error).message });
      await sleep(clock, backoffDelayMs(++failures, { initialMs: 200, maxMs: 5_000, jitter: 0.2 }, random), signal).catch(() => undefined);
    }
  }
}

async function unlessPresent(created: Promise<unknown>): Promise<void> {
  try {
    await created;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
