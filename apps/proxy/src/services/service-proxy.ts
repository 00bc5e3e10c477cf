import { SpanKind, trace } from '@opentelemetry/api';

import { endpointSlices, services } from '@navarch/api';
import { ApiError, toError, type Clock, type Logger, type Random } from '@navarch/base';
import { createInformer, startController, watching, type ApiClient, type Controller, type EventRecorder, type Informer, type ObjectChange } from '@navarch/client';
import type { Node, Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { nodeFacts, sameFacts } from '../node-facts';
import { KernelTable } from '../nft/kernel-table';
import type { Nft } from '../nft/nft';
import { staleFlows, type FlowTable } from './flows';
import type { HealthPort, HealthPorts } from './health-ports';
import { isServed } from './service-port';
import { ServiceRules } from './service-rules';

export interface ServiceProxyOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly events: EventRecorder;
  readonly nodeName: string;
  readonly nodes: Informer<Node>;
  readonly nft: Nft;
  readonly flows: FlowTable;
  readonly healthPorts: HealthPorts;
  /** How often the kernel's table is looked at although nothing changed, in milliseconds. */
  readonly driftPeriodMs: number;
  /** How often it is written anew, elements and all, in milliseconds. */
  readonly rewritePeriodMs: number;
  readonly signal: AbortSignal;
}

export interface ServiceProxy {
  /** Whether the kernel had all that was wanted at the last look. */
  readonly ready: boolean;
  readonly table: KernelTable;
  readonly done: Promise<void>;
}

export const servicesTable = 'navarch-services';
const everything = { namespace: '', name: 'services' };
const check = { namespace: '', name: 'check' };
const rewrite = { namespace: '', name: 'rewrite' };
/** The same label by which the controllers tie slices to Services. */
const serviceLabel = 'kubernetes.io/service-name';
/** Slices that are none of ours: of headless Services, and of other proxies. */
const slicesOfOurs = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name';

const idOf = (namespace: string | undefined, name: string | undefined): string => `${namespace}/${name}`;
const serviceOf = ({ metadata }: EndpointSlice): string => idOf(metadata?.namespace, metadata?.labels?.[serviceLabel]);

/** Follows Services and EndpointSlices and keeps the kernel's table as they want it: one transaction for all that changed meanwhile. */
export function runServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  return new ServiceFollower(options);
}

class ServiceFollower implements ServiceProxy {
  ready = false;
  readonly table: KernelTable;
  readonly done: Promise<void>;
  private readonly rules: ServiceRules;
  private readonly services: Informer<Service>;
  private readonly slices: Informer<EndpointSlice>;
  /** Services that changed since the kernel was last told. */
  private readonly changed = new Set<string>();
  private readonly conflicts = new Set<string>();
  private readonly healthChecks = new Map<string, HealthPort>();
  private facts;
  private flowsMayBeStale = true;
  private readonly tracer = trace.getTracer('@navarch/proxy');

  constructor(private readonly options: ServiceProxyOptions) {
    const { client, clock, random, logger, nft, nodeName, nodes, signal } = options;
    this.facts = nodeFacts(nodeName, undefined);
    this.rules = new ServiceRules(this.facts);
    this.table = new KernelTable({ name: servicesTable, model: this.rules.model, nft, logger });
    this.services = createInformer({ client: client.resource(services), resource: services, clock, random, logger });
    this.slices = createInformer({
      client: client.resource(endpointSlices), resource: endpointSlices, clock, random, logger, labelSelector: slicesOfOurs,
      indexes: { service: (slice) => [serviceOf(slice)] },
    });
    this.services.onChange(({ object }) => this.changed.add(idOf(object.metadata?.namespace, object.metadata?.name)));
    this.slices.onChange(({ object, old }) => {
      this.changed.add(serviceOf(object));
      if (old) this.changed.add(serviceOf(old));
    });
    const controller = this.follow(nodes, signal);
    // Also in a cluster without Services: what an earlier run left must go.
    controller.enqueue(everything);
    controller.enqueue(check, options.driftPeriodMs);
    controller.enqueue(rewrite, options.rewritePeriodMs);
    this.services.start(signal);
    this.slices.start(signal);
    this.done = controller.done;
  }

