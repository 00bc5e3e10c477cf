import { endpointSlices, namespaces, services } from '@navarch/api';
import type { Clock, Logger, Random } from '@navarch/base';
import { createInformer, type ApiClient } from '@navarch/client';

import { clusterAddresses, usualForm, type ClusterView } from './zone';

export interface InformedView {
  readonly view: ClusterView;
  /** When everything there was has been seen once. */
  readonly synced: Promise<void>;
}

/** The cluster by way of watches; what changes is looked up by index, so that a change costs what it touches. */
export function informedView({ client, clock, random, logger, signal }: { client: ApiClient; clock: Clock; random: Random; logger: Logger; signal: AbortSignal }): InformedView {
  const common = { clock, random, logger };
  const ofServices = createInformer({
    ...common, client: client.resource(services), resource: services, indexes: { address: (service) => clusterAddresses(service).map(usualForm) },
  });
  const ofSlices = createInformer({
    ...common, client: client.resource(endpointSlices), resource: endpointSlices,
    indexes: {
      service: ({ metadata }) => [`${metadata?.namespace}/${metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`],
      address: ({ endpoints = [] }) => [...new Set(endpoints.flatMap(({ addresses = [] }) => addresses.map(usualForm)))],
    },
  });
  const ofNamespaces = createInformer({ ...common, client: client.resource(namespaces), resource: namespaces });
  const all = [ofServices, ofSlices, ofNamespaces];
  for (const informer of all) informer.start(signal);
  return {
    synced: Promise.all(all.map(({ synced }) => synced)).then(() => undefined),
    view: {
      hasNamespace: (name) => ofNamespaces.get('', name) !== undefined,
      service: (namespace, name) => ofServices.get(namespace, name),
      slices: (namespace, service) => ofSlices.by('service', `${namespace}/${service}`),
      servicesAt: (address) => ofServices.by('address', address),
      slicesAt: (address) => ofSlices.by('address', address),
    },
  };
}
