import { type Clock, type Logger, type Random } from '@navarch/base';
import { startController, watching, type Informer } from '@navarch/client';
import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import { desiredRoutes, isEmpty, planRoutes, sameRoutes } from './plan-routes';
import type { RouteTable } from './route-table';

export interface RouteProxyOptions {
  readonly nodes: Informer<Node>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly routes: RouteTable;
  readonly driftPeriodMs: number;
  readonly signal: AbortSignal;
}

const allRoutes = { namespace: '', name: 'routes' };

/** Keeps a route to every other node's pod ranges: compares what the Nodes ask for with what the kernel has, and sets the difference. */
export function runRouteProxy({ nodes, clock, random, logger, nodeName, routes, driftPeriodMs, signal }: RouteProxyOptions): { readonly ready: boolean; readonly done: Promise<void> } {
  let ready = false;
  const controller = startController({
    name: 'proxy/routes', clock, random, logger, maxBackoffMs: driftPeriodMs, signal,
    watches: [watching(nodes, {
      keys: () => [allRoutes],
      when: ({ type, object, old }) => type !== 'MODIFIED' || !old || !sameRoutes(object, old),
    })],
    reconcile: async (_request, context) => {
      try {
        const changes = planRoutes(desiredRoutes(nodes.list(), nodeName), await routes.list(context.signal));
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
  return {
    get ready() {
      return ready;
    },
    done: controller.done,
  };
}