  private follow(nodes: Informer<Node>, signal: AbortSignal): Controller {
    const { clock, random, logger, nodeName } = this.options;
    const keys = (): (typeof everything)[] => [everything];
    return startController({
      name: 'proxy/services', clock, random, logger, signal, maxBackoffMs: 10_000,
      watches: [
        watching(this.services, { keys }), watching(this.slices, { keys }),
        watching(nodes, { keys, when: ({ object }: ObjectChange<Node>) => object.metadata?.name === nodeName && !sameFacts(nodeFacts(nodeName, object), this.facts) }),
      ],
      reconcile: async ({ name }, context) => {
        if (name === everything.name) return this.followChanges(context.signal);
        await this.inKernel(context.signal, () => (name === check.name ? this.table.check(context.signal) : this.table.rebuild(context.signal)));
        return { requeueAfterMs: name === check.name ? this.options.driftPeriodMs : this.options.rewritePeriodMs };
      },
    });
  }

  private async followChanges(signal: AbortSignal): Promise<void> {
    const ids = this.takeChanged();
    await this.inKernel(signal, () => this.tracer.startActiveSpan('proxy.kernel', { kind: SpanKind.INTERNAL, attributes: { 'navarch.services': ids.length } }, async (span) => {
      try {
        await this.table.sync(signal);
      } finally {
        span.end();
      }
    }));
    this.options.healthPorts.set([...this.healthChecks.values()]);
    await this.forgetFlows(signal);
  }

  private async inKernel(signal: AbortSignal, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.ready = true;
    } catch (thrown) {
      this.ready = false;
      this.complain(signal, toError(thrown));
      throw new ApiError('Unavailable', `the kernel does not take the rules: ${toError(thrown).message}`, {}, { cause: thrown });
    }
  }

  /** Takes the changes into the model; answers whose they were. */
  private takeChanged(): string[] {
    const facts = nodeFacts(this.options.nodeName, this.options.nodes.get('', this.options.nodeName));
    if (!sameFacts(facts, this.facts)) this.rules.setNode(this.facts = facts);
    const ids = [...this.changed];
    this.changed.clear();
    for (const id of ids) {
      const [namespace = '', name = ''] = id.split('/');
      this.flowsMayBeStale ||= this.rules.hasFlows(id);
      const service = this.services.get(namespace, name);
      this.rules.setService(id, service, this.slices.by('service', id));
      this.followHealthCheck(id, service);
      this.flowsMayBeStale ||= this.rules.hasFlows(id);
      this.reportConflicts(id);
    }
    return ids;
  }

  private followHealthCheck(id: string, service: Service | undefined): void {
    const { type, externalTrafficPolicy, healthCheckNodePort: port } = service?.spec ?? {};
    if (!service || port === undefined || type !== 'LoadBalancer' || externalTrafficPolicy !== 'Local' || !isServed(service)) this.healthChecks.delete(id);
    else this.healthChecks.set(id, { port, namespace: service.metadata?.namespace ?? '', name: service.metadata?.name ?? '', localEndpoints: this.rules.localEndpoints(id) });
  }

  /** A UDP client must not go on sending to an endpoint that is gone. Without conntrack(8) it may, until the flow rests: that is told, and stops nothing. */
  private async forgetFlows(signal: AbortSignal): Promise<void> {
    if (!this.flowsMayBeStale) return;
    try {
      const stale = staleFlows(await this.options.flows.list(signal), (frontend) => this.rules.endpointsOfFlow(frontend));
      await this.options.flows.remove(stale, signal);
      this.flowsMayBeStale = false;
    } catch (thrown) {
      signal.throwIfAborted();
      throw new ApiError('Unavailable', `UDP flows to endpoints that are gone stay: ${toError(thrown).message}`, {}, { cause: thrown });
    }
  }

  private reportConflicts(id: string): void {
    const lost = this.rules.lostFrontends(id);
    if (lost.length === 0) this.conflicts.delete(id);
    else if (!this.conflicts.has(id)) {
      this.conflicts.add(id);
      const [namespace = '', name = ''] = id.split('/');
      const message = lost.map(({ frontend, owner }) => `${frontend.key.replaceAll(' . ', ' ')} belongs to ${owner}`).join('; ');
      this.options.events.event({ kind: 'Service', apiVersion: 'v1', namespace, name, uid: this.services.get(namespace, name)?.metadata?.uid }, 'Warning', 'FrontendInUse', message);
      this.options.logger.warn('two Services claim one address and port', { service: id, message });
    }
  }

  private complain(signal: AbortSignal, error: Error): void {
    if (signal.aborted) return;
    const { nodeName, events, nodes } = this.options;
    events.event({ kind: 'Node', apiVersion: 'v1', name: nodeName, uid: nodes.get('', nodeName)?.metadata?.uid }, 'Warning', 'ServiceRulesFailed', error.message);
  }
}
