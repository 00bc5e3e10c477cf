/**
 * The node's network agent: for now it keeps, in its own network namespace, a route to every other node's pod range, so
 * that each pod reaches each other by address without translation. It watches Nodes, compares what they ask for with what the
 * kernel has, and sets the difference; now and then it looks again, in case someone changed the routes.
 */
import { nodes } from '@navarch/api';
import type { Clock, Logger, Random } from '@navarch/base';
import { createInformer, startController, watching, type ApiClient } from '@navarch/client';

import { desiredRoutes, isEmpty, planRoutes, sameRoutes } from './plan-routes';
import type { RouteTable } from './route-table';

export interface ProxyDependencies {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The node this proxy runs on. */
  readonly nodeName: string;
  readonly routes: RouteTable;
  /** How often the kernel's routes are compared although no node changed; 30,000 ms unless told. */
  readonly driftPeriodMs?: number;
}

export interface Proxy {
  /** Whether the routes were set as the nodes wanted at the last look. */
  readonly ready: boolean;
  /** Stops watching. The routes stay: a restart disturbs no traffic. */
  close(): Promise<void>;
}

const allRoutes = { namespace: '', name: 'routes' };

export function runProxy({ client, clock, random, logger, nodeName, routes, driftPeriodMs = 30_000 }: ProxyDependencies): Proxy {
  const stop = new AbortController();
  const informer = createInformer({ client: client.resource(nodes), resource: nodes, clock, random, logger });
  let ready = false;

  const controller = startController({
    name: 'proxy/routes', clock, random, logger, maxBackoffMs: driftPeriodMs, signal: stop.signal,
    watches: [watching(informer, {
      keys: () => [allRoutes],
      when: ({ type, object, old }) => type !== 'MODIFIED' || !old || !sameRoutes(object, old),
    })],
    reconcile: async (_request, context) => {
      try {
        const changes = planRoutes(desiredRoutes(informer.list(), nodeName), await routes.list(context.signal));
        if (!isEmpty(changes)) {
          await routes.apply(changes, context.signal);
          context.logger.info('routes set', { added: changes.add.length, changed: changes.change.length, removed: changes.remove.length });
        }
        ready = true;
      } catch (thrown) {
        ready = false;
        throw thrown;
      }
      return { requeueAfterMs: driftPeriodMs };
    },
  });
  // Also in a cluster without nodes: what an earlier run left must go.
  controller.enqueue(allRoutes);
  informer.start(stop.signal);

  return {
    get ready() {
      return ready;
    },
    close: async () => {
      stop.abort(new Error('proxy stops'));
      await controller.done;
    },
  };
}
