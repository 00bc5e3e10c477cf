import type { ResourceRegistry } from '@navarch/api';
import { randomUuid, toError, type Clock, type Logger, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { ObjectLog } from '@navarch/store';

import { defaultServiceRanges, makeClusterObjects, type FrontProxy } from './bootstrap';
import { ApiCore, type CoreOptions } from './core/core';
import type { KubeletConnector } from './core/pods/kubelet-connector';
import type { User } from './core/request';
import { runForeignChecks } from './foreign-checks';
import { createInProcessClient } from './in-process-client';
import { publishKubernetesEndpoints, type KubernetesEndpoints } from './kubernetes-endpoints';
import { runMaintenance, type MaintenanceOptions } from './maintenance';

export { defaultAuthorizer } from './core/auth/default-authorizer';

/** What the server itself writes as. */
export const serverUser: User = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

export interface ApiserverDependencies extends Pick<MaintenanceOptions, 'compaction' | 'eventTtlMs'> {
  readonly registry: ResourceRegistry;
  readonly logs: Readonly<Record<'objects' | 'events', ObjectLog>>;
  readonly kubelets: KubeletConnector;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Settings of the core: limits, window, queues. */
  readonly core?: Partial<Pick<CoreOptions, 'limits' | 'nodePortRange' | 'window' | 'watchQueueCapacity' | 'bookmarkIntervalMs' | 'admission' | 'authorizer' | 'authenticators' | 'tokens' | 'onReadiness' | 'proxyIdentity'>>;
  /** What servers of aggregated APIs must know, and that they are looked after; no aggregation unless told. */
  readonly frontProxy?: FrontProxy;
  /** Where Services' addresses come from; 10.96.0.0/16 unless told. */
  readonly serviceRanges?: readonly string[];
  /** This replica's own addresses, as pods reach them at port 6443 (one of a family); none unless told. */
  readonly advertise?: readonly string[];
}

export interface Apiserver {
  readonly core: ApiCore;
  /** The API in process, as this user. */
  client(user: User): ApiClient;
  /** Resolves when both logs are loaded and the cluster's own objects exist; rejects where that cannot be. */
  readonly ready: Promise<void>;
  /** Ends the watches with a bookmark each, then everything else. The logs are the caller's to close. */
  close(): Promise<void>;
}

/** One replica of the API, without doors: follows the logs, makes what every cluster has, takes its turn at maintenance. */
export function runApiserver(dependencies: ApiserverDependencies): Apiserver {
  const { registry, logs, kubelets, clock, random, logger, compaction, eventTtlMs, serviceRanges = defaultServiceRanges, advertise = [], frontProxy } = dependencies;
  const core = new ApiCore({ ...dependencies.core, registry, logs, kubelets, clock, random, logger });
  const stopping = new AbortController();
  const { signal } = stopping;
  const client = createInProcessClient(core, serverUser);
  const feeding = core.run(signal);
  const prepare = async (): Promise<void> => {
    await core.loaded(signal);
    await makeClusterObjects({ client, clock, random, logger, signal, serviceRanges, ...(frontProxy && { frontProxy }) });
  };
  const ready = prepare();
  core.expectRoles(ready);
  let published: KubernetesEndpoints | undefined;
  const publish = (): void => {
    if (advertise.length > 0 && !signal.aborted) published = publishKubernetesEndpoints({ client, clock, random, logger, identity: `apiserver-${randomUuid(random)}`, addresses: advertise, serviceRanges });
  };
  ready.then(publish, () => undefined);
  const maintaining = ready.then(() => runMaintenance({ core, logs, client, clock, random, logger, signal, compaction, eventTtlMs }))
    .catch((error: unknown) => {
      if (!signal.aborted) logger.error('maintenance ended', { error: toError(error).message });
    });
  const checking = ready.then(() => (frontProxy ? runForeignChecks({ foreign: core.foreign, client, clock, logger, signal }) : undefined), () => undefined);
  return {
    core, ready,
    client: (user) => createInProcessClient(core, user),
    async close() {
      core.drain();
      await published?.leave();
      stopping.abort(new Error('the apiserver is stopping'));
      await Promise.all([feeding, maintaining, checking]);
    },
  };
}
