import { endpointSlices, leases, microTimeFromMs, ownerReference, nodes, services } from '@navarch/api';
import { isAlreadyExists, isNotFound, sleep, toError, type Clock, type Logger } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

const namespace = 'kube-system';
export const serviceName = 'kube-dns';
/** Marks a server's slice and its lease, so that controllers know whose sign of life is whose. */
export const componentLabel = 'navarch.io/dns-server';
const renewMs = 5_000;
const retryMs = 1_000;
/** Without a renewal for so long a server counts as gone. */
const leaseSeconds = 20;

export interface RegistrationOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly nodeName: string;
  /** Where this server listens: the node's own addresses. */
  readonly addresses: readonly string[];
  /** The Service's cluster address. */
  readonly serviceAddress: string;
  readonly port: number;
}

/**
 * Makes a server an endpoint of the Service `kube-system/kube-dns`: a slice of its own, which it keeps there while it lives, and a
 * lease, by which controllers see that it lives. When it stops in order, it takes both away.
 */
export async function register(options: RegistrationOptions, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  let pauseMs: number;
  while (!signal.aborted) {
    try {
      await keepService(options);
      // The sign of life first: a slice without one would be taken away again.
      await renew(options);
      await keepSlices(options);
      pauseMs = renewMs;
    } catch (error) {
      logger.warn('not registered as an endpoint of the cluster DNS', { error: toError(error).message });
      pauseMs = retryMs;
    }
    await sleep(clock, pauseMs, signal).catch(() => undefined);
  }
  await withdraw(options).catch((error: unknown) => logger.info('the endpoint stays until its lease has run out', { error: toError(error).message }));
}

async function keepService({ client, serviceAddress, port }: RegistrationOptions): Promise<void> {
  const all = client.resource(services);
  if (await orAbsent(all.get(namespace, serviceName))) return;
  const port53 = (name: string, protocol: string): NonNullable<NonNullable<Service['spec']>['ports']>[number] => ({ name, protocol, port: 53, targetPort: { type: 0, intVal: port } });
  await orExists(all.create({
    metadata: { namespace, name: serviceName, labels: { 'k8s-app': serviceName, 'kubernetes.io/name': 'CoreDNS', 'kubernetes.io/cluster-service': 'true' } },
    spec: { clusterIP: serviceAddress, ports: [port53('dns', 'UDP'), port53('dns-tcp', 'TCP')] },
  }));
}

async function keepSlices(options: RegistrationOptions): Promise<void> {
  const all = options.client.resource(endpointSlices);
  // Without its node nobody would take the slice away after us.
  const node = await options.client.resource(nodes).get('', options.nodeName);
  for (const family of ['IPv4', 'IPv6'] as const) {
    const addresses = options.addresses.filter((address) => address.includes(':') === (family === 'IPv6'));
    if (addresses.length === 0) continue;
    const wanted: EndpointSlice = {
      metadata: {
        namespace, name: sliceName(options, family), labels: { 'kubernetes.io/service-name': serviceName, 'endpointslice.kubernetes.io/managed-by': 'dns.navarch.io', [componentLabel]: options.nodeName },
        ownerReferences: [ownerReference(nodes, node)],
      },
      addressType: family, ports: [{ name: 'dns', protocol: 'UDP', port: options.port }, { name: 'dns-tcp', protocol: 'TCP', port: options.port }],
      endpoints: [{ addresses: addresses.slice(0, 1), nodeName: options.nodeName, conditions: { ready: true, serving: true, terminating: false } }],
    };
    const present = await orAbsent(all.get(namespace, sliceName(options, family)));
    if (!present) await orExists(all.create(wanted));
    else if (present.endpoints?.[0]?.addresses?.[0] !== addresses[0] || present.ports?.[0]?.port !== options.port) await all.update({ ...wanted, metadata: { ...present.metadata, ...wanted.metadata } });
  }
}

async function renew({ client, clock, nodeName }: RegistrationOptions): Promise<void> {
  const all = client.resource(leases);
  const name = leaseName(nodeName);
  const spec = { holderIdentity: nodeName, leaseDurationSeconds: leaseSeconds, renewTime: microTimeFromMs(clock.now()) };
  const present = await orAbsent(all.get(namespace, name));
  await (present ? all.update({ ...present, spec: { ...present.spec, ...spec } }) : all.create({ metadata: { namespace, name, labels: { [componentLabel]: nodeName } }, spec }));
}

async function withdraw(options: RegistrationOptions): Promise<void> {
  const { client, nodeName } = options;
  for (const family of ['IPv4', 'IPv6'] as const) await orAbsent(client.resource(endpointSlices).delete(namespace, sliceName(options, family)));
  await orAbsent(client.resource(leases).delete(namespace, leaseName(nodeName)));
}

const sliceName = ({ nodeName }: RegistrationOptions, family: 'IPv4' | 'IPv6'): string => `${serviceName}-${nodeName}${family === 'IPv6' ? '-ipv6' : ''}`;
const leaseName = (nodeName: string): string => `dns-${nodeName}`;

async function orAbsent<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function orExists(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
