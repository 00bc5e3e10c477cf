import { configMaps, deepEqual, intOrString, localPathClass, namespaces, priorityClasses, serviceAccounts, serviceCidrs, services, storageClasses, systemPriorityClasses } from '@navarch/api';
import { ApiError, backoffDelayMs, hasReason, isAlreadyExists, sleep, toError, type Clock, type Logger, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';

import { reconcileClusterRoles, reconcileNamespacedRoles } from './core/auth/bootstrap/reconcile';
import { addressAt, addressRange } from './core/services/address-range';
import { defaultRangeName } from './core/services/extension';

/** What every cluster has from its first moment. */
const clusterNamespaces: readonly string[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** The port at which every replica is reached from pods. */
export const apiPort = 6443;

export const defaultServiceRanges: readonly string[] = ['10.96.0.0/16'];

/** By what servers of aggregated APIs tell real callers and this server apart from others (PEM). */
export interface FrontProxy {
  /** Signs callers' own certificates. */
  readonly clientCa: string;
  /** Signs the certificate that this server shows, whose common name is `proxyName`. */
  readonly proxyCa: string;
  readonly proxyName: string;
}

export interface ClusterObjectsOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Where Services' addresses come from, the default family first; one of each family at most. */
  readonly serviceRanges?: readonly string[];
  readonly frontProxy?: FrontProxy;
}

/** Makes what is missing, and tries until it is there: several replicas may do this at once, and the log may still be coming up. */
export async function makeClusterObjects(options: ClusterObjectsOptions): Promise<void> {
  const { client, clock, random, logger, signal, serviceRanges = defaultServiceRanges } = options;
  const make = async (): Promise<void> => {
    await reconcileClusterRoles({ client, signal });
    for (const priorityClass of systemPriorityClasses) await unlessPresent(client.resource(priorityClasses).create(structuredClone(priorityClass), { signal }));
    await unlessPresent(client.resource(storageClasses).create(structuredClone(localPathClass), { signal }));
    for (const name of clusterNamespaces) {
      await unlessPresent(client.resource(namespaces).create({ metadata: { name } }, { signal }));
      await unlessPresent(client.resource(serviceAccounts).create({ metadata: { namespace: name, name: 'default' } }, { signal }));
    }
    await reconcileNamespacedRoles({ client, signal });
    if (options.frontProxy) await publishFrontProxy(options, options.frontProxy);
    await makeServiceRange(options, serviceRanges);
    await makeKubernetesService(options, serviceRanges);
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

/** Where servers of aggregated APIs look (Kubernetes, "Configure the Aggregation Layer"). */
async function publishFrontProxy({ client, signal }: ClusterObjectsOptions, { clientCa, proxyCa, proxyName }: FrontProxy): Promise<void> {
  const data = {
    'client-ca-file': clientCa, 'requestheader-client-ca-file': proxyCa, 'requestheader-allowed-names': JSON.stringify([proxyName]),
    'requestheader-username-headers': '["X-Remote-User"]', 'requestheader-uid-headers': '["X-Remote-Uid"]', 'requestheader-group-headers': '["X-Remote-Group"]', 'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  };
  const published = client.resource(configMaps);
  const metadata = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };
  await unlessPresent(published.create({ metadata, data }, { signal }));
  const present = await published.get(metadata.namespace, metadata.name, { signal });
  if (!deepEqual(present.data, data)) await published.update({ ...present, data }, { signal });
}

/** A second family may come to a cluster; a range that is in use does not change under it. */
async function makeServiceRange({ client, logger, signal }: ClusterObjectsOptions, cidrs: readonly string[]): Promise<void> {
  const ranges = client.resource(serviceCidrs);
  await unlessPresent(ranges.create({ metadata: { name: defaultRangeName }, spec: { cidrs: [...cidrs] } }, { signal }));
  const present = await ranges.get('', defaultRangeName, { signal });
  const has = present.spec?.cidrs ?? [];
  if (deepEqual(has, cidrs)) return;
  if (has.length === 1 && cidrs.length === 2 && has[0] === cidrs[0]) await ranges.update({ ...present, spec: { cidrs: [...cidrs] } }, { signal });
  else logger.warn('the cluster’s service range stays what it is; the flag says something else', { range: has.join(','), flag: cidrs.join(',') });
}

/** Makes it where it is missing; another replica that is just making it has its address first, and is waited for. */
export async function makeKubernetesService({ client, signal }: Pick<ClusterObjectsOptions, 'client' | 'signal'>, cidrs: readonly string[]): Promise<void> {
  try {
    await unlessPresent(client.resource(services).create(kubernetesService(cidrs), { signal }));
  } catch (error) {
    if (!hasReason(error, 'Invalid')) throw error;
    const present = await client.resource(services).get('default', 'kubernetes', { signal }).then(() => true, () => false);
    if (!present) throw new ApiError('Unavailable', toError(error).message, {}, { cause: error });
  }
}

/** The API itself as pods know it: at the first address of the first range. */
export function kubernetesService(cidrs: readonly string[]): Service {
  const clusterIP = addressAt(addressRange(cidrs[0] ?? ''), 0n);
  return {
    metadata: { namespace: 'default', name: 'kubernetes', labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP', clusterIP, clusterIPs: [clusterIP], ipFamilyPolicy: 'SingleStack', sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: intOrString(apiPort) }],
    },
  };
}
