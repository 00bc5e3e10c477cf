/**
 * The node's network agent. In its own network namespace it keeps
 *
 * - routes: each pod reaches each other by address without translation (route-proxy.ts, plan-routes.ts);
 * - Services: a table of nftables that sends what is addressed to a Service to one of its endpoints (services/, nft/);
 * - NetworkPolicies: a table that drops what they do not allow (policy/).
 *
 * All of it works alike: watch what the cluster wants, compute what the kernel should hold (pure functions), tell the kernel what
 * changed and nothing else, and look now and then whether someone else changed it. What is in the kernel stays when the agent ends: its restart
 * disturbs no traffic, and the next one takes over.
 */
import { nodes } from '@navarch/api';
import { toError, type Clock, type Logger, type Random } from '@navarch/base';
import { createEventRecorder, createInformer, type ApiClient } from '@navarch/client';

import type { Nft } from './nft/nft';
import { requireNft } from './nft/version';
import { runPolicyProxy } from './policy/policy-proxy';
import { runRouteProxy } from './route-proxy';
import type { RouteTable } from './route-table';
import type { FlowTable } from './services/flows';
import type { HealthPort, HealthPorts } from './services/health-ports';
import { runServiceProxy } from './services/service-proxy';

/** What the proxy needs of the machine to serve Services and NetworkPolicies. */
export interface ServiceBackend {
  readonly nft: Nft;
  readonly flows: FlowTable;
  healthPorts(failed: (port: HealthPort, error: Error) => void): HealthPorts;
  /** How often the table is written anew with all its elements; hourly unless told. */
  readonly rewritePeriodMs?: number;
}

export interface ProxyDependencies {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The node this proxy runs on. */
  readonly nodeName: string;
  readonly routes: RouteTable;
  /** Absent: routes only. */
  readonly services?: ServiceBackend;
  /** How often the kernel is compared although nothing changed; 30,000 ms unless told. */
  readonly driftPeriodMs?: number;
}

export interface Proxy {
  /** Whether the kernel had what was wanted at the last look. */
  readonly ready: boolean;
  /** Stops watching. The kernel keeps what it has: a restart disturbs no traffic. */
  close(): Promise<void>;
}

const hourMs = 3_600_000;

export function runProxy({ client, clock, random, logger, nodeName, routes, services, driftPeriodMs = 30_000 }: ProxyDependencies): Proxy {
  const stop = new AbortController();
  const { signal } = stop;
  const events = createEventRecorder({ client, clock, random, logger, component: 'navarch-proxy', host: nodeName });
  const nodeInformer = createInformer({ client: client.resource(nodes), resource: nodes, clock, random, logger });
  const routeProxy = runRouteProxy({ nodes: nodeInformer, clock, random, logger, nodeName, routes, driftPeriodMs, signal });
  const healthPorts = services?.healthPorts(({ namespace, name, port }, error) =>
    events.event({ kind: 'Service', apiVersion: 'v1', namespace, name }, 'Warning', 'HealthCheckNodePortFailed', `port ${port} on ${nodeName}: ${error.message}`));
  const serviceProxy = services && healthPorts && runServiceProxy({
    client, clock, random, logger, events, nodeName, nodes: nodeInformer, nft: services.nft, flows: services.flows, healthPorts,
    driftPeriodMs, rewritePeriodMs: services.rewritePeriodMs ?? hourMs, signal,
  });
  const policyProxy = services && runPolicyProxy({
    client, clock, random, logger, nodeName, nft: services.nft, driftPeriodMs, signal,
    failed: (error) => events.event({ kind: 'Node', apiVersion: 'v1', name: nodeName, uid: nodeInformer.get('', nodeName)?.metadata?.uid }, 'Warning', 'NetworkPolicyFailed', error.message),
  });
  nodeInformer.start(signal);
  return {
    get ready() {
      return routeProxy.ready && (serviceProxy?.ready ?? true) && (policyProxy?.ready ?? true);
    },
    close: async () => {
      stop.abort(new Error('proxy stops'));
      await Promise.all([routeProxy.done, serviceProxy?.done, policyProxy?.done]);
      await Promise.all([healthPorts?.close(), services?.nft.close(), events.flush()]);
    },
  };
}

/**
 * Makes sure that this machine can balance Services. Where not, the node's events say why before this rejects, as far as
 * the apiserver can be reached.
 */
export async function requireKernel({ nft, client, clock, random, logger, nodeName }: Pick<ProxyDependencies, 'client' | 'clock' | 'random' | 'logger' | 'nodeName'> & { nft: Nft }): Promise<void> {
  try {
    await requireNft(nft);
  } catch (thrown) {
    const events = createEventRecorder({ client, clock, random, logger, component: 'navarch-proxy', host: nodeName });
    events.event({ kind: 'Node', apiVersion: 'v1', name: nodeName }, 'Warning', 'ServicesUnavailable', toError(thrown).message);
    await events.flush();
    throw thrown;
  }
}
