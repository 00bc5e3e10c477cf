/**
 * Where pods find the API: every replica says by a Lease that it lives and at which address, and makes the endpoints of the
 * `kubernetes` Service what the living ones say. Replicas agree without talking to each other, and who dies is left out.
 */
import { deepEqual, endpoints as endpointsKind, endpointSlices, leases, microTimeFromMs, type ApiObject, type Resource } from '@navarch/api';
import { deadlineSignal, isAlreadyExists, isConflict, isNotFound, sleep, toError, type Clock, type Logger, type Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';
import type { Endpoints } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { apiPort, makeKubernetesService } from './bootstrap';

const namespace = 'default';
const service = 'kubernetes';
const leaseNamespace = 'kube-system';
/** Kubernetes' label of apiservers' identity Leases. */
const identityLabel = 'apiserver.kubernetes.io/identity';
const addressesAnnotation = 'navarch.io/advertised-addresses';

/** How often a replica says that it lives, and looks who else does; a Lease unchanged for `deadAfterMs` is a dead replica's. */
const renewMs = 5_000;
export const deadAfterMs = 15_000;
const leaveWithinMs = 2_000;

export interface KubernetesEndpointsOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Unique per replica. */
  readonly identity: string;
  /** This replica's own, as pods reach them at port 6443. */
  readonly addresses: readonly string[];
  readonly serviceRanges: readonly string[];
}

export interface KubernetesEndpoints {
  /** Takes this replica's address out, if the log lets it within two seconds, then ends. Never rejects. */
  leave(): Promise<void>;
}

export function publishKubernetesEndpoints(options: KubernetesEndpointsOptions): KubernetesEndpoints {
  const { clock, logger } = options;
  const stop = new AbortController();
  const publisher = new Publisher(options);
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      try {
        await publisher.round(stop.signal);
      } catch (error) {
        if (!stop.signal.aborted) logger.warn('the endpoints of the kubernetes Service could not be kept', { error: toError(error).message });
      }
      await sleep(clock, renewMs, stop.signal).catch(() => undefined);
    }
  };
  const running = run();
  return {
    async leave() {
      stop.abort(new Error('this replica leaves'));
      await running;
      const limit = deadlineSignal(clock, leaveWithinMs, () => new Error('the log did not answer'));
      await publisher.leave(limit.signal).catch((error: unknown) => logger.warn('this replica’s address was not taken out; the others will', { error: toError(error).message }));
      limit.dispose();
    },
  };
}

class Publisher {
  /** Since when, by our own clock, each Lease has been as it is. */
  private readonly sightings = new Map<string, { readonly version: string; readonly sinceMs: number }>();

  constructor(private readonly options: KubernetesEndpointsOptions) {}

  async round(signal: AbortSignal): Promise<void> {
    const { client, serviceRanges } = this.options;
    await makeKubernetesService({ client, signal }, serviceRanges);
    await this.renew(signal);
    await this.publish(await this.alive(signal), signal);
  }

  async leave(signal: AbortSignal): Promise<void> {
    const { client, identity } = this.options;
    await client.resource(leases).delete(leaseNamespace, identity, { signal }).catch(unless(isNotFound));
    await this.publish(await this.alive(signal), signal);
  }

  private async renew(signal: AbortSignal): Promise<void> {
    const { client, clock, identity, addresses } = this.options;
    const spec = { holderIdentity: identity, leaseDurationSeconds: deadAfterMs / 1_000, renewTime: microTimeFromMs(clock.now()) };
    const metadata = { namespace: leaseNamespace, name: identity, labels: { [identityLabel]: 'navarch-apiserver' }, annotations: { [addressesAnnotation]: addresses.join(',') } };
    try {
      await client.resource(leases).update({ metadata, spec }, { signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await client.resource(leases).create({ metadata, spec }, { signal });
    }
  }

  /** The addresses of all replicas whose Leases change; a dead one's Lease goes. */
  private async alive(signal: AbortSignal): Promise<string[]> {
    const { client } = this.options;
    const { items } = await client.resource(leases).list({ namespace: leaseNamespace, labelSelector: `${identityLabel}=navarch-apiserver`, signal });
    const addresses: string[] = [];
    for (const lease of items) {
      if (this.isAlive(lease)) addresses.push(...(lease.metadata?.annotations?.[addressesAnnotation] ?? '').split(',').filter((address) => address !== ''));
      else await this.bury(lease, signal);
    }
    const present = new Set(items.map(({ metadata }) => metadata?.name ?? ''));
    for (const name of this.sightings.keys()) if (!present.has(name)) this.sightings.delete(name);
    return [...new Set(addresses)].sort();
  }

  private isAlive({ metadata }: Lease): boolean {
    const { name = '', resourceVersion: version = '' } = metadata ?? {};
    const nowMs = this.options.clock.monotonic();
    const seen = this.sightings.get(name);
    if (seen?.version === version) return nowMs - seen.sinceMs < deadAfterMs;
    this.sightings.set(name, { version, sinceMs: nowMs });
    return true;
  }

  /** Unless it has come back to life meanwhile. */
  private async bury({ metadata }: Lease, signal: AbortSignal): Promise<void> {
    const { client, logger } = this.options;
    const { name = '', uid, resourceVersion } = metadata ?? {};
    logger.info('an apiserver is gone', { identity: name });
    await client.resource(leases).delete(leaseNamespace, name, { deleteOptions: { preconditions: { uid, resourceVersion } }, signal }).catch(unless(isNotFound, isConflict));
  }

  private async publish(addresses: readonly string[], signal: AbortSignal): Promise<void> {
    await this.put(endpointsKind, endpointsOf(addresses), signal);
    for (const slice of slicesOf(addresses)) await this.put(endpointSlices, slice, signal);
  }

  /** Makes the object so, where it is not. */
  private async put<T extends ApiObject>(resource: Resource<T>, wanted: T, signal: AbortSignal): Promise<void> {
    const kind = this.options.client.resource(resource);
    const present = await kind.get(namespace, wanted.metadata?.name ?? '', { signal }).catch(unless(isNotFound));
    if (!present) return void (await kind.create(wanted, { signal }).catch(unless(isAlreadyExists)));
    const next: T = { ...present, ...wanted, metadata: { ...present.metadata, labels: { ...present.metadata?.labels, ...wanted.metadata?.labels } } };
    if (!deepEqual(resource.codec.decode(resource.codec.encode(next)), present)) await kind.update(next, { signal }).catch(unless(isConflict));
  }
}

function endpointsOf(addresses: readonly string[]): Endpoints {
  return {
    // Its slices are made here as well.
    metadata: { namespace, name: service, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: addresses.length > 0 ? [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port: apiPort, protocol: 'TCP' }] }] : [],
  };
}

/** One per family; that of IPv6 only where there is an address for it. */
function slicesOf(addresses: readonly string[]): EndpointSlice[] {
  const slice = (name: string, addressType: string, own: readonly string[]): EndpointSlice => ({
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': service } }, addressType,
    endpoints: own.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port: apiPort, protocol: 'TCP' }],
  });
  const six = addresses.filter((address) => address.includes(':'));
  const four = addresses.filter((address) => !address.includes(':'));
  return [slice(service, 'IPv4', four), ...(six.length > 0 ? [slice(`${service}-ipv6`, 'IPv6', six)] : [])];
}

const unless = (...expected: readonly ((error: unknown) => boolean)[]) => (thrown: unknown): undefined => {
  if (expected.some((is) => is(thrown))) return undefined;
  throw thrown;
};
