/** Keeps the EndpointSlices of Services that have a selector: which pods are behind them, and in which state. */
import { startController, watching, type ReconcileContext, type Request } from '@navarch/client';
import type { Node, Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../dependencies';
import { endpointChanged } from '../service/pod-endpoint';
import { hasSelector, podsSelected, servicesSelecting } from '../service/selection';
import { TriggerTimes } from '../service/trigger-times';
import { planSlices } from './plan-slices';
import { isManagedBy, managers, serviceKey, serviceNameLabel } from './slice-labels';
import { writeSlices } from './write-slices';

const workers = 5;
const zoneLabel = 'topology.kubernetes.io/zone';

const zoneOf = (node: Node | undefined): string | undefined => node?.metadata?.labels?.[zoneLabel];
const requestOf = ({ metadata }: Service): Request => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });

class EndpointSlices {
  private readonly triggers = new TriggerTimes();

  constructor(private readonly dependencies: ControllerDependencies) {}

  async reconcile({ namespace, name }: Request, context: ReconcileContext): Promise<void> {
    const { informers, config } = this.dependencies;
    const service = informers.services.get(namespace, name);
    const key = serviceKey(namespace, name);
    const existing = informers.endpointSlices.by('service', key).filter((slice) => isManagedBy(slice, managers.endpoints) && !slice.metadata?.deletionTimestamp);
    const here = service && !service.metadata?.deletionTimestamp;
    // Without a selector they are somebody else's to keep, also those that were ours.
    if (here && service.spec?.type !== 'ExternalName' && !hasSelector(service)) return this.triggers.forget(key);
    if (!here || service.spec?.type === 'ExternalName') {
      this.triggers.forget(key);
      return writeSlices(this.dependencies, { create: [], update: [], remove: existing }, context);
    }
    const pods = podsSelected(informers.pods, service);
    const trigger = this.triggers.next(key, service, pods, existing.length > 0);
    const plan = planSlices({ service, pods, existing, trigger, zoneOf: (node) => zoneOf(informers.nodes.get('', node)), maxEndpoints: config.maxEndpointsPerSlice });
    return writeSlices(this.dependencies, plan, context);
  }
}

export const startEndpointSlices: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const controller = new EndpointSlices(dependencies);
  const servicesOf = (pod: Pod): Request[] => servicesSelecting(informers.services, pod).map(requestOf);
  return startController({
    name: 'endpointslice', clock, random, logger, signal, concurrency: workers, ...(observe && { observe }),
    watches: [
      watching(informers.services, { keys: (service) => [requestOf(service)] }),
      watching(informers.pods, { keys: servicesOf, when: ({ object, old, type }) => type === 'DELETED' || endpointChanged(object, old) }),
      watching(informers.endpointSlices, {
        keys: ({ metadata }) => [{ namespace: metadata?.namespace ?? '', name: metadata?.labels?.[serviceNameLabel] ?? '' }],
        when: ({ object, old }) => [object, ...(old ? [old] : [])].some((slice) => isManagedBy(slice, managers.endpoints)),
      }),
      watching(informers.nodes, {
        keys: ({ metadata }) => informers.pods.by('nodeName', metadata?.name ?? '').flatMap(servicesOf),
        when: ({ object, old, type }) => type === 'DELETED' || zoneOf(object) !== zoneOf(old),
      }),
    ],
    reconcile: (request, context) => controller.reconcile(request, context),
  });
};

