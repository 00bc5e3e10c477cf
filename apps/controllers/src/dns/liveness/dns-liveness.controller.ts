/**
 * Takes DNS servers that died out of the Service kube-system/kube-dns. Each server keeps a slice and a Lease of its own there, and takes
 * both away when it stops in order; one that was killed, hangs or lost its node cannot. It makes them again when it is back.
 */
import { endpointSlices, leases } from '@navarch/api';
import { isConflict, isNotFound } from '@navarch/base';
import { startController, watching, type ReconcileContext, type Request } from '@navarch/client';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { planSlice, serverOf, type Server } from './plan-slice';
import { Renewals } from './renewals';

const namespace = 'kube-system';

class DnsLiveness {
  private readonly renewals = new Renewals();

  constructor(private readonly dependencies: ControllerDependencies) {}

  /** `name` is the server's node. */
  async reconcile({ name }: Request, context: ReconcileContext): Promise<{ requeueAfterMs: number } | void> {
    const { informers, clock } = this.dependencies;
    const slices = informers.endpointSlices.by('dnsServer', name).filter(({ metadata }) => metadata?.namespace === namespace);
    const lease = informers.dnsLeases.by('dnsServer', name)[0];
    const node = informers.nodes.get('', name);
    if (slices.length === 0 && !lease) return this.renewals.forget(name);
    const leftMs = this.renewals.leftMs(name, lease, clock.monotonic());
    for (const slice of slices) await this.apply(slice, { node, leftMs }, context);
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    if (lease && !node) await this.drop(lease);
  }

  private async apply(slice: EndpointSlice, server: Server, { wrote, logger }: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const { uid = '', resourceVersion = '', name = '' } = slice.metadata ?? {};
    const plan = planSlice(slice, server);
    try {
      if (plan.do === 'update') await wrote(informers.endpointSlices, await client.resource(endpointSlices).update(plan.slice));
      if (plan.do !== 'delete') return;
      await wrote(informers.endpointSlices, await client.resource(endpointSlices).delete(namespace, name, { deleteOptions: { preconditions: { uid, resourceVersion } } }));
      logger.info('DNS server taken out of its Service', { slice: name, why: plan.why });
    } catch (thrown) {
      // Gone already, or changed by its server a moment ago: its event brings us back.
      if (!isNotFound(thrown) && !isConflict(thrown)) throw thrown;
    }
  }

  private async drop({ metadata }: Lease): Promise<void> {
    try {
      await this.dependencies.client.resource(leases).delete(namespace, metadata?.name ?? '', { deleteOptions: { preconditions: { resourceVersion: metadata?.resourceVersion ?? '' } } });
    } catch (thrown) {
      if (!isNotFound(thrown) && !isConflict(thrown)) throw thrown;
    }
  }
}

export const startDnsLiveness: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const liveness = new DnsLiveness(dependencies);
  const keys = (object: Lease | EndpointSlice): Request[] => serverOf(object).map((name) => ({ namespace, name }));
  return startController({
    name: 'dns-liveness', clock, random, logger, signal, ...(observe && { observe }),
    watches: [
      watching(informers.dnsLeases, { keys }),
      watching(informers.endpointSlices, { keys }),
      watching(informers.nodes, { keys: ({ metadata }) => [{ namespace, name: metadata?.name ?? '' }] }),
    ],
    reconcile: (request, context) => liveness.reconcile(request, context),
  });
};
