/**
 * The cluster's DNS: names of Services, endpoints and pods from watches, everything else from other servers.
 *
 *   packet (UDP, TCP) ──► Resolver ──► ClusterZone (pure, over the informers' caches)
 *                                 └──► Forwarder ──► cache, other servers
 */
import type { Clock, Logger, Random } from '@navarch/base';
import type { ApiClient } from '@navarch/client';

import { exchangeTcp, exchangeUdp, type Upstream } from './forward/exchange';
import { Forwarder } from './forward/forwarder';
import { DnsMetrics } from './metrics';
import { register, type RegistrationOptions } from './registration';
import { Resolver } from './resolver';
import { listenTcp } from './server/tcp';
import { listenUdp, type DnsListener } from './server/udp';
import { informedView } from './zone/informed-view';
import { ClusterZone } from './zone/zone';

export interface DnsDependencies {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The cluster's domain, without a dot at its end. */
  readonly domain: string;
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  readonly upstreams: readonly Upstream[];
  /** Seconds that the cluster's records may be kept. */
  readonly ttl: number;
  /** Absent: this server is nobody's endpoint. */
  readonly registration?: Pick<RegistrationOptions, 'nodeName' | 'addresses' | 'serviceAddress'>;
}

export interface Dns {
  /** Ports, in the order of `listen`. */
  readonly ports: readonly number[];
  /** Prometheus' text format, version 0.0.4. */
  metrics(): string;
  close(): Promise<void>;
}

/** Answers from the moment on when everything in the cluster has been seen once: an early NXDOMAIN would be kept by clients. */
export async function runDns(dependencies: DnsDependencies): Promise<Dns> {
  const { client, clock, random, logger, domain, listen, upstreams, ttl, registration } = dependencies;
  const stop = new AbortController();
  const { view, synced } = informedView({ client, clock, random, logger, signal: stop.signal });
  await synced;
  const metrics = new DnsMetrics();
  const forwarder = new Forwarder({ upstreams, udp: exchangeUdp, tcp: exchangeTcp, clock, random, logger, observe: metrics.forwarded });
  const resolver = new Resolver({ zone: new ClusterZone({ domain, view, random, ttl }), forwarder, logger, observe: metrics.answered });
  const listeners: DnsListener[] = [];
  const ports: number[] = [];
  for (const { host, port } of listen) {
    const udp = await listenUdp({ host, port, resolver, logger });
    listeners.push(udp, await listenTcp({ host, port: udp.port, resolver, logger }));
    ports.push(udp.port);
  }
  const registered = registration ? register({ ...registration, client, clock, logger, port: ports[0] ?? 53 }, stop.signal) : Promise.resolve();
  let closing: Promise<unknown> | undefined;
  // First nobody must be sent here any more, then nobody is heard.
  const close = async (): Promise<void> => {
    stop.abort(new Error('the DNS server stops'));
    await registered;
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  return { ports, metrics: () => metrics.text(forwarder.cache.size), close: async () => void (await (closing ??= close())) };
}
