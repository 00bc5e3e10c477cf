/**
 * The controllers: loops that make what is into what is wanted. Each lives in a folder `<kind>/<concern>` and reads caches, plans
 * (a pure function), applies. All run in one process and under one leadership; caches stay warm in those that wait.
 */
import type { Resource } from '@navarch/api';
import { sleep, type Clock, type Logger, type Random } from '@navarch/base';
import { createEventRecorder, runLeaderElection, type ApiClient, type LeaderElectionOptions, type ReconcileRecord } from '@navarch/client';

import { defaultConfig, type ControllersConfig } from './config';
import { controllers } from './controllers';
import type { ControllerDependencies } from './dependencies';
import { createInformers, type Informers } from './informers';

export interface ControllersDependencies {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Unique per process. */
  readonly identity: string;
  /** The kinds there are, as they are at the moment of the call. */
  readonly resources: () => readonly Resource[];
  readonly config?: Partial<ControllersConfig>;
  /** Timing of the election; Kubernetes' defaults unless told. */
  readonly election?: Pick<LeaderElectionOptions, 'leaseDurationMs' | 'renewDeadlineMs' | 'retryPeriodMs'>;
  readonly observe?: (record: ReconcileRecord) => void;
}

export interface Controllers {
  readonly leading: boolean;
  /** Rejects when a controller or the election broke for good; resolves after `close`. */
  readonly done: Promise<void>;
  /** Stops the controllers, then gives the lease back. */
  close(): Promise<void>;
}

/** What the controllers know: kept warm by those that wait for their term. */
interface Caches {
  readonly informers: Informers;
  stop(): void;
}

const flushMs = 1_000;

export const leaderLease = { namespace: 'kube-system', name: 'kube-controller-manager' };

export function runControllers({ client, clock, random, logger, identity, resources, config, election, observe }: ControllersDependencies): Controllers {
  const stop = new AbortController();
  const startCaches = (): Caches => {
    const end = new AbortController();
    const informers = createInformers({ client, clock, random, logger });
    for (const informer of Object.values(informers)) informer.start(AbortSignal.any([stop.signal, end.signal]));
    return { informers, stop: () => end.abort(new Error('these caches served their term')) };
  };
  let caches = startCaches();
  const recorder = createEventRecorder({ client, clock, random, logger, component: 'controllers' });
  const common = { client, clock, random, logger, recorder, resources, config: { ...defaultConfig, ...config }, ...(observe && { observe }) };
  let leading = false;

  const done = runLeaderElection({
    client, clock, random, logger, identity, ...leaderLease, ...election, signal: stop.signal,
    lead: async (signal) => {
      leading = true;
      const dependencies: ControllerDependencies = { ...common, informers: caches.informers };
      try {
        await Promise.all(Object.values(controllers).map((start) => start(dependencies, signal).done));
      } finally {
        leading = false;
        // Who lost the lease was too slow to renew it, and so may its caches be: the next term decides on what is read from now on.
        caches.stop();
        if (!stop.signal.aborted) caches = startCaches();
      }
    },
  });
  return {
    get leading() {
      return leading;
    },
    done,
    close: async () => {
      stop.abort(new Error('controllers stop'));
      await done;
      // The last events, but not at the price of hanging.
      const over = new AbortController();
      await Promise.race([recorder.flush(), sleep(clock, flushMs, over.signal).catch(() => undefined)]);
      over.abort(new Error('flushed'));
    },
  };
}
