/** Shows Endpoints that people keep by hand as EndpointSlices, so that proxies and DNS read one form only (KEP-1412). */
import { startController, watching, type ReconcileContext, type Request } from '@navarch/client';
import type { Endpoints, Service } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../dependencies';
import { isManagedBy, managers, serviceKey, serviceNameLabel } from '../endpointslice/slice-labels';
import { writeSlices } from '../endpointslice/write-slices';
import { isMirrored, planMirror } from './plan-mirror';

/** Kubernetes' --mirroring-max-endpoints-per-subset, in slices as large. */
const maxEndpoints = 1_000;

const requestOf = ({ metadata }: Service | Endpoints): Request => ({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });

async function reconcile(dependencies: ControllerDependencies, { namespace, name }: Request, context: ReconcileContext): Promise<void> {
  const { informers } = dependencies;
  const endpoints = informers.endpoints.get(namespace, name);
  const existing = informers.endpointSlices.by('service', serviceKey(namespace, name)).filter((slice) => isManagedBy(slice, managers.mirroring) && !slice.metadata?.deletionTimestamp);
  const mirrored = isMirrored(informers.services.get(namespace, name), endpoints) ? endpoints : undefined;
  return writeSlices(dependencies, planMirror(mirrored, existing, maxEndpoints), context);
}

export const startEndpointSliceMirroring: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  return startController({
    name: 'endpointslice-mirroring', clock, random, logger, signal, ...(observe && { observe }),
    watches: [
      watching(informers.services, { keys: (service) => [requestOf(service)] }),
      watching(informers.endpoints, { keys: (endpoints) => [requestOf(endpoints)] }),
      watching(informers.endpointSlices, {
        keys: ({ metadata }) => [{ namespace: metadata?.namespace ?? '', name: metadata?.labels?.[serviceNameLabel] ?? '' }],
        when: ({ object, old }) => [object, ...(old ? [old] : [])].some((slice) => isManagedBy(slice, managers.mirroring)),
      }),
    ],
    reconcile: (request, context) => reconcile(dependencies, request, context),
  });
};
