/** Keeps the older form of what EndpointSlices say, one Endpoints per Service that has a selector, for clients that still read it. */
import { endpoints as endpointsKind } from '@navarch/api';
import { startController, watching, type ReconcileContext, type Request } from '@navarch/client';
import type { Endpoints, Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../dependencies';
import { unlessGone, unlessTerminating } from '../endpointslice/write-slices';
import { endpointChanged } from '../service/pod-endpoint';
import { hasSelector, podsSelected, servicesSelecting } from '../service/selection';
import { TriggerTimes } from '../service/trigger-times';
import { managedLabel, planEndpoints } from './plan-endpoints';

const workers = 5;
/** Endpoints that some clients elect a leader with, and nobody's Service. */
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';

const requestOf = ({ metadata }: Service | Endpoints): Request => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });

class ServiceEndpoints {
  private readonly triggers = new TriggerTimes();

  constructor(private readonly dependencies: ControllerDependencies) {}

  async reconcile({ namespace, name }: Request, { wrote }: ReconcileContext): Promise<void> {
    const { informers, client } = this.dependencies;
    const service = informers.services.get(namespace, name);
    const existing = informers.endpoints.get(namespace, name);
    const key = `${namespace}/${name}`;
    if (!service) {
      this.triggers.forget(key);
      return this.remove(existing, wrote);
    }
    if (service.spec?.type === 'ExternalName' || !hasSelector(service) || service.metadata?.deletionTimestamp) return this.triggers.forget(key);
    const pods = podsSelected(informers.pods, service);
    const next = planEndpoints(service, pods, existing, this.triggers.next(key, service, pods, existing !== undefined));
    if (!next) return;
    const kind = client.resource(endpointsKind);
    const written = existing ? await kind.update(next) : await kind.create(next).catch(unlessTerminating);
    if (written) await wrote(informers.endpoints, written);
  }

  private async remove(existing: Endpoints | undefined, wrote: ReconcileContext['wrote']): Promise<void> {
    const { client, informers } = this.dependencies;
    if (!existing || existing.metadata?.annotations?.[leaderAnnotation] !== undefined) return;
    const { namespace = '', name = '', uid } = existing.metadata ?? {};
    const removed = await client.resource(endpointsKind).delete(namespace, name, { deleteOptions: { preconditions: { uid } } }).catch(unlessGone);
    if (removed) await wrote(informers.endpoints, removed);
  }
}

export const startEndpoints: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const controller = new ServiceEndpoints(dependencies);
  const isOurs = ({ metadata }: Endpoints): boolean => metadata?.labels?.[managedLabel] !== undefined;
  return startController({
    name: 'endpoints', clock, random, logger, signal, concurrency: workers, ...(observe && { observe }),
    watches: [
      watching(informers.services, { keys: (service) => [requestOf(service)] }),
      watching(informers.pods, { keys: (pod: Pod) => servicesSelecting(informers.services, pod).map(requestOf), when: ({ object, old, type }) => type === 'DELETED' || endpointChanged(object, old) }),
      // Those that were made by hand are their maker's, as long as there is no Service that says otherwise.
      watching(informers.endpoints, { keys: (endpoints) => (isOurs(endpoints) ? [requestOf(endpoints)] : []) }),
    ],
    reconcile: (request, context) => controller.reconcile(request, context),
  });
};
